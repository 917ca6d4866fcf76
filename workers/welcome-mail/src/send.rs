//! Sending, and what its failures mean.

use std::fmt;
use std::future::Future;

use fleet::fate::Fate;

use crate::mail::Mail;
use crate::text::one_line;

/// Sends a mail once, without retries of its own: only the caller knows whether a second try may be a second mail.
pub trait Mailer: Clone + Send + Sync + 'static {
    /// Sends `mail` and returns the message id that SES gave it.
    fn send(&self, mail: &Mail) -> impl Future<Output = Result<String, SendFailure>> + Send;
}

/// Words from elsewhere, on one line and without addresses: fit for a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(String);

/// Enough for an error of AWS; a page of HTML from a proxy is cut.
const MAX_REASON_CHARS: usize = 400;

impl Reason {
    /// Every word with an `@`, plain or percent-encoded, is replaced by `[address]`.
    pub fn new(text: impl AsRef<str>) -> Self {
        // Cut afterwards: an address cut before its @ would not be recognised.
        let line = one_line(text.as_ref());
        let scrubbed: Vec<&str> = line
            .split(' ')
            .map(|word| {
                if word.contains('@') || word.contains("%40") {
                    "[address]"
                } else {
                    word
                }
            })
            .collect();
        Self(scrubbed.join(" ").chars().take(MAX_REASON_CHARS).collect())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a mail was not sent, or why nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendFailure {
    /// More mails a second than SES allows.
    #[error("ses is throttled: {0}")]
    Throttled(Reason),
    /// More mails a day than SES allows.
    #[error("the sending quota of ses is used up: {0}")]
    QuotaExceeded(Reason),
    /// Nothing reached SES.
    #[error("ses could not be reached: {0}")]
    NotSent(Reason),
    /// SES may or may not have taken the mail: a timeout, a lost answer, a server error.
    #[error("the mail may or may not have been sent: {0}")]
    Ambiguous(Reason),
    /// Sending waits for an operator.
    #[error("{0}: {1}")]
    Held(Hold, Reason),
    /// SES will never send this mail.
    #[error("ses refused the mail: {0}")]
    Rejected(Reason),
    /// The function may not send, or has no valid credentials.
    #[error("access to ses was denied: {0}")]
    Denied(Reason),
}

/// What an operator must mend before any mail goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Hold {
    /// Of the account or of the configuration set.
    #[error("sending is paused")]
    SendingPaused,
    /// By AWS.
    #[error("the ses account is suspended")]
    AccountSuspended,
    /// DNS.
    #[error("the custom mail-from domain is not verified")]
    MailFromDomainNotVerified,
    /// `CONFIGURATION_SET` names none.
    #[error("the configuration set does not exist")]
    ConfigurationSetNotFound,
    /// Of the sender; of the recipient too while the account is in SES's sandbox.
    #[error("an identity is not verified")]
    IdentityNotVerified,
}

/// What follows from a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposition {
    /// What becomes of the claim.
    pub claim: ClaimAction,
    /// What becomes of the record.
    pub fate: Fate,
}

/// What becomes of a claim whose mail did not surely go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimAction {
    /// It was surely not sent: anybody may at once.
    Release,
    /// Nobody knows: everybody waits for evidence.
    Doubt,
}

impl SendFailure {
    /// The one place that decides between a lost mail and a second one.
    pub fn disposition(&self) -> Disposition {
        use ClaimAction::{Doubt, Release};
        let reason = self.to_string();
        // Exhaustive on purpose: a new failure does not compile until somebody has chosen.
        let (claim, fate) = match self {
            Self::Throttled(_) => (Release, Fate::retry("throttled", reason)),
            Self::QuotaExceeded(_) => (Release, Fate::retry("quota", reason)),
            Self::NotSent(_) => (Release, Fate::retry("unavailable", reason)),
            Self::Denied(_) => (Release, Fate::retry("denied", reason)),
            // Its metric has an alarm, and the stream's on-failure destination keeps the record if nobody comes in time.
            Self::Held(_, _) => (Release, Fate::retry("held", reason)),
            Self::Ambiguous(_) => (Doubt, Fate::retry("unknown", reason)),
            Self::Rejected(_) => (Release, Fate::rejected("refused", reason)),
        };
        Disposition { claim, fate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_without_addresses() {
        let reason = Reason::new(
            "not verified in US-EAST-1:\r\n ann@example.com, <b@c.d> arn:identity/e@f.g a%40b.c",
        );
        assert_eq!(
            reason.to_string(),
            "not verified in US-EAST-1: [address] [address] [address] [address]"
        );
        let long = format!("{}ann@example.com", "x".repeat(MAX_REASON_CHARS - 3));
        assert_eq!(Reason::new(long).to_string(), "[address]");
        assert_eq!(
            Reason::new("é ".repeat(1_000)).to_string().chars().count(),
            MAX_REASON_CHARS
        );
    }
}
