#![doc = include_str!("../README.md")]

mod failure;
mod parts;
#[cfg(test)]
mod tests;

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use fleet::failure::chain;
use fleet::objects::{Condition, NewObject, Object, ObjectRef, Objects, ObjectsError, Opened};

pub use self::parts::S3Parts;

use self::failure::failure;

/// The most pages of 1,000 keys that a listing may have. A photo has some dozens of thumbnails.
const MAX_PAGES: usize = 100;

/// S3 as the worker's object store.
///
/// The SDK's checksums are left on: a CRC of each object that is written, sent in a header because the bytes are in memory,
/// and checked on each that is read whole and has one (S3 keeps none of the parts that somebody may ask for). What S3 holds is then what was made, for one more pass over the bytes.
/// `AWS_REQUEST_CHECKSUM_CALCULATION=when_required` turns it off for a store that knows no checksums.
#[derive(Debug, Clone)]
pub struct S3Objects(Client);

impl S3Objects {
    /// A client with the region, the credentials and the endpoint of `sdk`.
    pub fn new(sdk: &SdkConfig) -> Self {
        // Plain HTTP is a local stand-in of S3, whose host has no subdomains for buckets.
        let local = sdk
            .endpoint_url()
            .is_some_and(|url| url.starts_with("http://"));
        let config = Builder::from(sdk).force_path_style(local).build();
        Self(Client::from_conf(config))
    }
}

impl Objects for S3Objects {
    type Parts = S3Parts;

    async fn open(
        &self,
        source: &ObjectRef,
        first_bytes: u64,
        max_bytes: u64,
    ) -> Result<Opened<S3Parts>, ObjectsError> {
        parts::open(&self.0, source, first_bytes, max_bytes).await
    }

    async fn get(&self, source: &ObjectRef, max_bytes: u64) -> Result<Object, ObjectsError> {
        let object = source.to_string();
        let answer = self
            .0
            .get_object()
            .bucket(&source.bucket)
            .key(&source.key)
            .set_version_id(source.version.clone())
            .set_if_match(source.etag.as_deref().map(quoted))
            .send()
            .await
            .map_err(|error| failure(&object, &error))?;
        read(object, answer, max_bytes).await
    }

    async fn put(&self, object: NewObject, condition: Condition) -> Result<String, ObjectsError> {
        let name = format!("s3://{}/{}", object.bucket, object.key);
        let put = self
            .0
            .put_object()
            .bucket(object.bucket)
            .key(object.key)
            .content_type(object.content_type)
            .set_cache_control(object.cache_control)
            .set_metadata(Some(object.metadata.into_iter().collect()))
            .body(ByteStream::from(object.bytes));
        let put = match &condition {
            Condition::None => put,
            Condition::Absent => put.if_none_match("*"),
            Condition::Unchanged(etag) => put.if_match(quoted(etag)),
        };
        match put.send().await {
            Ok(answer) => Ok(unquoted(answer.e_tag())),
            Err(error) => Err(match (failure(&name, &error), condition) {
                // S3 answers If-Match on a key that is not there with NoSuchKey.
                (ObjectsError::NotFound(name), _) => ObjectsError::ConditionFailed(name),
                // Another write of the key is under way and may yet fail: to say that the object is there would be to lose
                // it. S3 asks for the upload to be tried again.
                (ObjectsError::ConditionFailed(object), Condition::Absent)
                    if error.raw_response().map(|answer| answer.status().as_u16()) == Some(409) =>
                {
                    ObjectsError::Unavailable {
                        object,
                        reason: "another conditional write of it is under way".to_owned(),
                    }
                }
                (other, _) => other,
            }),
        }
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), ObjectsError> {
        let delete = self.0.delete_object().bucket(bucket).key(key);
        match delete.send().await {
            Ok(_) => Ok(()),
            Err(error) => match failure(&format!("s3://{bucket}/{key}"), &error) {
                // S3 itself says that it deleted what was not there; some of its stand-ins do not.
                ObjectsError::NotFound(_) => Ok(()),
                other => Err(other),
            },
        }
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, ObjectsError> {
        let name = format!("s3://{bucket}/{prefix}");
        let list = self.0.list_objects_v2().bucket(bucket).prefix(prefix);
        let mut pages = list.into_paginator().send();
        let mut keys = Vec::new();
        for _ in 0..MAX_PAGES {
            let Some(page) = pages.next().await else {
                return Ok(keys);
            };
            let page = page.map_err(|error| failure(&name, &error))?;
            let contents = page.contents.unwrap_or_default();
            keys.extend(contents.into_iter().filter_map(|object| object.key));
        }
        Err(ObjectsError::Unavailable {
            object: name,
            reason: format!("the listing has more than {MAX_PAGES} pages"),
        })
    }
}

/// Reads the body of an answer, at most `max_bytes` of it.
async fn read(
    object: String,
    answer: GetObjectOutput,
    max_bytes: u64,
) -> Result<Object, ObjectsError> {
    let expected = answer
        .content_length
        .and_then(|length| u64::try_from(length).ok());
    let too_large = |actual| ObjectsError::TooLarge {
        object: object.clone(),
        actual,
        limit: max_bytes,
    };
    if let Some(expected) = expected
        && expected > max_bytes
    {
        return Err(too_large(expected));
    }
    let mut body = answer.body;
    // At most `max_bytes`, so an announced length reserves no more than the worker's limit.
    let mut bytes = Vec::with_capacity(expected.map_or(0, length));
    loop {
        let broken = match body.next().await {
            Some(Ok(chunk)) => {
                let actual = size(&bytes).saturating_add(size(&chunk));
                if actual > max_bytes {
                    return Err(too_large(actual));
                }
                bytes.extend_from_slice(&chunk);
                continue;
            }
            Some(Err(error)) => Some(chain(&error)),
            None => None,
        };
        let actual = size(&bytes);
        return match (expected, broken) {
            (Some(expected), _) if actual < expected => Err(ObjectsError::Truncated {
                object,
                actual,
                expected,
            }),
            (_, Some(reason)) => Err(ObjectsError::Unavailable { object, reason }),
            (_, None) => Ok(Object {
                bytes: bytes.into(),
                etag: unquoted(answer.e_tag.as_deref()),
                metadata: answer.metadata.into_iter().flatten().collect(),
            }),
        };
    }
}

fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn length(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

/// An entity tag as HTTP writes it.
fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// An entity tag as the fleet writes it; S3's events have it without quotes too.
fn unquoted(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}
