//! What can go wrong, and what to do then.

use std::error::Error;
use std::fmt;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use fleet::failure::{causes, chain, is_denial, is_throttling};

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The command was wrong, or what it needs is not there.
    #[error("{0}")]
    Usage(String),
    /// A call to AWS failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A file cannot be read or written.
    #[error("{path} {doing}: {source}")]
    File {
        /// The file.
        path: String,
        /// `cannot be read`, ...
        doing: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Standard output or standard input is gone.
    #[error("standard input or output failed: {0}")]
    Stream(#[from] io::Error),
}

impl LiveError {
    /// Whether nothing could be begun: the command was wrong, or AWS cannot be reached.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Usage(_) => true,
            Self::File { .. } | Self::Stream(_) => false,
            Self::Call(error) => match error.trouble {
                Trouble::Unreachable | Trouble::Credentials => true,
                Trouble::Denied | Trouble::Throttled | Trouble::Missing | Trouble::Refused => false,
            },
        }
    }
}

/// A call to AWS that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// What was being done, to what: `putting s3://bucket/key`.
    pub doing: String,
    /// What kind of trouble it is.
    pub trouble: Trouble,
    /// What AWS or the connection said.
    pub reason: String,
}

/// The kinds of trouble that call for different mends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody answers.
    Unreachable,
    /// There are no valid credentials.
    Credentials,
    /// The credentials may not.
    Denied,
    /// Too many calls.
    Throttled,
    /// There is no such thing.
    Missing,
    /// AWS refuses for another reason.
    Refused,
}

impl CallError {
    /// The error of a call that was `doing` something.
    pub fn new<E, R>(doing: impl Into<String>, error: &SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: fmt::Debug + 'static,
    {
        let (trouble, reason) = if let Some(refused) = error.as_service_error() {
            let code = refused.code().unwrap_or_default();
            let message = refused.message().unwrap_or("AWS said no more");
            (trouble_of(code), format!("{code}: {message}"))
        } else {
            let chain = chain(error);
            // A list of all that was tried for credentials follows, line by line.
            let first = chain.lines().next().unwrap_or_default();
            let first = first.trim_end_matches(" Attempted:").trim_end_matches('.');
            let first = first.trim_start_matches("dispatch failure: other: ");
            (trouble_of_connection(error), first.to_owned())
        };
        Self {
            doing: doing.into(),
            trouble,
            reason,
        }
    }
}

/// "Common errors" in the API references, and those of S3 and `CloudWatch` Logs that say that a thing is not there.
fn trouble_of(code: &str) -> Trouble {
    match code {
        "AccessDenied" | "AccessDeniedException" | "NotAuthorized" => Trouble::Denied,
        "InvalidAccessKeyId" | "RequestExpired" => Trouble::Credentials,
        "NoSuchKey"
        | "NoSuchBucket"
        | "NoSuchVersion"
        | "NotFound"
        | "ResourceNotFoundException" => Trouble::Missing,
        _ if is_denial(code) => Trouble::Credentials,
        _ if is_throttling(code) => Trouble::Throttled,
        _ => Trouble::Refused,
    }
}

fn trouble_of_connection<E, R>(error: &SdkError<E, R>) -> Trouble
where
    E: Error + 'static,
    R: fmt::Debug + 'static,
{
    if causes(error).any(<dyn Error>::is::<CredentialsError>) {
        return Trouble::Credentials;
    }
    match error {
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => Trouble::Unreachable,
        _ => Trouble::Refused,
    }
}

impl Error for CallError {}

impl fmt::Display for CallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { doing, reason, .. } = self;
        let mend = match self.trouble {
            Trouble::Unreachable => {
                "; AWS cannot be reached: is local AWS up (`flotilla status`), or the network?"
            }
            Trouble::Credentials => {
                "; there are no valid credentials: set AWS_PROFILE, and sign in with `aws sso login` if it needs that"
            }
            Trouble::Denied => "; the credentials of AWS_PROFILE may not do that",
            Trouble::Throttled => "; AWS is throttling: try again in a moment",
            Trouble::Missing | Trouble::Refused => "",
        };
        write!(formatter, "{doing} failed: {reason}{mend}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_a_person_can_mend_is_known() {
        for (code, trouble) in [
            ("AccessDenied", Trouble::Denied),
            ("ExpiredToken", Trouble::Credentials),
            ("UnrecognizedClientException", Trouble::Credentials),
            ("InvalidAccessKeyId", Trouble::Credentials),
            ("ThrottlingException", Trouble::Throttled),
            ("NoSuchKey", Trouble::Missing),
            ("ResourceNotFoundException", Trouble::Missing),
            ("ValidationError", Trouble::Refused),
        ] {
            assert_eq!(trouble_of(code), trouble, "{code}");
        }
    }

    #[test]
    fn only_what_keeps_anything_from_beginning_is_a_wrong_command() {
        let call = |trouble| {
            LiveError::Call(CallError {
                doing: "reading".to_owned(),
                trouble,
                reason: String::new(),
            })
        };
        assert!(LiveError::Usage(String::new()).is_usage());
        assert!(call(Trouble::Unreachable).is_usage());
        assert!(call(Trouble::Credentials).is_usage());
        assert!(!call(Trouble::Denied).is_usage());
        assert!(!call(Trouble::Refused).is_usage());
    }
}
