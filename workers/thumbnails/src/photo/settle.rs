//! From a decision to a world that agrees with it: the ledger first, then manifest, announcement and sweeping, each of
//! which a later delivery can take up where this one ended.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use fleet::fate::Fate;
use fleet::objects::{Condition, NewObject, ObjectRef, Objects, ObjectsError};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::standing::{MAX_LEDGER_BYTES, Standing};
use super::{CONCURRENT_WRITES, MARKER, MAX_RACES, Photo, Stop};
use crate::announce::{Announcer, EVENT_VERSION, News, PhotoEvent};
use crate::ledger::Ledger;

/// A manifest changes with its photo: it may be kept, and must be asked after.
const MANIFEST_CACHE: &str = "public, no-cache";

impl<S: Objects, A: Announcer> Photo<'_, S, A> {
    /// Writes the ledger if it is still as it was read, then makes everything else agree with it.
    pub(super) async fn commit(
        &self,
        standing: Standing,
        next: Ledger,
        fate: Fate,
    ) -> Result<Option<Fate>, Stop> {
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
    pub(super) async fn settle(&self, standing: Standing) -> Result<(), Stop> {
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

    /// Makes manifest, folders and what others know agree with the ledger, if an earlier attempt died before it could.
    /// Says whether there was anything to do.
    pub(super) async fn mend(&self, standing: Standing) -> Result<bool, Stop> {
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

    pub(super) async fn sweep(&self, folder: &str) -> Result<(), ObjectsError> {
        let bucket = &self.config.thumbnails_bucket;
        let keys = self.objects.list(bucket, folder).await?;
        stream::iter(keys)
            .map(|key| async move { self.objects.delete(bucket, &key).await })
            .buffer_unordered(CONCURRENT_WRITES)
            .try_for_each(|()| async { Ok(()) })
            .await
    }
}
