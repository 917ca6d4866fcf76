//! Invalidating by CloudFront, and what its errors mean.

use std::error::Error;

use aws_config::SdkConfig;
use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::config::http::HttpResponse;
use aws_sdk_cloudfront::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_cloudfront::operation::create_invalidation::CreateInvalidationError;
use aws_sdk_cloudfront::types::{InvalidationBatch, Paths};
use cache_invalidation::{InvalidateError, Invalidated, Invalidation, Invalidator};
use fleet::failure::{chain, is_denial, is_throttling};

/// CloudFront as the worker's invalidator. The SDK may try a request again whose answer was lost: its caller reference
/// makes that the same invalidation.
#[derive(Debug, Clone)]
pub(crate) struct CloudFront(Client);

impl CloudFront {
    /// A client with the credentials and the timeouts of `sdk`.
    pub(crate) fn new(sdk: &SdkConfig) -> Self {
        Self(Client::new(sdk))
    }
}

impl Invalidator for CloudFront {
    async fn invalidate(
        &self,
        invalidation: &Invalidation,
    ) -> Result<Invalidated, InvalidateError> {
        // None of the required members is missing, which is all that a builder finds wrong.
        let incomplete = |error: &(dyn Error + 'static)| InvalidateError::Unavailable(chain(error));
        let paths = Paths::builder()
            .quantity(i32::try_from(invalidation.paths.len()).unwrap_or(i32::MAX))
            .set_items(Some(invalidation.paths.clone()))
            .build()
            .map_err(|error| incomplete(&error))?;
        let batch = InvalidationBatch::builder()
            .paths(paths)
            .caller_reference(&invalidation.caller_reference)
            .build()
            .map_err(|error| incomplete(&error))?;
        let sent = self
            .0
            .create_invalidation()
            .distribution_id(&invalidation.distribution)
            .invalidation_batch(batch)
            .send()
            .await;
        match sent {
            Ok(output) => {
                let begun = output.invalidation.map(|invalidation| invalidation.id);
                Ok(Invalidated::Begun(begun.unwrap_or_default()))
            }
            Err(error) => failure(&error),
        }
    }
}

/// What an error means: "Errors" of `CreateInvalidation` in the Amazon CloudFront API Reference.
fn failure(
    error: &SdkError<CreateInvalidationError, HttpResponse>,
) -> Result<Invalidated, InvalidateError> {
    let Some(refused) = error.as_service_error() else {
        return Err(InvalidateError::Unavailable(chain(error)));
    };
    let code = refused.code().unwrap_or_default();
    let reason = format!("{code}: {}", refused.message().unwrap_or("no message"));
    Err(match code {
        // The reference has been used for other paths. It is a digest of the paths, so they are the same in fact, and
        // CloudFront sees a difference that is none.
        "InvalidationBatchAlreadyExists" => return Ok(Invalidated::Before),
        "TooManyInvalidationsInProgress" => InvalidateError::Throttled(reason),
        "NoSuchDistribution" => InvalidateError::Denied(reason),
        "InvalidArgument" | "BatchTooLarge" => InvalidateError::Refused(reason),
        code if is_throttling(code) => InvalidateError::Throttled(reason),
        code if is_denial(code) => InvalidateError::Denied(reason),
        _ => InvalidateError::Unavailable(reason),
    })
}
