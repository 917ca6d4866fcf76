//! Lines of a log, put together by the call that they are of.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fleet::clock::UnixMillis;

use super::line::Line;
use crate::logs::{Entry, Record, Sum};

/// How long a record waits for the line that sums its event up. A call that Lambda ended has none.
const PATIENCE: Duration = Duration::from_secs(2);

/// More records than this do not wait: 100 full batches.
const MAX_WAITING: usize = 1_000_000;

/// Records that wait for the sum of their event.
#[derive(Debug, Default)]
pub(super) struct Batches {
    waiting: BTreeMap<(String, String), Batch>,
    waiting_records: usize,
    ready: Vec<Line>,
}

#[derive(Debug)]
struct Batch {
    since: Instant,
    records: Vec<(UnixMillis, Record)>,
}

impl Batches {
    /// Adds what a worker said.
    pub(super) fn add(&mut self, worker: &str, at: UnixMillis, entry: Entry) {
        match entry {
            Entry::Record(record) => {
                let call = (worker.to_owned(), record.request_id.clone());
                let batch = self.waiting.entry(call).or_insert_with(|| Batch {
                    since: Instant::now(),
                    records: Vec::new(),
                });
                batch.records.push((at, record));
                self.waiting_records += 1;
            }
            Entry::Sum(sum) => {
                let call = (worker.to_owned(), sum.request_id.clone());
                if let Some(batch) = self.waiting.remove(&call) {
                    self.end(worker, batch, Some(&sum));
                }
            }
            Entry::Failure(failure) => self.ready.push(Line::failure(worker, at, failure)),
        }
    }

    /// What waits no more, by its time.
    pub(super) fn ready(&mut self) -> Vec<Line> {
        let all = self.waiting_records > MAX_WAITING;
        self.take(|batch| all || batch.since.elapsed() > PATIENCE)
    }

    /// All that there is, by its time.
    pub(super) fn rest(&mut self) -> Vec<Line> {
        self.take(|_| true)
    }

    fn take(&mut self, impatient: impl Fn(&Batch) -> bool) -> Vec<Line> {
        let waiting = std::mem::take(&mut self.waiting);
        for (call, batch) in waiting {
            if impatient(&batch) {
                self.end(&call.0, batch, None);
            } else {
                self.waiting.insert(call, batch);
            }
        }
        let mut lines = std::mem::take(&mut self.ready);
        lines.sort_by_key(|line| line.at);
        lines
    }

    fn end(&mut self, worker: &str, batch: Batch, sum: Option<&Sum>) {
        let records = batch.records.len();
        self.waiting_records = self.waiting_records.saturating_sub(records);
        for (index, (at, record)) in batch.records.into_iter().enumerate() {
            let mut line = Line::record(worker, at, records, record);
            if let Some(sum) = sum {
                line.elapsed_ms = Some(sum.elapsed_ms);
                // What the worker counted is of the whole event: told once.
                if index + 1 == records {
                    line.counts = sum.counts.iter().cloned().collect();
                }
            }
            self.ready.push(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(request_id: &str, subject: &str) -> Entry {
        Entry::Record(Record {
            request_id: request_id.to_owned(),
            source: "sqs".to_owned(),
            id: None,
            subject: subject.to_owned(),
            fate: "done".to_owned(),
            kind: "applied".to_owned(),
            reason: String::new(),
        })
    }

    fn sum(request_id: &str) -> Entry {
        Entry::Sum(Sum {
            request_id: request_id.to_owned(),
            elapsed_ms: 12.0,
            counts: vec![("ThumbnailsWritten".to_owned(), 4.0)],
        })
    }

    fn told(lines: &[Line]) -> Vec<(&str, Option<f64>, usize)> {
        lines
            .iter()
            .map(|line| {
                let subject = line.subject.as_deref().unwrap_or_default();
                (subject, line.elapsed_ms, line.counts.len())
            })
            .collect()
    }

    #[test]
    fn records_wait_for_the_sum_of_their_event() {
        let mut batches = Batches::default();
        batches.add("thumbnails", 1, record("r", "a"));
        batches.add("thumbnails", 2, record("other", "x"));
        batches.add("thumbnails", 2, record("r", "b"));
        assert_eq!(batches.ready(), []);
        batches.add("gallery", 3, sum("r"));
        assert_eq!(batches.ready(), [], "the sum of another worker's call");
        batches.add("thumbnails", 3, sum("r"));
        assert_eq!(
            told(&batches.ready()),
            [("a", Some(12.0), 0), ("b", Some(12.0), 1)]
        );
        assert_eq!(told(&batches.rest()), [("x", None, 0)]);
        assert_eq!(batches.rest(), []);
    }

    #[test]
    fn a_sum_that_comes_after_its_records_were_told_says_nothing() {
        let mut batches = Batches::default();
        batches.add("thumbnails", 1, record("r", "a"));
        assert_eq!(batches.rest().len(), 1);
        batches.add("thumbnails", 2, sum("r"));
        assert_eq!(batches.rest(), []);
    }
}
