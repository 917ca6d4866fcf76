//! A thumbnail worker over a store in memory, photos in it, and the notices that tell of them.

use std::sync::Arc;

use fixtures::encode::{self, JpegOptions};
use fleet::batch::Handled;
use fleet::testing::MemoryObjects;
use fleet::worker::{Invocation, Worker as _};
use serde_json::{Value, json};
use thumbnails::{Config, Manifest, ThumbnailWorker};

use crate::announcements::Announcements;

pub(crate) const UPLOADS: &str = "uploads";
pub(crate) const THUMBNAILS: &str = "thumbs";

/// The worker under test, its store and its topic.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) objects: MemoryObjects,
    pub(crate) announcements: Announcements,
    worker: Arc<ThumbnailWorker<MemoryObjects, Announcements>>,
}

impl Desk {
    /// Two small sizes, so that tests are quick.
    pub(crate) fn new() -> Self {
        Self::with("64,32", MemoryObjects::default())
    }

    pub(crate) fn with(sizes: &str, objects: MemoryObjects) -> Self {
        let announcements = Announcements::default();
        let announcer = Some(announcements.clone());
        Self::telling(sizes, objects, announcements, announcer)
    }

    /// A worker without a topic.
    pub(crate) fn silent() -> Self {
        let announcements = Announcements::default();
        Self::telling("64,32", MemoryObjects::default(), announcements, None)
    }

    fn telling(
        sizes: &str,
        objects: MemoryObjects,
        announcements: Announcements,
        announcer: Option<Announcements>,
    ) -> Self {
        let config = Config::from_env(&[
            ("THUMBNAILS_BUCKET", THUMBNAILS),
            ("THUMBNAIL_SIZES", sizes),
            ("SOURCE_PREFIX", "photos/"),
        ])
        .unwrap();
        Self {
            worker: Arc::new(ThumbnailWorker::new(config, objects.clone(), announcer)),
            announcements,
            objects,
        }
    }

    pub(crate) async fn handle(&self, event: Value) -> Handled {
        self.worker
            .handle(event, &Invocation::local("request"))
            .await
    }

    /// Handles one change alone and says its fate as `fate/kind`.
    pub(crate) async fn fate(&self, record: Value) -> String {
        let handled = self.handle(json!({ "Records": [record] })).await;
        fates(&handled).remove(0)
    }

    pub(crate) fn manifest(&self, key: &str) -> Option<Manifest> {
        let object = self
            .objects
            .object(THUMBNAILS, &format!("manifests/{UPLOADS}/{key}.json"))?;
        Some(serde_json::from_slice(&object.bytes).unwrap())
    }

    /// Every key of the thumbnails bucket under a prefix.
    pub(crate) fn keys(&self, prefix: &str) -> Vec<String> {
        let keys = self.objects.keys(THUMBNAILS);
        keys.into_iter()
            .filter(|key| key.starts_with(prefix))
            .collect()
    }
}

pub(crate) fn fates(handled: &Handled) -> Vec<String> {
    let name =
        |record: &fleet::batch::Record| format!("{}/{}", record.fate.name(), record.fate.kind());
    handled.records.iter().map(name).collect()
}

/// The message ids that the response asks to be delivered again.
pub(crate) fn redelivered(handled: &Handled) -> Vec<String> {
    let response = handled.response().unwrap();
    let failures = response["batchItemFailures"].as_array().unwrap();
    failures
        .iter()
        .map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn jpeg(seed: u64) -> Vec<u8> {
    encode::jpeg(&fixtures::photo(96, 72, seed), &JpegOptions::default())
}

/// A record of S3, as it comes straight from S3.
pub(crate) fn record(name: &str, key: &str, version: Option<&str>, sequencer: &str) -> Value {
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": name,
        "s3": {
            "bucket": {"name": UPLOADS},
            "object": {"key": key, "versionId": version, "sequencer": sequencer},
        },
    })
}

pub(crate) fn created(key: &str, version: &str, sequencer: &str) -> Value {
    record("ObjectCreated:Put", key, Some(version), sequencer)
}

pub(crate) fn marked_deleted(key: &str, sequencer: &str) -> Value {
    record(
        "ObjectRemoved:DeleteMarkerCreated",
        key,
        Some("marker"),
        sequencer,
    )
}

/// An SQS message.
pub(crate) fn message(id: &str, body: impl Into<String>) -> Value {
    json!({
        "messageId": id,
        "receiptHandle": "handle",
        "body": body.into(),
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:thumbnails",
    })
}

/// An SQS message that carries one record of S3.
pub(crate) fn told(id: &str, record: &Value) -> Value {
    message(id, json!({ "Records": [record] }).to_string())
}
