//! From the source's bytes to thumbnails that lie in the store. Nothing is shown yet.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fleet::fate::Fate;
use fleet::objects::{Condition, NewObject, ObjectRef, Objects, ObjectsError};
use futures_util::future::{Either, select};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use thumbnailer::{ThumbnailError, Thumbnails};

use super::{CONCURRENT_WRITES, MARKER, Made, Photo, Stop, Work};
use crate::announce::Announcer;
use crate::budget::Share;
use crate::download::{self, Arriving, Fetch};
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
        // For the whole photo, even if less of it is fetched: a share that grew could wait for others that grow.
        let mut downloaded = self.budget.download(announced).await;
        let first_bytes = download::first_bytes(&self.config.plan, announced);
        let opened = self.objects.open(&self.source(), first_bytes, limit).await;
        let opened = opened.map_err(source_error)?;
        if opened.metadata.contains_key(MARKER) {
            return Err(Fate::skipped("it is a thumbnail of this fleet, copied").into());
        }
        let source_bytes = opened.length;
        downloaded.shrink_to(source_bytes);
        let buffer = self.scratch.buffer();
        let begun = download::begin(opened, buffer, &self.config.plan).await;
        let (arriving, fetch) = begun.map_err(source_error)?;
        let received = fetch.received();
        let thumbnails = self.while_fetching(fetch, arriving, downloaded).await?;
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
            downloaded_bytes: received.load(Ordering::Relaxed),
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

    /// The thumbnails of a photo that is still arriving. The transfer ends with the work: because it has enough, because it
    /// failed, or because the call's time is up and this future is dropped.
    async fn while_fetching(
        &self,
        fetch: Fetch<S::Parts>,
        arriving: Arriving,
        downloaded: Share,
    ) -> Result<Thumbnails, Stop> {
        let working = pin!(self.thumbnails(arriving, downloaded));
        let fetching = pin!(fetch.run());
        let (worked, fetched) = match select(working, fetching).await {
            Either::Left((worked, _)) => (worked, Ok(())),
            Either::Right((fetched, working)) => (working.await, fetched),
        };
        match (worked, fetched) {
            (Ok(thumbnails), _) => Ok(thumbnails),
            // What the decoder says of a photo that it could not read is nothing about the photo.
            (Err(Unmade::Unusable(ThumbnailError::Input(_))), Err(error)) => {
                Err(source_error(error))
            }
            (Err(Unmade::Unusable(error)), _) => {
                Err(fate_of(&error, format!("{}: {error}", self.subject())).into())
            }
            (Err(Unmade::Ended(fate)), _) => Err(fate.into()),
        }
    }

    /// The pixels, on a thread for blocking work. The shares go along: a call that runs out of time cannot stop that
    /// thread before it asks for more bytes, and what it uses must count until it ends.
    async fn thumbnails(
        &self,
        mut arriving: Arriving,
        downloaded: Share,
    ) -> Result<Thumbnails, Unmade> {
        let limits = self.config.limits;
        // Waits for the header, so not here either.
        let inspected = blocking(move || {
            let header = thumbnailer::inspect_input(&mut arriving, &limits);
            header.map(|header| (header, arriving, downloaded))
        });
        let (header, mut arriving, downloaded) = inspected.await?;
        if !self.sharing.overlaps {
            arriving.arrived().await;
        }
        let decoding = self.budget.decode(header.memory_bytes).await;
        let plan = self.config.plan.clone();
        let scratch = Arc::clone(self.scratch);
        let threads = self.sharing.threads;
        blocking(move || {
            let _shares = (downloaded, decoding);
            let mut thumbnailer = scratch.thumbnailer(threads);
            arriving.catch_up();
            let thumbnails = thumbnailer.thumbnails(&mut arriving, &plan, &limits);
            scratch.keep_thumbnailer(thumbnailer);
            scratch.keep_buffer(arriving.into_buffer());
            thumbnails
        })
        .await
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

/// Why there are no thumbnails.
enum Unmade {
    /// The pipeline made nothing of the photo.
    Unusable(ThumbnailError),
    /// The thread that worked on it ended.
    Ended(Fate),
}

/// Works on a thread where waiting and computing hold nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ThumbnailError> + Send + 'static,
) -> Result<T, Unmade> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Unmade::Unusable),
        Err(error) => Err(Unmade::Ended(match error.try_into_panic() {
            Ok(panic) => fleet::batch::panicked(panic.as_ref()),
            Err(error) => Fate::retry("cancelled", error.to_string()),
        })),
    }
}

/// Why the source could not be read (any further).
fn source_error(error: ObjectsError) -> Stop {
    match error {
        ObjectsError::NotFound(_) | ObjectsError::ConditionFailed(_) => Stop::SourceGone(error),
        error => error.into(),
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
        // Or the bytes did not come: that says nothing about the photo.
        ThumbnailError::Panicked { .. } | ThumbnailError::Input(_) => {
            Fate::retry(error.kind(), reason)
        }
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

#[cfg(test)]
mod tests {
    use thumbnailer::ImageFormat;

    use super::*;

    #[test]
    fn only_a_panic_of_a_decoder_and_a_lost_download_are_retried() {
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
        let lost = ThumbnailError::Input(thumbnailer::InputError {
            reason: String::new(),
        });
        assert_eq!(fate_of(&lost, String::new()), Fate::retry("input", ""));
        assert_eq!(
            fate_of(&ThumbnailError::Empty, String::new()),
            Fate::rejected("empty", "")
        );
    }
}
