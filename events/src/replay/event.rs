//! What a replay tells of each event, and of all.
//!
//! These structures are the output of `flotilla replay --json`. Fields are added, never renamed or removed, unless
//! [`Replay::VERSION`] is raised.

use std::borrow::Cow;

use fleet::batch::{Handled, Record};
use fleet::report::{Count, Report, ReportedRecord};
use serde::Serialize;
use serde_json::Value;

use super::history::Past;
use crate::stand_ins::{Effect, EffectKind};

/// A whole replay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replay {
    /// The version of this form.
    pub version: u32,
    /// The AWS whose functions handled the events, for people; missing when the workers ran in process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// Every event, in the order in which they were replayed.
    pub events: Vec<ReplayedEvent>,
    /// Sums over all events.
    pub totals: Totals,
    /// The folders that source objects were read from.
    pub objects: Vec<String>,
    /// The report's path.
    pub report: String,
}

/// One event, replayed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplayedEvent {
    /// The file that it came from.
    pub file: String,
    /// Its place in the file, from 0.
    pub index: usize,
    /// The worker that handled it; `null` when no worker takes it.
    pub worker: Option<&'static str>,
    /// What would have invoked the function: `sqs`, `dynamodb`, ...
    pub source: String,
    /// The wrappings, outermost first: `sqs/sns/s3`.
    pub route: String,
    /// What became of each record, in the order of the event.
    pub records: Vec<ReplayedRecord>,
    /// What changed. Empty when the event was replayed into the same output folder before, and when a deployed function
    /// handled it: what changed lies in its AWS.
    pub effects: Vec<Effect>,
    /// What a deployed function counted: `ThumbnailsWritten`, ...; missing when the worker ran in process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<Vec<Count>>,
    /// What the function would have answered; `null` when it would have failed.
    pub response: Option<Value>,
    /// Why the function would have failed, so that the whole event is delivered again; `null` when it would not.
    pub error: Option<String>,
    /// How long it took, in milliseconds.
    pub elapsed_ms: f64,
    /// What this and earlier replays of the same event did, for the report.
    #[serde(skip)]
    pub past: Past,
    /// The event as it came, for the report.
    #[serde(skip)]
    pub event: Value,
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplayedRecord {
    /// What the source calls it: an SQS message id, a stream's sequence number.
    pub id: Option<String>,
    /// What it is about.
    pub subject: String,
    /// `done`, `rejected` or `retry`.
    pub fate: &'static str,
    /// `applied`, `duplicate`, `superseded` or `skipped`, or the kind of the failure.
    pub kind: Cow<'static, str>,
    /// In words.
    pub reason: String,
}

/// Sums over all events.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Events.
    pub events: usize,
    /// Records.
    pub records: usize,
    /// Records that are done.
    pub done: usize,
    /// Records that will never succeed.
    pub rejected: usize,
    /// Records that are left to retry.
    pub retry: usize,
    /// Changes of any kind.
    pub effects: usize,
    /// Objects written.
    pub objects_written: usize,
    /// Objects deleted.
    pub objects_deleted: usize,
    /// Mails sent.
    pub mails_sent: usize,
    /// Rejected records kept.
    pub rejections_kept: usize,
    /// Items of tables written.
    pub items_written: usize,
    /// Events published to topics.
    pub events_published: usize,
    /// Invalidations of cached paths.
    pub paths_invalidated: usize,
    /// Milliseconds spent in the workers.
    pub elapsed_ms: f64,
}

impl Replay {
    /// The version of the machine form.
    pub const VERSION: u32 = 1;

    /// Whether nothing is left to retry.
    pub fn is_finished(&self) -> bool {
        self.totals.retry == 0
    }
}

impl ReplayedEvent {
    /// An event before it was handled.
    pub(crate) fn unhandled(file: &str, index: usize) -> Self {
        Self {
            file: file.to_owned(),
            index,
            worker: None,
            source: "unknown".to_owned(),
            route: "unknown".to_owned(),
            records: Vec::new(),
            effects: Vec::new(),
            counts: None,
            response: None,
            error: None,
            elapsed_ms: 0.0,
            past: Past::default(),
            event: Value::Null,
        }
    }

    /// Adds what the worker said.
    pub(crate) fn answered(&mut self, handled: &Handled) {
        self.records = handled.records.iter().map(ReplayedRecord::of).collect();
        match handled.response() {
            Ok(response) => self.response = Some(response),
            Err(unfinished) => self.error = Some(unfinished.to_string()),
        }
    }

    /// Makes the event one record that no worker could be asked about.
    pub(crate) fn rejected(&mut self, kind: &'static str, reason: String) {
        self.records = vec![ReplayedRecord {
            id: None,
            subject: self.file.clone(),
            fate: "rejected",
            kind: kind.into(),
            reason,
        }];
    }

    /// Adds what a deployed function said.
    pub(crate) fn reported(&mut self, report: Report) {
        self.records = report
            .records
            .into_iter()
            .map(ReplayedRecord::from)
            .collect();
        self.counts = Some(report.counts);
        self.response = report.response;
        self.error = report.error;
        self.elapsed_ms = report.elapsed_ms;
    }

    /// Makes the event one record whose fate nobody knows: a deployed function was to handle it and did not say that it
    /// had.
    pub(crate) fn unanswered(&mut self, kind: &'static str, reason: String) {
        self.rejected(kind, reason);
        for record in &mut self.records {
            record.fate = "retry";
        }
        self.counts = Some(Vec::new());
    }

    /// How many records met the fate of that name.
    pub fn count(&self, fate: &str) -> usize {
        self.records
            .iter()
            .filter(|record| record.fate == fate)
            .count()
    }
}

impl ReplayedRecord {
    fn of(record: &Record) -> Self {
        Self {
            id: record.id.clone(),
            subject: record.subject.clone(),
            fate: record.fate.name(),
            kind: record.fate.kind().into(),
            reason: record.fate.reason().to_owned(),
        }
    }
}

impl From<ReportedRecord> for ReplayedRecord {
    fn from(record: ReportedRecord) -> Self {
        Self {
            id: record.id,
            subject: record.subject,
            fate: match record.fate.as_str() {
                "done" => "done",
                "rejected" => "rejected",
                // Whatever a newer worker may say: it is not known to be finished.
                _ => "retry",
            },
            kind: record.kind.into(),
            reason: record.reason,
        }
    }
}

impl Totals {
    /// The sums over `events`.
    pub fn of(events: &[ReplayedEvent]) -> Self {
        let fates = |fate: &str| events.iter().map(|event| event.count(fate)).sum();
        let effects = |kind: EffectKind| {
            let all = events.iter().flat_map(|event| &event.effects);
            all.filter(|effect| effect.kind == kind).count()
        };
        Self {
            events: events.len(),
            records: events.iter().map(|event| event.records.len()).sum(),
            done: fates("done"),
            rejected: fates("rejected"),
            retry: fates("retry"),
            effects: events.iter().map(|event| event.effects.len()).sum(),
            objects_written: effects(EffectKind::ObjectWritten),
            objects_deleted: effects(EffectKind::ObjectDeleted),
            mails_sent: effects(EffectKind::MailSent),
            rejections_kept: effects(EffectKind::RejectionKept),
            items_written: effects(EffectKind::ItemWritten),
            events_published: effects(EffectKind::EventPublished),
            paths_invalidated: effects(EffectKind::PathsInvalidated),
            elapsed_ms: rounded(events.iter().map(|event| event.elapsed_ms).sum()),
        }
    }
}

/// Milliseconds with one decimal: more would be noise.
pub(crate) fn rounded(milliseconds: f64) -> f64 {
    (milliseconds * 10.0).round() / 10.0
}
