//! From the source's bytes to thumbnails that lie in the store. Nothing is shown yet.

use std::collections::BTreeMap;

use fleet::fate::Fate;
use fleet::objects::{Condition, NewObject, ObjectRef, Objects, ObjectsError};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use thumbnailer::{ThumbnailError, Thumbnails};

use super::{CONCURRENT_WRITES, MARKER, Made, Photo, Stop, Work};
use crate::announce::Announcer;
use crate::budget::Share;
use crate::ledger::Live;
use crate::manifest::Manifest;

/// Thumbnails never change under their key, so whoever has one may keep it.
const THUMBNAIL_CACHE: &str = "public, max-age=31536000, immutable";

impl<S: Objects, A: Announcer> Photo<'_, S, A> {
    /// Reads, decodes, resizes, encodes and writes. Nothing is shown yet.
    pub(super) async fn make(&self) -> Result<Made, Stop> {
        let limit = self.config.limits.max_input_bytes;
        let announced = self.change.size_bytes.unwrap_or(limit);
        if announced > limit {
            let reason = format!(
                "{} has {announced} bytes, over the limit of {limit}",
                self.subject()
            );
            return Err(Fate::rejected("limit", reason).into());
        }
        let downloaded = self.budget.download(announced).await;
        let object =
            self.objects
                .get(&self.source(), limit)
                .await
                .map_err(|error| match error {
                    ObjectsError::NotFound(_) | ObjectsError::ConditionFailed(_) => {
                        Stop::SourceGone(error)
                    }
                    error => error.into(),
                })?;
        if object.metadata.contains_key(MARKER) {
            return Err(Fate::skipped("it is a thumbnail of this fleet, copied").into());
        }
        let source_bytes = length(&object.bytes);
        let thumbnails = self.thumbnails(object.bytes, downloaded).await?;
        let manifest = Manifest::new(
            self.change,
            &self.keys,
            self.recipe,
            &self.config.public_url,
            source_bytes,
            &thumbnails,
        );
        let work = Work {
            photos: 1,
            thumbnails: u64::try_from(thumbnails.images.len()).unwrap_or(u64::MAX),
            source_bytes,
            thumbnail_bytes: manifest.outputs.iter().map(|output| output.bytes).sum(),
        };
        self.write(&manifest, thumbnails).await?;
        Ok(Made {
            live: Live {
                folder: self.keys.folder(),
                manifest,
            },
            work,
        })
    }

    /// The pixels, on a thread for blocking work. The shares go along: a call that runs out of time cannot stop that
    /// thread, and what it uses must count until it ends.
    async fn thumbnails(&self, bytes: bytes::Bytes, downloaded: Share) -> Result<Thumbnails, Stop> {
        let limits = self.config.limits;
        let header =
            thumbnailer::inspect(&bytes, &limits).map_err(|error| self.unusable(&error))?;
        let decoding = self.budget.decode(header.memory_bytes).await;
        let plan = self.config.plan.clone();
        let worked = tokio::task::spawn_blocking(move || {
            let _shares = (downloaded, decoding);
            thumbnailer::thumbnails(&bytes, &plan, &limits)
        })
        .await;
        match worked {
            Ok(result) => result.map_err(|error| self.unusable(&error).into()),
            Err(error) => Err(match error.try_into_panic() {
                Ok(panic) => fleet::batch::panicked(panic.as_ref()),
                Err(error) => Fate::retry("cancelled", error.to_string()),
            }
            .into()),
        }
    }

    fn unusable(&self, error: &ThumbnailError) -> Fate {
        fate_of(error, format!("{}: {error}", self.subject()))
    }

    async fn write(&self, manifest: &Manifest, thumbnails: Thumbnails) -> Result<(), ObjectsError> {
        let metadata = BTreeMap::from([
            (MARKER.to_owned(), self.recipe.to_owned()),
            (
                "flotilla-source-version".to_owned(),
                printable(self.keys.version()),
            ),
        ]);
        let mut objects = Vec::with_capacity(manifest.outputs.len());
        for (output, image) in manifest.outputs.iter().zip(thumbnails.images) {
            objects.push(NewObject {
                bucket: self.config.thumbnails_bucket.clone(),
                key: output.key.clone(),
                bytes: image.bytes,
                content_type: output.content_type.clone(),
                cache_control: Some(THUMBNAIL_CACHE.to_owned()),
                metadata: metadata.clone(),
            });
        }
        stream::iter(objects)
            .map(|object| self.objects.put(object, Condition::None))
            .buffer_unordered(CONCURRENT_WRITES)
            .try_for_each(|_| async { Ok(()) })
            .await
    }

    fn source(&self) -> ObjectRef {
        let version = self.change.version.clone();
        ObjectRef {
            bucket: self.change.bucket.clone(),
            key: self.change.key.clone(),
            // A version is exact already.
            etag: if version.is_none() {
                self.change.etag.clone()
            } else {
                None
            },
            version,
        }
    }
}

/// The fate of a photo that the pipeline made nothing of.
fn fate_of(error: &ThumbnailError, reason: String) -> Fate {
    // Exhaustive on purpose: a new error does not compile until its fate is chosen.
    match error {
        // The same bytes always fail the same way.
        ThumbnailError::Empty
        | ThumbnailError::Unrecognised
        | ThumbnailError::Unsupported { .. }
        | ThumbnailError::Limit { .. }
        | ThumbnailError::Corrupt { .. }
        | ThumbnailError::Encode { .. } => Fate::rejected(error.kind(), reason),
        // Our bug: the photo waits in the dead letters of its queue for a version that can read it.
        ThumbnailError::Panicked { .. } | ThumbnailError::Input(_) => Fate::retry(error.kind(), reason),
    }
}

/// Metadata travels in HTTP headers, where only printable ASCII is safe.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_ascii_graphic() {
                character
            } else {
                '?'
            }
        })
        .collect()
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use thumbnailer::ImageFormat;

    use super::*;

    #[test]
    fn only_a_panic_of_a_decoder_is_retried() {
        let corrupt = ThumbnailError::Corrupt {
            format: ImageFormat::Png,
            reason: String::new(),
        };
        let panicked = ThumbnailError::Panicked {
            format: ImageFormat::Png,
            message: String::new(),
        };
        assert_eq!(
            fate_of(&corrupt, String::new()),
            Fate::rejected("corrupt", "")
        );
        assert_eq!(fate_of(&panicked, String::new()), Fate::retry("panic", ""));
        assert_eq!(
            fate_of(&ThumbnailError::Empty, String::new()),
            Fate::rejected("empty", "")
        );
    }
}
