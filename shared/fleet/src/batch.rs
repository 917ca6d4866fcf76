//! From the fates of records to the answer that their source expects, and how records are worked side by side.

use std::any::Any;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use serde_json::{Value, json};

use crate::delivery::{Delivery, Source};
use crate::fate::Fate;
use crate::metrics::Metric;
use crate::trace::Trace;
use crate::worker::Invocation;

/// What is kept of an invocation's time for answering: without it, one slow record lets Lambda end the call, and every
/// record of the batch is delivered again.
const ANSWER_TIME: Duration = Duration::from_millis(750);

/// An event, handled.
#[derive(Debug, Clone, PartialEq)]
pub struct Handled {
    /// What became of each record, in the order of the event.
    pub records: Vec<Record>,
    /// What the worker counted, beside the fates.
    pub metrics: Vec<Metric>,
}

/// A record, handled.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What delivered it.
    pub source: Source,
    /// What the source calls it; see [`Delivery::id`].
    pub id: Option<String>,
    /// Its message group, on a FIFO queue.
    pub group: Option<String>,
    /// What it is about, for people: an object's URI, a subscriber's claim. Never an address.
    pub subject: String,
    /// What became of it.
    pub fate: Fate,
    /// The trace of whoever sent it, when the source carries one for each record.
    pub trace: Option<Trace>,
}

impl Record {
    /// The record of `delivery`.
    pub fn new(delivery: &Delivery, subject: impl Into<String>, fate: Fate) -> Self {
        Self {
            source: delivery.source,
            id: delivery.id().map(str::to_owned),
            group: delivery.group().map(str::to_owned),
            subject: subject.into(),
            fate,
            trace: delivery.trace(),
        }
    }
}

/// What became of one of the changes that a delivery told of.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The delivery's place in the event.
    pub delivery: usize,
    /// What the change is about.
    pub subject: String,
    /// What became of it.
    pub fate: Fate,
}

/// One record for each delivery, in their order: the one that `records` has for it already, else its parts' fates
/// [together](Fate::together). Parts come in any order; those of one delivery keep theirs.
pub fn joined(
    deliveries: &[Delivery],
    records: Vec<Option<Record>>,
    parts: Vec<Part>,
) -> Vec<Record> {
    let mut of_delivery: BTreeMap<usize, (Vec<String>, Vec<Fate>)> = BTreeMap::new();
    for part in parts {
        let (subjects, fates) = of_delivery.entry(part.delivery).or_default();
        subjects.push(part.subject);
        fates.push(part.fate);
    }
    let records = records.into_iter().chain(std::iter::repeat(None));
    deliveries
        .iter()
        .zip(records)
        .enumerate()
        .map(|(index, (delivery, record))| {
            record.unwrap_or_else(|| {
                let (subjects, fates) = of_delivery.remove(&index).unwrap_or_default();
                Record::new(delivery, subjects.join(", "), Fate::together(fates))
            })
        })
        .collect()
}

/// The whole event must be delivered again, because its source takes no partial answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{failed} of {total} records are to be retried: {first}")]
pub struct Unfinished {
    /// How many records must be retried.
    pub failed: usize,
    /// Of how many.
    pub total: usize,
    /// Why the first of them must be.
    pub first: String,
}

impl Handled {
    /// Nothing left to retry.
    pub fn is_finished(&self) -> bool {
        !self.records.iter().any(|record| record.fate.is_retry())
    }

    /// The function's answer.
    ///
    /// - SQS: the messages to deliver again; on a FIFO queue also every later message of their groups, because a group
    ///   must not be overtaken.
    /// - Streams: exactly one id, the lowest failed sequence number: the checkpoint, from which all is delivered again.
    /// - Asynchronous sources (S3, SNS, EventBridge) take no partial answer: one retry is an error of the whole call.
    ///
    /// The first two need `ReportBatchItemFailures` on the mapping.
    pub fn response(&self) -> Result<Value, Unfinished> {
        // One event comes from one mapping, so its first record speaks for all.
        match self.records.first().map(|record| record.source) {
            Some(Source::Sqs) => self.failed_messages(),
            Some(source) if source.is_stream() => self.checkpoint(),
            _ if self.is_finished() => Ok(json!({
                "records": self.records.len(),
                "done": self.count("done"),
                "rejected": self.count("rejected"),
            })),
            _ => Err(self.unfinished()),
        }
    }

    fn failed_messages(&self) -> Result<Value, Unfinished> {
        let mut stopped_groups = Vec::new();
        let mut failures = Vec::new();
        for record in &self.records {
            let stopped = record
                .group
                .as_ref()
                .is_some_and(|group| stopped_groups.contains(&group));
            if record.fate.is_retry() || stopped {
                // A wrong or missing id fails the whole batch in Lambda too: say so ourselves, and say why.
                let id = record.id.as_ref().ok_or_else(|| self.unfinished())?;
                failures.push(json!({ "itemIdentifier": id }));
                stopped_groups.extend(&record.group);
            }
        }
        Ok(json!({ "batchItemFailures": failures }))
    }

    fn checkpoint(&self) -> Result<Value, Unfinished> {
        let failed: Option<Vec<&String>> = self
            .records
            .iter()
            .filter(|record| record.fate.is_retry())
            .map(|record| record.id.as_ref())
            .collect();
        let failed = failed.ok_or_else(|| self.unfinished())?;
        let lowest = failed.into_iter().min_by(|a, b| by_number(a, b));
        let failures: Vec<Value> = lowest
            .map(|id| json!({ "itemIdentifier": id }))
            .into_iter()
            .collect();
        Ok(json!({ "batchItemFailures": failures }))
    }

    fn unfinished(&self) -> Unfinished {
        let mut failed = self
            .records
            .iter()
            .filter(|record| record.fate.is_retry())
            .peekable();
        let first = failed
            .peek()
            .map_or_else(String::new, |record| record.fate.reason().to_owned());
        Unfinished {
            failed: failed.count(),
            total: self.records.len(),
            first,
        }
    }

    /// Logs each record once, here at the boundary: what was rejected or must be retried as a warning. A record that came
    /// with a trace of its own names it beside that of the invocation.
    pub fn log(&self) {
        for record in &self.records {
            let Record {
                source,
                id,
                subject,
                ..
            } = record;
            let (kind, reason) = (record.fate.kind(), record.fate.reason());
            let record_trace_id = record.trace.as_ref().map(Trace::id);
            let fate = record.fate.name();
            match record.fate {
                Fate::Done(_) => {
                    tracing::info!(%source, id, subject, fate, kind, reason, record_trace_id, "record done");
                }
                Fate::Rejected(_) => {
                    tracing::warn!(%source, id, subject, fate, kind, reason, record_trace_id, "record rejected");
                }
                Fate::Retry(_) => {
                    tracing::warn!(%source, id, subject, fate, kind, reason, record_trace_id, "record to be retried");
                }
            }
        }
    }

    /// How many records met the fate of that name.
    pub fn count(&self, fate: &str) -> usize {
        self.records
            .iter()
            .filter(|record| record.fate.name() == fate)
            .count()
    }
}

/// The order of two sequence numbers: decimal numbers of up to 56 digits, more than fit into an integer.
pub fn by_number(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Works `items` with at most `concurrency` at once, items of the same lane one after another in their order. The results
/// come back in the order of the items.
pub async fn in_lanes<T, L, R, F>(
    items: Vec<T>,
    concurrency: usize,
    lane: impl Fn(&T) -> L,
    work: impl Fn(T) -> F,
) -> Vec<R>
where
    L: Ord,
    F: Future<Output = R>,
{
    let mut lanes: BTreeMap<L, Vec<(usize, T)>> = BTreeMap::new();
    for (index, item) in items.into_iter().enumerate() {
        lanes.entry(lane(&item)).or_default().push((index, item));
    }
    let work = &work;
    let mut results: Vec<(usize, R)> = stream::iter(lanes.into_values())
        .map(|lane| async move {
            let mut results = Vec::with_capacity(lane.len());
            for (index, item) in lane {
                results.push((index, work(item).await));
            }
            results
        })
        .buffer_unordered(concurrency.max(1))
        .collect::<Vec<_>>()
        .await
        .into_iter()
        .flatten()
        .collect();
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Runs the work on one record so that it cannot harm the others: a panic and a call that runs out of time are that
/// record's retry.
pub async fn isolated(invocation: &Invocation, work: impl Future<Output = Fate>) -> Fate {
    let guarded = AssertUnwindSafe(work).catch_unwind();
    let result = match invocation.remaining() {
        None => guarded.await,
        Some(remaining) => {
            let time = remaining.saturating_sub(ANSWER_TIME);
            if time.is_zero() {
                return Fate::retry("no-time", "the invocation has no time left for the record");
            }
            match tokio::time::timeout(time, guarded).await {
                Ok(result) => result,
                Err(_) => {
                    return Fate::retry("no-time", "the invocation's time ran out on the record");
                }
            }
        }
    };
    result.unwrap_or_else(|panic| panicked(panic.as_ref()))
}

/// The fate of a record whose work panicked. A panic is our bug, not the record's, so it is retried and ends in the dead
/// letters of its source if it goes on.
pub fn panicked(panic: &(dyn Any + Send)) -> Fate {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Fate::retry("panic", format!("the worker panicked: {message}"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use proptest::prelude::*;

    use super::*;
    use crate::clock::Clock;

    fn record(source: Source, id: Option<&str>, group: Option<&str>, fate: Fate) -> Record {
        Record {
            source,
            id: id.map(str::to_owned),
            group: group.map(str::to_owned),
            subject: String::new(),
            fate,
            trace: None,
        }
    }

    fn handled(records: Vec<Record>) -> Handled {
        Handled {
            records,
            metrics: Vec::new(),
        }
    }

    fn done() -> Fate {
        Fate::applied("")
    }

    fn retry() -> Fate {
        Fate::retry("throttled", "busy")
    }

    fn failures(handled: &Handled) -> Vec<String> {
        let response = handled.response().unwrap();
        let list = response["batchItemFailures"].as_array().unwrap();
        list.iter()
            .map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn parts_of_one_delivery_are_one_record_in_its_place() {
        let message = |id: &str| Delivery {
            source: Source::Sqs,
            record: json!({ "messageId": id }),
        };
        let deliveries = [message("1"), message("2"), message("3")];
        let part = |delivery, subject: &str, fate| Part {
            delivery,
            subject: subject.to_owned(),
            fate,
        };
        let known = Record::new(&deliveries[1], "known", Fate::skipped("s"));
        let parts = vec![
            part(2, "c", Fate::applied("c")),
            part(0, "a", Fate::retry("kind", "a")),
            part(0, "b", Fate::applied("b")),
        ];
        let records = joined(&deliveries, vec![None, Some(known), None], parts);
        let told: Vec<_> = records
            .iter()
            .map(|record| (record.subject.as_str(), record.fate.kind()))
            .collect();
        assert_eq!(
            told,
            [("a, b", "kind"), ("known", "skipped"), ("c", "applied")]
        );
    }

    #[test]
    fn a_queue_gets_back_just_what_failed() {
        let sqs = |id, fate| record(Source::Sqs, Some(id), None, fate);
        let batch = handled(vec![
            sqs("1", done()),
            sqs("2", retry()),
            sqs("3", Fate::rejected("corrupt", "")),
            sqs("4", retry()),
        ]);
        assert_eq!(failures(&batch), ["2", "4"]);
        assert_eq!(failures(&handled(vec![sqs("1", done())])), [""; 0]);
    }

    #[test]
    fn a_fifo_group_stops_at_its_first_failure() {
        let fifo = |id, group, fate| record(Source::Sqs, Some(id), Some(group), fate);
        let batch = handled(vec![
            fifo("1", "a", done()),
            fifo("2", "a", retry()),
            fifo("3", "b", done()),
            fifo("4", "a", done()),
        ]);
        assert_eq!(failures(&batch), ["2", "4"]);
    }

    #[test]
    fn a_stream_gets_one_checkpoint_the_lowest_number() {
        let stream = |id, fate| record(Source::DynamoDb, Some(id), None, fate);
        let batch = handled(vec![
            stream("9", done()),
            stream("100", retry()),
            stream("20", retry()),
        ]);
        assert_eq!(failures(&batch), ["20"]);
        assert_eq!(failures(&handled(vec![stream("9", done())])), [""; 0]);
    }

    #[test]
    fn a_failed_record_without_an_id_fails_the_batch() {
        for source in [Source::Sqs, Source::DynamoDb] {
            let batch = handled(vec![record(source, None, None, retry())]);
            assert_eq!(batch.response().unwrap_err().failed, 1);
            let batch = handled(vec![record(source, None, None, done())]);
            assert!(batch.response().is_ok());
        }
    }

    #[test]
    fn an_asynchronous_event_is_retried_as_a_whole() {
        for source in [Source::S3, Source::Sns, Source::EventBridge] {
            let batch = handled(vec![
                record(source, None, None, done()),
                record(source, None, None, retry()),
            ]);
            insta::allow_duplicates! {
                insta::assert_snapshot!(batch.response().unwrap_err().to_string(), @"1 of 2 records are to be retried: busy");
            }
        }
        let batch = handled(vec![record(Source::S3, None, None, done())]);
        assert_eq!(batch.response().unwrap()["done"], 1);
    }

    #[tokio::test]
    async fn a_panic_is_the_retry_of_one_record() {
        let invocation = Invocation::local("1");
        let fate = isolated(&invocation, async { panic!("decoder") }).await;
        assert_eq!(fate, Fate::retry("panic", "the worker panicked: decoder"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_record_leaves_time_to_answer() {
        let mut invocation = Invocation::local("1");
        invocation.clock = Clock::from_fn(|| 1_000);
        invocation.deadline = Some(3_000);
        let fate = isolated(&invocation, std::future::pending()).await;
        assert_eq!(fate.kind(), "no-time");
        invocation.deadline = Some(1_100);
        let fate = isolated(&invocation, async { done() }).await;
        assert_eq!(fate.kind(), "no-time");
    }

    #[tokio::test]
    async fn lanes_run_side_by_side_and_items_of_a_lane_in_order() {
        let running = AtomicUsize::new(0);
        let most = AtomicUsize::new(0);
        let items = vec![("a", 1), ("b", 2), ("a", 3), ("c", 4)];
        let results = in_lanes(
            items.clone(),
            2,
            |(lane, _)| *lane,
            |item| {
                let (running, most) = (&running, &most);
                async move {
                    most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                    tokio::task::yield_now().await;
                    running.fetch_sub(1, SeqCst);
                    item
                }
            },
        )
        .await;
        assert_eq!(results, items);
        assert_eq!(most.load(SeqCst), 2);
    }

    proptest! {
        #[test]
        fn sequence_numbers_order_as_numbers(a in 0_u128.., b in 0_u128..) {
            prop_assert_eq!(by_number(&a.to_string(), &format!("00{b}")), a.cmp(&b));
        }
    }
}
