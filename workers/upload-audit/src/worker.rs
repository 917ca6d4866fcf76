//! The batch: every notice of an event, a line for each change, a fate for each record.

use std::collections::BTreeMap;

use fleet::batch::{self, Handled, Part, Record};
use fleet::delivery::{self, Delivery, Payload};
use fleet::fate::{Fate, Outcome};
use fleet::metrics::{Metric, Unit};
use fleet::notice::{self, NoticeError, Told};
use fleet::objects::{Condition, NewObject, Objects, ObjectsError};
use fleet::rejection::{ObjectRejections, Rejection, kept};
use fleet::worker::{Invocation, Worker};
use serde_json::Value;

use crate::config::Config;
use crate::entry::{Entry, EntryError, without_address};

const NAME: &str = "upload-audit";

/// Writes a line into `S` for each change of an object.
#[derive(Debug)]
pub struct AuditWorker<S> {
    config: Config,
    objects: S,
    rejections: ObjectRejections<S>,
}

/// A change, and the record that told of it.
struct Job {
    /// The record's place in the event.
    record: usize,
    subject: String,
    told: Told,
    entry: Result<Entry, Refused>,
}

/// Why there is no line for a change.
enum Refused {
    /// Not meant for the audit.
    Own,
    /// Not understood.
    Notice(NoticeError),
    /// No entry can be made of it.
    Entry(EntryError),
}

impl<S: Objects> AuditWorker<S> {
    /// A worker that writes to `objects`.
    pub fn new(config: Config, objects: S) -> Self {
        Self {
            rejections: ObjectRejections {
                objects: objects.clone(),
                bucket: config.audit_bucket.clone(),
            },
            objects,
            config,
        }
    }

    fn job(&self, record: usize, route: &str, told: Told) -> Job {
        let (subject, entry) = match &told.change {
            // A bucket that audits itself never ends.
            Ok(change) if change.bucket == self.config.audit_bucket => {
                (uri(&change.bucket, &change.key), Err(Refused::Own))
            }
            Ok(change) => {
                let entry = Entry::new(change, &told.record, route, self.config.addresses);
                let subject = uri(&change.bucket, &change.key);
                (subject, entry.map_err(Refused::Entry))
            }
            Err(error) => (
                "an S3 record".to_owned(),
                Err(Refused::Notice(error.clone())),
            ),
        };
        Job {
            record,
            subject,
            told,
            entry,
        }
    }

    async fn audit(&self, job: Job, invocation: &Invocation) -> Part {
        // On the heap, or the layout of the batch's future is nested deeper than the compiler follows.
        let work = Box::pin(async {
            let fate = match &job.entry {
                Ok(entry) => self.write(entry).await,
                Err(Refused::Own) => Fate::skipped("it is the audit's own bucket"),
                Err(Refused::Notice(error)) => Fate::rejected("not-a-notice", error.to_string()),
                Err(Refused::Entry(error)) => Fate::rejected("no-time", error.to_string()),
            };
            let identity = job.told.record.to_string();
            let record = without_address(job.told.record, self.config.addresses);
            self.keep(&job.subject, fate, record, &identity).await
        });
        let fate = batch::isolated(invocation, work).await;
        Part {
            delivery: job.record,
            subject: job.subject,
            fate,
        }
    }

    /// Writes a line under its own key, where nobody has written yet. Whatever stands there already tells of the same
    /// change, so it is left as it is.
    async fn write(&self, entry: &Entry) -> Fate {
        let object = NewObject {
            bucket: self.config.audit_bucket.clone(),
            key: entry.object_key(),
            bytes: entry.to_line().into(),
            content_type: "application/x-ndjson".to_owned(),
            cache_control: None,
            metadata: BTreeMap::new(),
        };
        let key = object.key.clone();
        match self.objects.put(object, Condition::Absent).await {
            Ok(_) => Fate::applied(format!("recorded as {key}")),
            Err(ObjectsError::ConditionFailed(_)) => {
                Fate::duplicate(format!("it was recorded before, as {key}"))
            }
            Err(error) => error.fate(),
        }
    }

    /// Keeps what is rejected where an operator finds it.
    async fn keep(&self, subject: &str, fate: Fate, record: Value, identity: &str) -> Fate {
        let Fate::Rejected(rejected) = &fate else {
            return fate;
        };
        let name = Rejection::name(NAME, [identity]);
        let rejection = Rejection::new(NAME, subject, rejected, record);
        kept(&self.rejections, &name, &rejection, fate).await
    }

    /// The record of a delivery that tells of no change at all.
    async fn without_changes(
        &self,
        delivery: &Delivery,
        notice: Result<(), NoticeError>,
        invocation: &Invocation,
    ) -> Record {
        let Err(error) = notice else {
            let fate = Fate::skipped("S3 sends this test event when a notification is set up");
            return Record::new(delivery, "s3:TestEvent", fate);
        };
        let fate = Fate::rejected("not-a-notice", error.to_string());
        let identity = match delivery.payload() {
            Payload::Text(text) => text.to_owned(),
            Payload::Json(_) | Payload::Missing(_) => delivery.scrubbed().to_string(),
        };
        let subject = "a record that is no S3 notification";
        let keep = Box::pin(self.keep(subject, fate, delivery.scrubbed(), &identity));
        let fate = batch::isolated(invocation, keep).await;
        Record::new(delivery, subject, fate)
    }
}

impl<S: Objects> Worker for AuditWorker<S> {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn handle(&self, event: Value, invocation: &Invocation) -> Handled {
        let deliveries = delivery::deliveries(event);
        let mut jobs = Vec::new();
        let mut records: Vec<Option<Record>> = Vec::with_capacity(deliveries.len());
        for (index, delivery) in deliveries.iter().enumerate() {
            match notice::read(delivery.payload()) {
                Ok(notice) if !notice.changes.is_empty() => {
                    let route = &notice.route;
                    let changes = notice.changes.into_iter();
                    jobs.extend(changes.map(|told| self.job(index, route, told)));
                    records.push(None);
                }
                other => {
                    let notice = other.map(|_| ());
                    let record = self.without_changes(delivery, notice, invocation).await;
                    records.push(Some(record));
                }
            }
        }
        let audited = batch::in_lanes(jobs, self.config.concurrency, lane, |job| {
            self.audit(job, invocation)
        })
        .await;
        let metrics = metrics(&audited);
        Handled {
            records: batch::joined(&deliveries, records, audited),
            metrics,
        }
    }
}

/// Two tellings of one change wait for each other, so that the second finds the first's line and not a conflict.
fn lane(job: &Job) -> String {
    job.entry.as_ref().map(Entry::name).unwrap_or_default()
}

fn uri(bucket: &str, key: &str) -> String {
    format!("s3://{bucket}/{key}")
}

fn metrics(audited: &[Part]) -> Vec<Metric> {
    let recorded = audited
        .iter()
        .filter(
            |audited| matches!(&audited.fate, Fate::Done(done) if done.outcome == Outcome::Applied),
        )
        .count();
    vec![Metric {
        name: "ChangesRecorded",
        unit: Unit::Count,
        value: f64::from(u32::try_from(recorded).unwrap_or(u32::MAX)),
    }]
}

#[cfg(test)]
mod tests;
