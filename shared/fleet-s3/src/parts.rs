//! Reads an object part by part, as "`GetObject`" and RFC 9110, section 14 (range requests) have it.

use std::ops::Range;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use fleet::failure::chain;
use fleet::objects::{Chunks, ObjectRef, ObjectsError, Opened, Parts};
use futures_util::{StreamExt as _, stream};

use super::failure::failure;
use super::{quoted, size, unquoted};

/// One state of an object in S3.
#[derive(Debug, Clone)]
pub struct S3Parts {
    client: Client,
    /// With its version, in a versioned bucket, and its entity tag.
    state: ObjectRef,
    length: u64,
}

/// The first part of an object, and the way to the others.
pub(super) async fn open(
    client: &Client,
    source: &ObjectRef,
    first_bytes: u64,
    max_bytes: u64,
) -> Result<Opened<S3Parts>, ObjectsError> {
    // Who takes all that a reader may have asks for everything: then S3 has a checksum for it.
    let first = (first_bytes < max_bytes).then(|| 0..first_bytes.max(1));
    let answer = match get(client, source, first).await {
        // No part of an empty object can be had: but it may have been written to since, so its size is asked for again.
        Err(error) if status(&error) == Some(416) => get(client, source, None).await,
        other => other,
    };
    let object = source.to_string();
    let answer = answer.map_err(|error| failure(&object, &error))?;
    let (length, head_end) = extent(&answer)
        .ok_or_else(|| unavailable(source, "S3 does not say how long it is".to_owned()))?;
    if length > max_bytes {
        return Err(ObjectsError::TooLarge {
            object,
            actual: length,
            limit: max_bytes,
        });
    }
    let etag = unquoted(answer.e_tag.as_deref());
    let parts = S3Parts {
        client: client.clone(),
        state: ObjectRef {
            version: source.version.clone().or(answer.version_id),
            // Beside the version, because one that is called null, as while versioning is suspended, is overwritten.
            etag: Some(etag.clone()),
            ..source.clone()
        },
        length,
    };
    Ok(Opened {
        length,
        head: parts.chunks(answer.body, 0..head_end),
        head_end,
        etag,
        metadata: answer.metadata.into_iter().flatten().collect(),
        parts,
    })
}

impl Parts for S3Parts {
    async fn part(&self, range: Range<u64>) -> Result<Chunks, ObjectsError> {
        let state = &self.state;
        if state.etag.as_ref().is_none_or(String::is_empty) {
            let reason = "it has no entity tag to know it again by";
            return Err(unavailable(state, reason.to_owned()));
        }
        let answer = match get(&self.client, state, Some(range.clone())).await {
            Ok(answer) => answer,
            // It is shorter than it was.
            Err(error) if status(&error) == Some(416) => {
                return Err(ObjectsError::ConditionFailed(state.to_string()));
            }
            Err(error) => return Err(failure(&state.to_string(), &error)),
        };
        if state.etag != Some(unquoted(answer.e_tag.as_deref())) {
            return Err(ObjectsError::ConditionFailed(state.to_string()));
        }
        let sent = answer.content_range.as_deref().and_then(content_range);
        if sent != Some((range.clone(), self.length)) {
            let reason = format!("S3 sent {sent:?} of it instead of {range:?}");
            return Err(unavailable(state, reason));
        }
        Ok(self.chunks(answer.body, range))
    }
}

impl S3Parts {
    /// The bytes of `range` from `body`, not one more or less.
    fn chunks(&self, body: ByteStream, range: Range<u64>) -> Chunks {
        let Range { start, end } = range;
        let object = self.state.to_string();
        let expected = self.length;
        let truncated = move |actual| ObjectsError::Truncated {
            object: object.clone(),
            actual,
            expected,
        };
        let object = self.state.clone();
        let reading = Some((body, start));
        stream::unfold(reading, move |reading| {
            let truncated = truncated.clone();
            let object = object.clone();
            async move {
                let (mut body, at) = reading?;
                match body.next().await {
                    Some(Ok(chunk)) => {
                        let next = at.saturating_add(size(&chunk));
                        if next > end {
                            let reason = "S3 sent more of it than it announced".to_owned();
                            return Some((Err(unavailable(&object, reason)), None));
                        }
                        Some((Ok(chunk), Some((body, next))))
                    }
                    Some(Err(_)) | None if at < end => Some((Err(truncated(at)), None)),
                    // Such as a checksum that does not fit.
                    Some(Err(error)) => Some((Err(unavailable(&object, chain(&error))), None)),
                    None => None,
                }
            }
        })
        .boxed()
    }
}

async fn get(
    client: &Client,
    source: &ObjectRef,
    range: Option<Range<u64>>,
) -> Result<GetObjectOutput, SdkError<GetObjectError, HttpResponse>> {
    client
        .get_object()
        .bucket(&source.bucket)
        .key(&source.key)
        .set_version_id(source.version.clone())
        .set_if_match(source.etag.as_deref().map(quoted))
        .set_range(range.map(|range| {
            let last = range.end.saturating_sub(1);
            format!("bytes={}-{last}", range.start)
        }))
        .send()
        .await
}

fn status(error: &SdkError<GetObjectError, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

/// How long the object is and how much of it, from its start, the answer has.
fn extent(answer: &GetObjectOutput) -> Option<(u64, u64)> {
    if let Some(range) = &answer.content_range {
        let (range, length) = content_range(range)?;
        return (range.start == 0 && range.end <= length).then_some((length, range.end));
    }
    let length = u64::try_from(answer.content_length?).ok()?;
    Some((length, length))
}

/// Reads `bytes 0-99/1234`: which bytes of how many.
fn content_range(text: &str) -> Option<(Range<u64>, u64)> {
    let (range, length) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let end = last.parse::<u64>().ok()?.checked_add(1)?;
    Some((first.parse().ok()?..end, length.parse().ok()?))
}

fn unavailable(object: &ObjectRef, reason: String) -> ObjectsError {
    ObjectsError::Unavailable {
        object: object.to_string(),
        reason,
    }
}

#[cfg(test)]
mod tests;
