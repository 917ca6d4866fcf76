//! What an error of DynamoDB means.

use std::error::Error;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use fleet::failure::{chain, is_denial, is_throttling};

/// The meanings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Access denied, or no such table.
    Denied,
    /// Too many requests, or another transaction on the same items.
    Throttled,
    /// Not sent, no answer, a server error.
    Unavailable,
    /// An item that the table can never take.
    Invalid,
}

/// What an error means, and in words.
pub(crate) fn kind<E>(error: &SdkError<E, HttpResponse>) -> (Kind, String)
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let Some(refused) = error.as_service_error() else {
        return (Kind::Unavailable, chain(error));
    };
    let code = refused.code().unwrap_or_default();
    let message = refused.message().unwrap_or("no message");
    let reason = format!("{code}: {message}");
    let kind = match kind_of_code(code) {
        // What is said of every item, such as of a table with another key, is no fault of this one: an operator must mend
        // it, and nobody's record is lost meanwhile.
        Kind::Invalid if !is_about_the_item(message) => Kind::Denied,
        kind => kind,
    };
    (kind, reason)
}

/// The meaning of a code: "Errors" of the operations in the Amazon DynamoDB API Reference, and of the reasons for which a
/// transaction is cancelled.
pub(crate) fn kind_of_code(code: &str) -> Kind {
    match code {
        "ProvisionedThroughputExceeded"
        | "ProvisionedThroughputExceededException"
        | "TransactionConflict"
        | "TransactionConflictException"
        | "TransactionInProgressException" => Kind::Throttled,
        "ResourceNotFoundException" => Kind::Denied,
        "ItemCollectionSizeLimitExceeded"
        | "ItemCollectionSizeLimitExceededException"
        | "ValidationError"
        | "ValidationException" => Kind::Invalid,
        _ if is_throttling(code) => Kind::Throttled,
        _ if is_denial(code) => Kind::Denied,
        _ => Kind::Unavailable,
    }
}

/// Whether a validation failed on the values: too large, or an empty key. DynamoDB says so in words only.
fn is_about_the_item(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("size") || message.contains("empty")
}
