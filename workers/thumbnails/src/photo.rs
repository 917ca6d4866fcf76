//! One change of one photo, from notice to thumbnails.

mod make;
mod settle;
mod standing;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use fleet::fate::Fate;
use fleet::notice::{Change, ObjectChange};
use fleet::objects::{Objects, ObjectsError};

use crate::announce::Announcer;
use crate::budget::{Budget, Sharing};
use crate::config::Config;
use crate::keys::{PhotoKeys, is_our_own};
use crate::ledger::{Decision, Ledger, Live};
use crate::scratch::Scratch;

/// The metadata that marks an object as ours, wherever it is copied to.
const MARKER: &str = "flotilla-recipe";

/// How many objects of one photo are written or deleted at once.
const CONCURRENT_WRITES: usize = 8;

/// How often a photo is looked at again after its ledger changed underneath. Each time somebody else got something done.
const MAX_RACES: usize = 8;

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
    pub(crate) scratch: &'a Arc<Scratch>,
    pub(crate) sharing: Sharing,
    pub(crate) change: &'a ObjectChange,
    pub(crate) keys: PhotoKeys,
}

/// What was done, for the worker's metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) photos: u64,
    pub(crate) thumbnails: u64,
    pub(crate) source_bytes: u64,
    pub(crate) downloaded_bytes: u64,
    pub(crate) thumbnail_bytes: u64,
}

/// Thumbnails that have been written and are not shown yet.
struct Made {
    live: Live,
    work: Work,
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
}
