//! The batch: views by shard, a fate for each record.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fleet::batch::{Handled, Record, by_number, in_lanes, isolated, panicked};
use fleet::delivery::{Delivery, deliveries};
use fleet::fate::Fate;
use fleet::metrics::{Metric, Unit};
use fleet::rejection::{Rejection, Rejections, kept};
use fleet::table::Table;
use fleet::worker::{Invocation, Worker};
use futures_util::future::join;
use serde_json::Value;

use crate::config::Config;
use crate::record::{Placed, RecordError, event_id, read};
use crate::shard::{Counted, Shard};

const NAME: &str = "page-views";

/// How many shards of a batch, and how many rejections, are worked at once. A batch comes from one shard.
const CONCURRENCY: usize = 4;

/// Counts views in `T`, and keeps what is none in `R`.
#[derive(Debug, Clone)]
pub struct PageViewsWorker<T, R> {
    config: Config,
    table: T,
    rejections: R,
}

/// A delivery that cannot be counted.
struct Refused {
    index: usize,
    subject: String,
    fate: Fate,
    delivery: Delivery,
}

/// A shard's views, each with its place in the event.
struct Lane {
    shard: String,
    indices: Vec<usize>,
    views: Vec<Placed>,
}

impl<T: Table, R: Rejections> PageViewsWorker<T, R> {
    /// A worker that counts in `table` and keeps what it rejects in `rejections`.
    pub fn new(config: Config, table: T, rejections: R) -> Self {
        Self {
            config,
            table,
            rejections,
        }
    }

    async fn count(&self, lane: Lane, invocation: &Invocation) -> (Lane, Counted) {
        let shard = Shard {
            table: &self.table,
            remembered: self.config.remembered,
            name: &lane.shard,
        };
        let counted = shard.count(&lane.views, invocation).await;
        (lane, counted)
    }

    /// The fate of a delivery that cannot be counted, once it is kept. It does not matter whether its shard was counted past
    /// it: it is kept under the same name every time.
    async fn refuse(&self, refused: Refused, invocation: &Invocation) -> (usize, String, Fate) {
        let Refused {
            index,
            subject,
            fate,
            delivery,
        } = refused;
        let Fate::Rejected(rejected) = &fate else {
            return (index, subject, fate);
        };
        let record = delivery.scrubbed();
        let stream = record["eventSourceARN"].as_str().unwrap_or_default();
        // A record without an id is itself its identity.
        let id = event_id(&delivery).map_or_else(|| record.to_string(), str::to_owned);
        let name = Rejection::name(NAME, [stream, id.as_str()]);
        let rejection = Rejection::new(NAME, &subject, rejected, record);
        let keep = Box::pin(kept(&self.rejections, &name, &rejection, fate.clone()));
        let fate = isolated(invocation, keep).await;
        (index, subject, fate)
    }
}

impl<T: Table, R: Rejections> Worker for PageViewsWorker<T, R> {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn handle(&self, event: Value, invocation: &Invocation) -> Handled {
        let deliveries = deliveries(event);
        let mut lanes: BTreeMap<String, Vec<(usize, Placed)>> = BTreeMap::new();
        let mut refused = Vec::new();
        for (index, delivery) in deliveries.iter().enumerate() {
            let fate = match catch_unwind(AssertUnwindSafe(|| read(delivery, self.config.late))) {
                Ok(Ok(placed)) => {
                    let lane = lanes.entry(placed.shard.clone()).or_default();
                    lane.push((index, placed));
                    continue;
                }
                Ok(Err(error)) => RecordError::fate(&error),
                Err(panic) => panicked(panic.as_ref()),
            };
            refused.push(Refused {
                index,
                subject: subject(delivery),
                fate,
                delivery: delivery.clone(),
            });
        }
        let lanes: Vec<Lane> = lanes.into_iter().map(lane_of).collect();
        let (counted, refused) = join(
            in_lanes(
                lanes,
                CONCURRENCY,
                |lane| lane.shard.clone(),
                |lane| self.count(lane, invocation),
            ),
            in_lanes(
                refused,
                CONCURRENCY,
                |refused| refused.index,
                |refused| self.refuse(refused, invocation),
            ),
        )
        .await;

        let metrics = metrics(counted.iter().map(|(_, counted)| counted));
        let mut fates: Vec<(usize, String, Fate)> = refused;
        for (lane, counted) in counted {
            let views = lane.indices.into_iter().zip(lane.views);
            let views = views.zip(counted.fates);
            fates.extend(views.map(|((index, placed), fate)| {
                (index, format!("post {}", placed.view.post), fate)
            }));
        }
        fates.sort_unstable_by_key(|(index, ..)| *index);
        let records = fates
            .into_iter()
            .zip(&deliveries)
            .map(|((_, subject, fate), delivery)| Record::new(delivery, subject, fate))
            .collect();
        Handled { records, metrics }
    }
}

/// The views of a shard, by their sequence numbers: the order in which they are counted.
fn lane_of((shard, mut views): (String, Vec<(usize, Placed)>)) -> Lane {
    views.sort_by(|(_, one), (_, other)| by_number(&one.sequence, &other.sequence));
    let (indices, views) = views.into_iter().unzip();
    Lane {
        shard,
        indices,
        views,
    }
}

/// What names a record that is no view.
fn subject(delivery: &Delivery) -> String {
    match event_id(delivery) {
        Some(id) => format!("event {}", id.escape_debug().take(200).collect::<String>()),
        None => "a record without an event id".to_owned(),
    }
}

fn metrics<'a>(counted: impl Iterator<Item = &'a Counted>) -> Vec<Metric> {
    let (mut views, mut repeated, mut items) = (0, 0, 0);
    for counted in counted {
        let applied = |fate: &&Fate| fate.kind() == "applied";
        views += counted.fates.iter().filter(applied).count();
        repeated += counted.repeated;
        items += counted.items;
    }
    let metric = |name, value| Metric {
        name,
        unit: Unit::Count,
        value: f64::from(u32::try_from(value).unwrap_or(u32::MAX)),
    };
    vec![
        metric("ViewsCounted", views),
        metric("ViewsRepeated", repeated),
        metric("ItemsWritten", items),
    ]
}

#[cfg(test)]
mod tests;
