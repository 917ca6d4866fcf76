//! Reads, decides, writes.

use std::cmp::Reverse;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use fleet::batch::{Handled, Record, in_lanes, isolated, panicked};
use fleet::clock::Clock;
use fleet::delivery::{Delivery, deliveries};
use fleet::fate::Fate;
use fleet::metrics::{Metric, Unit};
use fleet::rejection::{Rejections, kept_if_rejected};
use fleet::table::{Table, TableError, Write, Written};
use fleet::worker::{Invocation, Worker};
use serde_json::Value;

use crate::as_of::AsOf;
use crate::config::Config;
use crate::entry::{Decision, decide, item, key};
use crate::event::{EventError, News, PhotoEvent, read};

const NAME: &str = "gallery";

/// How many photos of a batch are in flight at once. Each waits for two small requests.
const CONCURRENCY: usize = 16;

/// How often an item is looked at again after it changed underneath. Each time somebody else got something done.
const MAX_RACES: usize = 8;

/// Keeps the catalogue of photos in `T`.
#[derive(Debug, Clone)]
pub struct GalleryWorker<T, R> {
    config: Config,
    catalogue: T,
    rejections: R,
    clock: Clock,
}

/// A delivery, read.
struct Told {
    index: usize,
    delivery: Delivery,
    event: Result<Option<PhotoEvent>, EventError>,
}

/// What the worker counts beside the fates.
#[derive(Debug, Default)]
struct Tally {
    listed: AtomicU32,
    unlisted: AtomicU32,
}

impl<T: Table, R: Rejections> GalleryWorker<T, R> {
    /// A worker that keeps the catalogue in `catalogue` and what it rejects in `rejections`.
    pub fn new(config: Config, catalogue: T, rejections: R, clock: Clock) -> Self {
        Self {
            config,
            catalogue,
            rejections,
            clock,
        }
    }

    async fn record(&self, told: Told, invocation: &Invocation, tally: &Tally) -> Record {
        let subject = subject(&told.event);
        let fate = isolated(invocation, async {
            let fate = match &told.event {
                Ok(Some(event)) => self.apply(event, tally).await.unwrap_or_else(|e| e.fate()),
                Ok(None) => Fate::skipped("the event says nothing that the catalogue holds"),
                Err(error) => error.fate(),
            };
            kept_if_rejected(&self.rejections, NAME, &told.delivery, &subject, fate).await
        })
        .await;
        Record::new(&told.delivery, subject, fate)
    }

    /// Reads, decides and writes, and begins anew when somebody else wrote in between.
    async fn apply(&self, event: &PhotoEvent, tally: &Tally) -> Result<Fate, TableError> {
        let key = key(event);
        for _ in 0..MAX_RACES {
            let standing = self.catalogue.get(&key).await?;
            let condition = match decide(standing.as_ref(), event) {
                Decision::Write(condition) => condition,
                Decision::Duplicate => {
                    return Ok(Fate::duplicate("this event was applied before"));
                }
                Decision::Superseded(newer) => {
                    return Ok(Fate::superseded(format!(
                        "{} is older than {newer}, which was applied before",
                        event.as_of
                    )));
                }
                Decision::Foreign => {
                    let reason = format!("the item of {key} says of no state of the photo");
                    return Ok(Fate::retry("foreign-item", reason));
                }
            };
            let write = Write::Put {
                item: item(event, &self.config, self.clock.now()),
                key: key.clone(),
                condition,
            };
            if self.catalogue.write(vec![write]).await? == Written::Yes {
                return Ok(applied(event, tally));
            }
        }
        let reason = format!("the item of {key} keeps changing");
        Ok(Fate::retry("contended", reason))
    }
}

impl<T: Table, R: Rejections> Worker for GalleryWorker<T, R> {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn handle(&self, event: Value, invocation: &Invocation) -> Handled {
        let mut events = Vec::new();
        let mut records = Vec::new();
        for (index, delivery) in deliveries(event).into_iter().enumerate() {
            // Reading is guarded by itself, because the lanes are known only after it.
            match catch_unwind(AssertUnwindSafe(|| read(delivery.payload()))) {
                Ok(event) => events.push(Told {
                    index,
                    delivery,
                    event,
                }),
                Err(panic) => {
                    let fate = panicked(panic.as_ref());
                    records.push((index, Record::new(&delivery, "a record", fate)));
                }
            }
        }
        // The newest event of a photo first: then the older ones in the same batch cost a read and no write.
        events.sort_by_key(|told| Reverse(as_of(told)));
        let tally = Tally::default();
        let worked = in_lanes(events, CONCURRENCY, lane, async |told: Told| {
            (told.index, self.record(told, invocation, &tally).await)
        })
        .await;
        records.extend(worked);
        records.sort_unstable_by_key(|(index, _)| *index);
        Handled {
            records: records.into_iter().map(|(_, record)| record).collect(),
            metrics: tally.metrics(),
        }
    }
}

fn as_of(told: &Told) -> Option<AsOf> {
    let event = told.event.as_ref().ok()?.as_ref()?;
    Some(event.as_of.clone())
}

/// Events of the same photo wait for each other, which saves races.
fn lane(told: &Told) -> String {
    match &told.event {
        Ok(Some(event)) => key(event).partition,
        Ok(None) | Err(_) => told.index.to_string(),
    }
}

fn subject(event: &Result<Option<PhotoEvent>, EventError>) -> String {
    match event {
        Ok(Some(event)) => format!("s3://{}/{}", event.bucket, event.key),
        Ok(None) => "an event of another kind".to_owned(),
        Err(_) => "a record that is no event of a photo".to_owned(),
    }
}

fn applied(event: &PhotoEvent, tally: &Tally) -> Fate {
    match event.news {
        News::Ready(_) => {
            tally.listed.fetch_add(1, Ordering::Relaxed);
            Fate::applied("the photo is listed")
        }
        News::Removed => {
            tally.unlisted.fetch_add(1, Ordering::Relaxed);
            Fate::applied("the photo is not listed any more")
        }
    }
}

impl Tally {
    fn metrics(self) -> Vec<Metric> {
        [
            ("PhotosListed", self.listed),
            ("PhotosUnlisted", self.unlisted),
        ]
        .map(|(name, counter)| Metric {
            name,
            unit: Unit::Count,
            value: f64::from(counter.into_inner()),
        })
        .into()
    }
}

#[cfg(test)]
mod tests;
