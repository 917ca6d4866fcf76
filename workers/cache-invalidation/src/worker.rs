//! One invalidation for a batch.

use std::collections::BTreeSet;
use std::iter::repeat_n;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fleet::batch::{Handled, Record, isolated, panicked};
use fleet::delivery::deliveries;
use fleet::fate::Fate;
use fleet::metrics::{Metric, Unit};
use fleet::rejection::{Rejections, kept_if_rejected};
use fleet::worker::{Invocation, Worker};
use serde_json::Value;

use crate::config::Config;
use crate::invalidation::{Invalidated, Invalidation, Invalidator};
use crate::paths::coalesced;
use crate::record::{Wish, read, subject};

const NAME: &str = "cache-invalidation";

/// Makes the cache forget the pages of posts that changed.
///
/// All changes of a batch are one invalidation and share its fate: that is one request however many posts an editor
/// touched, and the pages that every post is listed on are named once.
#[derive(Debug, Clone)]
pub struct CacheWorker<I, R> {
    config: Config,
    invalidator: I,
    rejections: R,
}

/// A change that makes paths stale.
struct Change {
    index: usize,
    event: String,
    paths: BTreeSet<String>,
}

/// What a call asked of the cache.
#[derive(Debug, Default)]
struct Tally {
    invalidations: u32,
    paths: u32,
}

impl<I, R> CacheWorker<I, R>
where
    I: Invalidator,
    R: Rejections,
{
    /// A worker that invalidates by `invalidator` and keeps what it rejects in `rejections`.
    pub fn new(config: Config, invalidator: I, rejections: R) -> Self {
        Self {
            config,
            invalidator,
            rejections,
        }
    }

    /// The fate of every change. Paths that the cache refuses are tried again in halves, so that one that it does not like
    /// costs its own record and no other.
    async fn invalidate(
        &self,
        changes: &[Change],
        invocation: &Invocation,
        tally: &mut Tally,
    ) -> Vec<(usize, Fate)> {
        let mut fates = Vec::with_capacity(changes.len());
        let mut parts = vec![changes];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let fate = isolated(invocation, self.part(part, tally)).await;
            if matches!(fate, Fate::Rejected(_)) && part.len() > 1 {
                let (first, second) = part.split_at(part.len() / 2);
                parts.extend([second, first]);
                continue;
            }
            let indices = part.iter().map(|change| change.index);
            fates.extend(indices.zip(repeat_n(fate, part.len())));
        }
        fates
    }

    async fn part(&self, part: &[Change], tally: &mut Tally) -> Fate {
        let all = part.iter().flat_map(|change| change.paths.iter().cloned());
        let Config {
            distribution,
            paths,
            wildcard_above,
        } = &self.config;
        let few = coalesced(all.collect(), paths, *wildcard_above);
        let events = part.iter().map(|change| change.event.as_str());
        let invalidation = Invalidation::new(distribution, events, few);
        let number = invalidation.paths.len();
        match self.invalidator.invalidate(&invalidation).await {
            Ok(Invalidated::Begun(id)) => {
                tally.invalidations += 1;
                tally.paths += u32::try_from(number).unwrap_or(u32::MAX);
                Fate::applied(format!("{number} paths are invalidated as {id}"))
            }
            Ok(Invalidated::Before) => {
                Fate::duplicate(format!("the {number} paths were invalidated before"))
            }
            Err(error) => error.fate(),
        }
    }
}

impl<I, R> Worker for CacheWorker<I, R>
where
    I: Invalidator,
    R: Rejections,
{
    fn name(&self) -> &'static str {
        NAME
    }

    async fn handle(&self, event: Value, invocation: &Invocation) -> Handled {
        let deliveries = deliveries(event);
        let mut changes = Vec::new();
        let mut fates: Vec<(usize, Fate)> = Vec::with_capacity(deliveries.len());
        for (index, delivery) in deliveries.iter().enumerate() {
            let wish = catch_unwind(AssertUnwindSafe(|| read(delivery, &self.config.paths)));
            match wish {
                Ok(Ok(Wish::Invalidate(paths))) => changes.push(Change {
                    index,
                    event: delivery.identity(),
                    paths,
                }),
                Ok(Ok(Wish::Nothing(reason))) => fates.push((index, Fate::skipped(reason))),
                Ok(Err(error)) => fates.push((index, error.fate())),
                Err(panic) => fates.push((index, panicked(panic.as_ref()))),
            }
        }
        let mut tally = Tally::default();
        fates.extend(self.invalidate(&changes, invocation, &mut tally).await);
        fates.sort_unstable_by_key(|(index, _)| *index);
        let mut records = Vec::with_capacity(deliveries.len());
        for (delivery, (_, fate)) in deliveries.iter().zip(fates) {
            let fate = match fate {
                Fate::Rejected(_) => {
                    isolated(
                        invocation,
                        kept_if_rejected(
                            &self.rejections,
                            NAME,
                            delivery,
                            &subject(delivery),
                            fate,
                        ),
                    )
                    .await
                }
                // What is done stays done, also when there is no time left.
                Fate::Done(_) | Fate::Retry(_) => fate,
            };
            records.push(Record::new(delivery, subject(delivery), fate));
        }
        Handled {
            records,
            metrics: tally.metrics(),
        }
    }
}

impl Tally {
    fn metrics(self) -> Vec<Metric> {
        [
            ("Invalidations", self.invalidations),
            ("PathsInvalidated", self.paths),
        ]
        .map(|(name, number)| Metric {
            name,
            unit: Unit::Count,
            value: f64::from(number),
        })
        .into()
    }
}

#[cfg(test)]
mod tests;
