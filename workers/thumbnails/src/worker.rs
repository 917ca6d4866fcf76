//! The batch: every notice of an event, photos side by side, a fate for each record.

use std::cmp::Reverse;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use fleet::batch::{self, Handled, Part, Record};
use fleet::delivery::{self, Delivery, Payload};
use fleet::fate::Fate;
use fleet::metrics::{Metric, Unit};
use fleet::notice::{self, ObjectChange, Told};
use fleet::objects::Objects;
use fleet::rejection::{ObjectRejections, Rejection, kept};
use fleet::worker::{Invocation, Worker};
use serde_json::Value;

use crate::announce::Announcer;
use crate::budget::{Budget, Sharing};
use crate::config::Config;
use crate::keys::PhotoKeys;
use crate::photo::{Photo, Work};
use crate::scratch::Scratch;

const NAME: &str = "thumbnails";

/// Makes thumbnails of photos in `S`, and tells of them by `A`.
#[derive(Debug)]
pub struct ThumbnailWorker<S, A> {
    config: Config,
    recipe: String,
    objects: S,
    announcer: Option<A>,
    rejections: ObjectRejections<S>,
    budget: Budget,
    /// Shared with decoding threads that outlive their call.
    scratch: Arc<Scratch>,
}

/// A change, and the record that told of it.
struct Job {
    record: usize,
    told: Told,
}

/// What became of a change.
struct Worked {
    part: Part,
    work: Work,
    announced: u64,
}

impl<S: Objects, A: Announcer> ThumbnailWorker<S, A> {
    /// A worker that reads photos from `objects` and writes thumbnails there. Without an `announcer` nobody is told.
    pub fn new(config: Config, objects: S, announcer: Option<A>) -> Self {
        Self {
            recipe: config.plan.recipe_hash(),
            rejections: ObjectRejections {
                objects: objects.clone(),
                bucket: config.thumbnails_bucket.clone(),
            },
            budget: Budget::new(config.memory_bytes),
            scratch: Arc::new(Scratch::new(config.memory_bytes)),
            objects,
            announcer,
            config,
        }
    }

    /// Works one change, and keeps it if it is rejected.
    async fn change(&self, job: Job, sharing: Sharing, invocation: &Invocation) -> Worked {
        let Told { change, record } = job.told;
        let announced = AtomicU64::new(0);
        let (subject, fate, identity, work) = match change {
            Ok(change) => {
                let photo = Photo {
                    config: &self.config,
                    recipe: &self.recipe,
                    objects: &self.objects,
                    announcer: self.announcer.as_ref(),
                    announced: &announced,
                    budget: &self.budget,
                    scratch: &self.scratch,
                    sharing,
                    keys: PhotoKeys::new(&change, &self.recipe),
                    change: &change,
                };
                let work = Mutex::new(Work::default());
                let fate = batch::isolated(invocation, async {
                    let (fate, done) = photo.work().await;
                    if let Ok(mut work) = work.lock() {
                        *work = done;
                    }
                    fate
                })
                .await;
                let work = work.into_inner().unwrap_or_default();
                (photo.subject(), fate, identity(&change), work)
            }
            Err(error) => (
                "an S3 record".to_owned(),
                Fate::rejected("not-a-notice", error.to_string()),
                vec![record.to_string()],
                Work::default(),
            ),
        };
        let fate = self.keep(&subject, fate, record, &identity).await;
        Worked {
            part: Part {
                delivery: job.record,
                subject,
                fate,
            },
            work,
            announced: announced.into_inner(),
        }
    }

    /// Keeps what is rejected where an operator finds it.
    async fn keep(&self, subject: &str, fate: Fate, record: Value, identity: &[String]) -> Fate {
        let Fate::Rejected(rejected) = &fate else {
            return fate;
        };
        let name = Rejection::name(NAME, identity.iter().map(String::as_str));
        let rejection = Rejection::new(NAME, subject, rejected, record);
        kept(&self.rejections, &name, &rejection, fate).await
    }

    /// The record of a delivery that tells of no change at all.
    async fn without_changes(
        &self,
        delivery: &Delivery,
        notice: Result<(), notice::NoticeError>,
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
        let fate = self
            .keep(subject, fate, delivery.scrubbed(), &[identity])
            .await;
        Record::new(delivery, subject, fate)
    }
}

impl<S: Objects, A: Announcer> Worker for ThumbnailWorker<S, A> {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn handle(&self, event: Value, invocation: &Invocation) -> Handled {
        let deliveries = delivery::deliveries(event);
        let mut jobs = Vec::new();
        let mut records: Vec<Option<Record>> = Vec::with_capacity(deliveries.len());
        for (index, delivery) in deliveries.iter().enumerate() {
            let read = notice::read(delivery.payload());
            match read {
                Ok(notice) if !notice.changes.is_empty() => {
                    jobs.extend(notice.changes.into_iter().map(|told| Job {
                        record: index,
                        told,
                    }));
                    records.push(None);
                }
                other => {
                    let record = self.without_changes(delivery, other.map(|_| ())).await;
                    records.push(Some(record));
                }
            }
        }

        // The newest change of a photo first: then the older ones in the same batch are superseded before their pixels
        // are touched. The sort is stable, so changes without a sequencer stay in their order.
        jobs.sort_by_key(|job| {
            Reverse(
                job.told
                    .change
                    .as_ref()
                    .ok()
                    .map(|change| change.sequencer.clone()),
            )
        });
        let lane = |job: &Job| match &job.told.change {
            Ok(change) => (change.bucket.clone(), change.key.clone()),
            Err(_) => (String::new(), String::new()),
        };
        let sharing = Sharing::new(jobs.len(), self.config.memory_bytes);
        let worked = batch::in_lanes(jobs, self.config.concurrency, lane, |job| {
            self.change(job, sharing, invocation)
        })
        .await;

        let announced = worked.iter().map(|worked| worked.announced).sum();
        let metrics = metrics(worked.iter().map(|worked| worked.work), announced);
        let parts = worked.into_iter().map(|worked| worked.part).collect();
        Handled {
            records: batch::joined(&deliveries, records, parts),
            metrics,
        }
    }
}

/// What makes two notices tell of the same change, whichever route and envelope they came by.
fn identity(change: &ObjectChange) -> Vec<String> {
    vec![
        change.bucket.clone(),
        change.key.clone(),
        change.version.clone().unwrap_or_default(),
        change.sequencer.to_string(),
        format!("{:?}", change.change),
    ]
}

fn metrics(work: impl Iterator<Item = Work>, announced: u64) -> Vec<Metric> {
    let total = work.fold(Work::default(), |total, work| Work {
        photos: total.photos + work.photos,
        thumbnails: total.thumbnails + work.thumbnails,
        source_bytes: total.source_bytes + work.source_bytes,
        downloaded_bytes: total.downloaded_bytes + work.downloaded_bytes,
        thumbnail_bytes: total.thumbnail_bytes + work.thumbnail_bytes,
    });
    #[expect(
        clippy::cast_precision_loss,
        reason = "metrics are floating point, and exact up to 2^53"
    )]
    let metric = |name, unit, value: u64| Metric {
        name,
        unit,
        value: value as f64,
    };
    vec![
        metric("PhotosWorked", Unit::Count, total.photos),
        metric("ThumbnailsWritten", Unit::Count, total.thumbnails),
        metric("SourceBytes", Unit::Bytes, total.source_bytes),
        metric("DownloadedBytes", Unit::Bytes, total.downloaded_bytes),
        metric("ThumbnailBytes", Unit::Bytes, total.thumbnail_bytes),
        metric("PhotosAnnounced", Unit::Count, announced),
    ]
}
