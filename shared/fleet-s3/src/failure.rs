//! What an error of S3 means.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use fleet::failure::chain;
use fleet::objects::ObjectsError;

/// The error of an operation on `object`.
pub(super) fn failure<E>(object: &str, error: &SdkError<E, HttpResponse>) -> ObjectsError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(refused) => {
            let status = refused.raw().status().as_u16();
            let code = refused.err().code().unwrap_or_default();
            let message = refused.err().message().unwrap_or("no message");
            let reason = format!("{status} {code}: {message}");
            refusal(object, status, code, reason)
        }
        // Not sent, no answer, or none that could be read. The type may grow, so there is no listing of the rest.
        _ => ObjectsError::Unavailable {
            object: object.to_owned(),
            reason: chain(error),
        },
    }
}

/// The meaning of an error answer, from its status and its code: "Error responses" in the Amazon S3 API Reference.
fn refusal(object: &str, status: u16, code: &str, reason: String) -> ObjectsError {
    let name = object.to_owned();
    match (status, code) {
        // The last: the version that is asked for is a delete marker. No other operation of the worker can meet it.
        (_, "NoSuchKey" | "NoSuchVersion") | (405, "MethodNotAllowed") => {
            ObjectsError::NotFound(name)
        }
        // The second: another conditional write of the key was under way.
        (412, _) | (409, "ConditionalRequestConflict") => ObjectsError::ConditionFailed(name),
        (429 | 503, _) => ObjectsError::Throttled {
            object: name,
            reason,
        },
        // KMS behind S3 has its own codes, such as KMS.ThrottlingException, with status 400.
        (_, code) if code.contains("Throttl") || code == "SlowDown" => ObjectsError::Throttled {
            object: name,
            reason,
        },
        // A bucket in another region is a wrong configuration too.
        (301 | 403, _) | (_, "NoSuchBucket" | "ExpiredToken") => ObjectsError::Denied {
            object: name,
            reason,
        },
        (_, code) if code.starts_with("KMS.") => ObjectsError::Denied {
            object: name,
            reason,
        },
        _ => ObjectsError::Unavailable {
            object: name,
            reason,
        },
    }
}
