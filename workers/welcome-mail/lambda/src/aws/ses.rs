//! Sending by SES v2, and what its errors mean.

use std::error::Error;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::Builder;
use aws_sdk_sesv2::config::http::HttpResponse;
use aws_sdk_sesv2::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Destination, EmailContent, MessageTag, RawMessage};
use welcome_mail::{Hold, Mail, Mailer, Reason, SendFailure};

use fleet::failure::{causes, chain, is_denial, is_throttling};

/// SES as the worker's mailer.
#[derive(Debug, Clone)]
pub(crate) struct SesMailer(Client);

impl SesMailer {
    /// A client with the region, the credentials and the timeouts of `sdk`, which never tries twice: `SendEmail` takes no
    /// idempotency token, so the SDK's second try may be a second mail.
    pub(crate) fn new(sdk: &SdkConfig) -> Self {
        let config = Builder::from(sdk)
            .retry_config(RetryConfig::disabled())
            .build();
        Self(Client::from_conf(config))
    }
}

impl Mailer for SesMailer {
    async fn send(&self, mail: &Mail) -> Result<String, SendFailure> {
        let raw = RawMessage::builder()
            .data(Blob::new(mail.mime.as_ref()))
            .build()
            .map_err(|error| SendFailure::NotSent(Reason::new(chain(&error))))?;
        let tags: Result<Vec<_>, _> = mail
            .tags
            .iter()
            .map(|(name, value)| MessageTag::builder().name(name).value(value).build())
            .collect();
        let tags = tags.map_err(|error| SendFailure::NotSent(Reason::new(chain(&error))))?;
        let sent = self
            .0
            .send_email()
            .from_email_address(&mail.from)
            .destination(Destination::builder().to_addresses(&mail.to).build())
            .content(EmailContent::builder().raw(raw).build())
            .set_configuration_set_name(mail.configuration_set.clone())
            .set_email_tags(Some(tags))
            .send()
            .await
            .map_err(|error| failure(&error))?;
        // It was sent even if the answer forgot to say as what.
        Ok(sent
            .message_id
            .unwrap_or_else(|| "no-message-id".to_owned()))
    }
}

type Failed = SdkError<SendEmailError, HttpResponse>;

fn failure(error: &Failed) -> SendFailure {
    match error {
        SdkError::ServiceError(refused) => refusal(refused.raw().status().as_u16(), refused.err()),
        // SES answered, but not in its own words: a proxy's page, a broken body.
        SdkError::ResponseError(answer) => {
            let status = answer.raw().status().as_u16();
            by_status(
                status,
                "",
                Reason::new(format!("{status} {}", chain(error))),
            )
        }
        SdkError::ConstructionFailure(_) => without_answer(error, SendFailure::NotSent),
        SdkError::DispatchFailure(failed) if failed.is_user() || never_connected(error) => {
            without_answer(error, SendFailure::NotSent)
        }
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => {
            without_answer(error, SendFailure::Ambiguous)
        }
        // The type may grow. Taking a new error for a mail that perhaps went out costs the settle time, never a second mail.
        _ => without_answer(error, SendFailure::Ambiguous),
    }
}

fn without_answer(error: &Failed, otherwise: fn(Reason) -> SendFailure) -> SendFailure {
    let reason = Reason::new(chain(error));
    // Credentials are looked for before anything is sent.
    if causes(error).any(<dyn Error>::is::<CredentialsError>) {
        SendFailure::Denied(reason)
    } else {
        otherwise(reason)
    }
}

/// No connection came about: no host, nobody listening, no TLS, or not in time.
fn never_connected(error: &Failed) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<hyper_util::client::legacy::Error>())
        .any(hyper_util::client::legacy::Error::is_connect)
}

/// What an error answer means: "Errors" of `SendEmail` in the SES API v2 Reference.
fn refusal(status: u16, error: &SendEmailError) -> SendFailure {
    let code = error.code().unwrap_or_default();
    let message = error.message().unwrap_or("no message");
    let reason = Reason::new(format!("{status} {code}: {message}"));
    let message = message.to_lowercase();
    match error {
        SendEmailError::AccountSuspendedException(_) => {
            SendFailure::Held(Hold::AccountSuspended, reason)
        }
        SendEmailError::SendingPausedException(_) => SendFailure::Held(Hold::SendingPaused, reason),
        SendEmailError::MailFromDomainNotVerifiedException(_) => {
            SendFailure::Held(Hold::MailFromDomainNotVerified, reason)
        }
        // The request names nothing else that could be missing.
        SendEmailError::NotFoundException(_) => {
            SendFailure::Held(Hold::ConfigurationSetNotFound, reason)
        }
        SendEmailError::LimitExceededException(_) => SendFailure::QuotaExceeded(reason),
        // "Daily message quota exceeded" and "Maximum sending rate exceeded" share a code.
        SendEmailError::TooManyRequestsException(_) if message.contains("quota") => {
            SendFailure::QuotaExceeded(reason)
        }
        SendEmailError::TooManyRequestsException(_) => SendFailure::Throttled(reason),
        // "Email address is not verified" has no code of its own.
        SendEmailError::MessageRejected(_) | SendEmailError::BadRequestException(_)
            if message.contains("not verified") =>
        {
            SendFailure::Held(Hold::IdentityNotVerified, reason)
        }
        SendEmailError::MessageRejected(_) | SendEmailError::BadRequestException(_)
            if message.contains("configuration set") =>
        {
            SendFailure::Held(Hold::ConfigurationSetNotFound, reason)
        }
        SendEmailError::MessageRejected(_) | SendEmailError::BadRequestException(_) => {
            SendFailure::Rejected(reason)
        }
        // Codes that all services share, and whatever SES learns to say.
        _ => by_status(status, code, reason),
    }
}

fn by_status(status: u16, code: &str, reason: Reason) -> SendFailure {
    match status {
        _ if is_throttling(code) => SendFailure::Throttled(reason),
        _ if is_denial(code) => SendFailure::Denied(reason),
        429 => SendFailure::Throttled(reason),
        401 | 403 => SendFailure::Denied(reason),
        // The same request is refused again: its form, its size.
        400 | 413 => SendFailure::Rejected(reason),
        // A gateway's 404 or 405: it is not SES that answers there.
        404 | 405 => SendFailure::NotSent(reason),
        // 2xx that cannot be read, 408, 5xx: taken or not.
        _ => SendFailure::Ambiguous(reason),
    }
}
