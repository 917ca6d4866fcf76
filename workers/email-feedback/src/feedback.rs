//! What SES tells of a mail.

use std::collections::BTreeSet;

use fleet::clock::UnixMillis;
use fleet::fate::Fate;

use crate::recipient::Recipient;

/// One notice, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    /// What SES called the mail when it took it.
    pub message_id: String,
    /// What happened to it.
    pub event: Event,
    /// Whom it happened to.
    pub recipients: BTreeSet<Recipient>,
    /// How many more are named by what is no address.
    pub unreadable_recipients: usize,
    /// The claim under which the mail was sent: its tag `idempotency-key`.
    pub claim: Option<String>,
    /// When it happened, if the notice says so.
    pub at: Option<UnixMillis>,
}

/// What happened to a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// SES took it.
    Send,
    /// The recipient's server took it.
    Delivery,
    /// It is late, and SES goes on trying.
    Delay,
    /// It will never get there: no such mailbox, or SES's own suppression list. With SES's sub-type.
    PermanentBounce(String),
    /// It did not get there this time: a full mailbox, an absence note, or what SES cannot tell. With SES's sub-type.
    TransientBounce(String),
    /// The recipient called it spam. With the kind of the report, if there is one.
    Complaint(String),
    /// The recipient said that it is no spam.
    NotSpam,
    /// SES took it and then found that it will not send it. With its reason.
    Reject(String),
    /// SES could not write it from its template. With its reason.
    RenderingFailure(String),
    /// Somebody opened it, followed a link or changed preferences: nothing that this worker acts on. With SES's name of it.
    Engagement(&'static str),
}

impl Event {
    /// What it is called in logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Delivery => "delivery",
            Self::Delay => "delay",
            Self::PermanentBounce(_) => "permanent bounce",
            Self::TransientBounce(_) => "transient bounce",
            Self::Complaint(_) => "complaint",
            Self::NotSpam => "report of no spam",
            Self::Reject(_) => "reject",
            Self::RenderingFailure(_) => "rendering failure",
            Self::Engagement(name) => name,
        }
    }

    /// Whether it proves that SES took the mail.
    ///
    /// A refusal proves it too: `SendEmail` had succeeded, and the same mail would be refused again, so that whoever waits
    /// for evidence must not send it once more. Engagement would prove it, but comes after a delivery.
    pub(crate) fn is_evidence(&self) -> bool {
        match self {
            Self::Send
            | Self::Delivery
            | Self::Delay
            | Self::PermanentBounce(_)
            | Self::TransientBounce(_)
            | Self::Complaint(_)
            | Self::NotSpam
            | Self::Reject(_)
            | Self::RenderingFailure(_) => true,
            Self::Engagement(_) => false,
        }
    }
}

/// Why a payload is no notice that can be acted on. Always permanent, and never repeats an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedbackError {
    /// The field that should carry the notice is not there.
    #[error("the record has no text in `{0}`")]
    NoBody(&'static str),
    /// Not even JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// JSON of something else.
    #[error("the body is not a notice of SES: {0}")]
    NotFeedback(&'static str),
    /// Wrapped too often.
    #[error("the notice is wrapped in too many envelopes")]
    TooDeep,
    /// A field that every such notice has is missing or has the wrong type.
    #[error("the notice has no valid `{0}`")]
    Field(&'static str),
    /// A type that SES did not have. It may be one that forbids mail, so it is kept rather than skipped.
    #[error("the notice has the unknown type {0}")]
    UnknownType(String),
    /// Neither permanent nor transient nor undetermined.
    #[error("the bounce has the unknown type {0}")]
    UnknownBounceType(String),
}

impl FeedbackError {
    /// The fate of the record.
    pub fn fate(&self) -> Fate {
        let kind = match self {
            Self::NoBody(_) | Self::NotJson(_) | Self::NotFeedback(_) | Self::TooDeep => {
                "not-feedback"
            }
            Self::Field(_) => "malformed",
            Self::UnknownType(_) | Self::UnknownBounceType(_) => "unknown-type",
        };
        Fate::rejected(kind, self.to_string())
    }
}
