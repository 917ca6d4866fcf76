//! One change of one photo, from notice to thumbnails.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use fleet::fate::Fate;
use fleet::notice::{Change, ObjectChange};
use fleet::objects::{Condition, NewObject, ObjectRef, Objects, ObjectsError};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use thumbnailer::{ThumbnailError, Thumbnails};

use crate::announce::{Announcer, EVENT_VERSION, News, PhotoEvent};
use crate::budget::{Budget, Share};
use crate::config::Config;
use crate::keys::{PhotoKeys, is_our_own};
use crate::ledger::{Decision, Ledger, Live};
use crate::manifest::Manifest;

/// Thumbnails never change under their key, so whoever has one may keep it.
const THUMBNAIL_CACHE: &str = "public, max-age=31536000, immutable";

/// A manifest changes with its photo: it may be kept, and must be asked after.
const MANIFEST_CACHE: &str = "public, no-cache";

/// The metadata that marks an object as ours, wherever it is copied to.
const MARKER: &str = "flotilla-recipe";

/// How many objects of one photo are written or deleted at once.
const CONCURRENT_WRITES: usize = 8;

/// How often a photo is looked at again after its ledger changed underneath. Each time somebody else got something done.
const MAX_RACES: usize = 8;

/// A ledger is some kilobytes; this only bounds what a broken one can do.
const MAX_LEDGER_BYTES: u64 = 4 * 1024 * 1024;

/// The worker's view of one change.
pub(crate) struct Photo<'a, S, A> {
    pub(crate) config: &'a Config,
    pub(crate) recipe: &'a str,
    pub(crate) objects: &'a S,
    /// Nobody is told anything where there is none.
    pub(crate) announcer: Option<&'a A>,
    /// How many events were published.
    pub(crate) announced: &'a AtomicU64,
    pub(crate) budget: &'a Budget,
    pub(crate) change: &'a ObjectChange,
    pub(crate) keys: PhotoKeys,
}

/// What was done, for the worker's metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) photos: u64,
    pub(crate) thumbnails: u64,
    pub(crate) source_bytes: u64,
    pub(crate) thumbnail_bytes: u64,
}

/// Thumbnails that have been written and are not shown yet.
struct Made {
    live: Live,
    work: Work,
}

/// The ledger as it was read, with the tag that a write of it is conditional on.
struct Standing {
    ledger: Option<Ledger>,
    etag: Option<String>,
}

/// The work on a change ended early.
enum Stop {
    /// With a fate of its own.
    Fate(Fate),
    /// The source is not there (any more), or not the bytes that the change is about.
    SourceGone(ObjectsError),
}

impl From<Fate> for Stop {
    fn from(fate: Fate) -> Self {
        Self::Fate(fate)
    }
}

impl From<ObjectsError> for Stop {
    fn from(error: ObjectsError) -> Self {
        Self::Fate(error.fate())
    }
}

impl<S: Objects, A: Announcer> Photo<'_, S, A> {
    /// Works the change.
    pub(crate) async fn work(&self) -> (Fate, Work) {
        if let Some(reason) = self.reason_to_skip() {
            return (Fate::skipped(reason), Work::default());
        }
        let mut made = None;
        for _ in 0..MAX_RACES {
            match self.try_once(&mut made).await {
                Ok(Some(fate)) => {
                    let work = made.map(|made: Made| made.work).unwrap_or_default();
                    return (fate, work);
                }
                // The ledger changed underneath: look again.
                Ok(None) => {}
                Err(Stop::Fate(fate)) => return (fate, Work::default()),
                Err(Stop::SourceGone(error)) => {
                    return (self.source_gone(&error).await, Work::default());
                }
            }
        }
        let reason = format!("the ledger of {} keeps changing", self.subject());
        (Fate::retry("contended", reason), Work::default())
    }

    /// What the change is about, for people.
    pub(crate) fn subject(&self) -> String {
        format!("s3://{}/{}", self.change.bucket, self.change.key)
    }

    fn reason_to_skip(&self) -> Option<String> {
        let change = self.change;
        if change.bucket == self.config.thumbnails_bucket && is_our_own(&change.key) {
            // Otherwise each thumbnail would get thumbnails, and those too.
            Some("it is this worker's own output".to_owned())
        } else if change.change == Change::Other {
            Some(format!(
                "{} leaves the photo's bytes as they are",
                change.event_name
            ))
        } else if !change.key.starts_with(&self.config.source_prefix) {
            Some(format!(
                "the key is outside the prefix {:?}",
                self.config.source_prefix
            ))
        } else if change.key.ends_with('/') && change.size_bytes == Some(0) {
            Some("it is the marker of a folder, as the S3 console makes".to_owned())
        } else {
            None
        }
    }

    /// One look at the ledger and what follows from it; `None` when the ledger changed before the end.
    async fn try_once(&self, made: &mut Option<Made>) -> Result<Option<Fate>, Stop> {
        let standing = self.read_ledger().await?;
        let mine = self.keys.folder();
        let ledger = standing.ledger.as_ref();
        if ledger.is_some_and(|ledger| ledger.sweep.contains(&mine)) {
            // A sweep of this very folder is unfinished, as when two plans are deployed in turn. Whoever began it may be
            // dead or just slow, and if slow may yet delete what would be written now: so finish it, and leave the making
            // to a later delivery, which comes after the time that any invocation has.
            self.settle(standing).await?;
            let reason = format!("the folder {mine} was still being swept");
            return Err(Fate::retry("sweeping", reason).into());
        }
        match Ledger::decide(ledger, self.change, &self.keys) {
            Decision::Duplicate => {
                let changed = self.mend(standing).await?;
                Ok(Some(if changed {
                    Fate::applied("finished what an earlier delivery of this event had begun")
                } else {
                    Fate::duplicate("this event was applied before")
                }))
            }
            Decision::Superseded(reason) => {
                // An earlier attempt at this event may have written thumbnails and died before it could show them.
                self.sweep(&mine).await?;
                self.mend(standing).await?;
                Ok(Some(Fate::superseded(reason)))
            }
            Decision::Make => {
                if made.is_none() {
                    *made = Some(self.make().await?);
                }
                let Some(ready) = made.as_ref() else {
                    return Ok(None);
                };
                let next = standing.ledger.clone().unwrap_or_default();
                let next = next.after_making(self.change, ready.live.clone());
                let reason = format!("{} thumbnails written", ready.work.thumbnails);
                self.commit(standing, next, Fate::applied(reason)).await
            }
            Decision::Remove => {
                let shown = ledger.is_some_and(|ledger| ledger.live.is_some());
                let next = standing.ledger.clone().unwrap_or_default();
                let next = next.after_removal(self.change, &self.keys);
                let fate = Fate::applied(if shown {
                    "thumbnails and manifest deleted"
                } else {
                    "the removal is noted; there were no thumbnails"
                });
                self.commit(standing, next, fate).await
            }
            Decision::Note => {
                let next = standing.ledger.clone().unwrap_or_default();
                let next = next.after_removal(self.change, &self.keys);
                let fate = Fate::applied("the version deleted is noted; it is not the one shown");
                self.commit(standing, next, fate).await
            }
        }
    }

    /// Reads, decodes, resizes, encodes and writes. Nothing is shown yet.
    async fn make(&self) -> Result<Made, Stop> {
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

    /// Writes the ledger if it is still as it was read, then makes everything else agree with it.
    async fn commit(
        &self,
        standing: Standing,
        next: Ledger,
        fate: Fate,
    ) -> Result<Option<Fate>, Stop> {
        let next = if self.announcer.is_none() {
            // Nobody will be told later either, and crossing it out now saves a write.
            next.after_announcing()
        } else {
            next
        };
        let condition = standing
            .etag
            .map_or(Condition::Absent, Condition::Unchanged);
        match self.write_ledger(&next, condition).await {
            Ok(etag) => {
                self.settle(Standing {
                    ledger: Some(next),
                    etag: Some(etag),
                })
                .await?;
                Ok(Some(fate))
            }
            // A lost answer to a write that succeeded looks like this too: the next look finds a duplicate, and mends.
            Err(ObjectsError::ConditionFailed(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Publishes what the ledger says, tells others, and sweeps what it says to sweep.
    async fn settle(&self, standing: Standing) -> Result<(), Stop> {
        let mut standing = standing;
        for _ in 0..MAX_RACES {
            let etag = standing.etag.clone();
            self.publish(standing.ledger.as_ref()).await?;
            // Somebody slower may have published an older state over a newer one, and the other way round: the last to
            // publish is the last to look, so the manifest ends up as the ledger has it.
            let now = self.read_ledger().await?;
            if now.etag == etag {
                return self.finish(now).await;
            }
            standing = now;
        }
        Err(Fate::retry(
            "contended",
            format!("the ledger of {} keeps changing", self.subject()),
        )
        .into())
    }

    /// Writes the manifest, or deletes it when nothing is shown.
    async fn publish(&self, ledger: Option<&Ledger>) -> Result<(), ObjectsError> {
        let bucket = &self.config.thumbnails_bucket;
        let key = self.keys.manifest();
        let Some(live) = ledger.and_then(|ledger| ledger.live.as_ref()) else {
            return self.objects.delete(bucket, &key).await;
        };
        let manifest = NewObject {
            bucket: bucket.clone(),
            key,
            bytes: live.manifest.to_json().into(),
            content_type: "application/json".to_owned(),
            cache_control: Some(MANIFEST_CACHE.to_owned()),
            metadata: BTreeMap::from([(MARKER.to_owned(), live.manifest.recipe.clone())]),
        };
        self.objects
            .put(manifest, Condition::None)
            .await
            .map(|_| ())
    }

    /// Tells others and sweeps every folder that the ledger names, then crosses both out. In this order, because who is told
    /// late goes on showing thumbnails that are gone.
    async fn finish(&self, standing: Standing) -> Result<(), Stop> {
        let Standing {
            ledger: Some(ledger),
            etag: Some(etag),
        } = standing
        else {
            return Ok(());
        };
        let told = self.announce(&ledger).await;
        let mut next = match &told {
            Ok(true) => ledger.clone().after_announcing(),
            Ok(false) | Err(_) => ledger.clone(),
        };
        // Also when nobody could be told: a photo that was deleted must not stay because a topic is out of order.
        for folder in std::mem::take(&mut next.sweep) {
            self.sweep(&folder).await?;
        }
        if next != ledger {
            match self.write_ledger(&next, Condition::Unchanged(etag)).await {
                // Whoever changed it saw the same folders and the same news in it: the folders are swept once more, and
                // others are told of what is shown since.
                Ok(_) | Err(ObjectsError::ConditionFailed(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        told.map(|_| ())
    }

    /// Tells others of what the ledger shows, unless they have been told, and says whether they were.
    async fn announce(&self, ledger: &Ledger) -> Result<bool, Stop> {
        let (Some(announcer), true) = (self.announcer, ledger.has_news()) else {
            return Ok(false);
        };
        match announcer.announce(&self.event(ledger)).await {
            Ok(()) => {
                self.announced.fetch_add(1, Ordering::Relaxed);
                Ok(true)
            }
            Err(error) => Err(error.fate().into()),
        }
    }

    fn event(&self, ledger: &Ledger) -> PhotoEvent {
        let (news, manifest) = match &ledger.live {
            Some(live) => (News::PhotoReady, Some(live.manifest.clone())),
            None => (News::PhotoRemoved, None),
        };
        let latest = ledger.latest.clone();
        let (source_version, time) = latest
            .map(|latest| (latest.version, latest.time))
            .unwrap_or_default();
        PhotoEvent {
            event: news,
            version: EVENT_VERSION,
            bucket: self.change.bucket.clone(),
            key: self.change.key.clone(),
            source_version,
            sequencer: ledger.sequencer.clone(),
            revision: ledger.revision,
            time,
            thumbnails_bucket: self.config.thumbnails_bucket.clone(),
            manifest_key: self.keys.manifest(),
            manifest,
        }
    }

    /// Makes manifest, folders and what others know agree with the ledger, if an earlier attempt died before it could. Says whether there
    /// was anything to do.
    async fn mend(&self, standing: Standing) -> Result<bool, Stop> {
        let Some(ledger) = &standing.ledger else {
            return Ok(false);
        };
        let manifest = ObjectRef::current(&self.config.thumbnails_bucket, self.keys.manifest());
        let published = match self.objects.get(&manifest, MAX_LEDGER_BYTES).await {
            Ok(object) => Some(object.bytes),
            Err(ObjectsError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let wanted = ledger.live.as_ref().map(|live| live.manifest.to_json());
        let agrees = published.as_deref() == wanted.as_deref().map(str::as_bytes);
        let news = self.announcer.is_some() && ledger.has_news();
        if agrees && ledger.sweep.is_empty() && !news {
            return Ok(false);
        }
        self.settle(standing).await?;
        Ok(true)
    }

    async fn sweep(&self, folder: &str) -> Result<(), ObjectsError> {
        let bucket = &self.config.thumbnails_bucket;
        let keys = self.objects.list(bucket, folder).await?;
        stream::iter(keys)
            .map(|key| async move { self.objects.delete(bucket, &key).await })
            .buffer_unordered(CONCURRENT_WRITES)
            .try_for_each(|()| async { Ok(()) })
            .await
    }

    /// The source is gone: fine if a newer change says so, else a rejection that an operator can look into.
    async fn source_gone(&self, error: &ObjectsError) -> Fate {
        match self.read_ledger().await {
            Err(error) => error.fate(),
            Ok(standing) => match Ledger::decide(standing.ledger.as_ref(), self.change, &self.keys)
            {
                Decision::Superseded(reason) => Fate::superseded(reason),
                Decision::Duplicate => Fate::duplicate("this event was applied before"),
                Decision::Make | Decision::Remove | Decision::Note => match error {
                    // Unversioned, and overwritten since: the event of the newer write is on its way.
                    ObjectsError::ConditionFailed(_) => {
                        Fate::superseded(format!("{} was overwritten since", self.subject()))
                    }
                    error => Fate::rejected("gone", error.to_string()),
                },
            },
        }
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

    async fn read_ledger(&self) -> Result<Standing, ObjectsError> {
        let ledger = ObjectRef::current(&self.config.thumbnails_bucket, self.keys.ledger());
        match self.objects.get(&ledger, MAX_LEDGER_BYTES).await {
            Ok(object) => match serde_json::from_slice(&object.bytes) {
                Ok(ledger) => Ok(Standing {
                    ledger: Some(ledger),
                    etag: Some(object.etag),
                }),
                // Somebody wrote into our ledgers. Overwriting it would forget deletions, so an operator must look.
                Err(error) => Err(ObjectsError::Unavailable {
                    object: ledger.to_string(),
                    reason: format!("the ledger cannot be read: {error}"),
                }),
            },
            Err(ObjectsError::NotFound(_)) => Ok(Standing {
                ledger: None,
                etag: None,
            }),
            Err(error) => Err(error),
        }
    }

    async fn write_ledger(
        &self,
        ledger: &Ledger,
        condition: Condition,
    ) -> Result<String, ObjectsError> {
        // Strings and numbers: nothing that could fail to serialise.
        let bytes = serde_json::to_vec(ledger).unwrap_or_default();
        let object = NewObject {
            bucket: self.config.thumbnails_bucket.clone(),
            key: self.keys.ledger(),
            bytes: bytes.into(),
            content_type: "application/json".to_owned(),
            cache_control: None,
            metadata: BTreeMap::new(),
        };
        self.objects.put(object, condition).await
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
        ThumbnailError::Panicked { .. } => Fate::retry(error.kind(), reason),
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
