//! Thumbnails of photos.

use fleet::delivery::Source;
use fleet::notice;
use thumbnails::{Config, ThumbnailWorker};

use super::WorkerEntry;

pub(super) const ENTRY: WorkerEntry = WorkerEntry {
    name: "thumbnails",
    takes: "S3 notifications by any route: direct, SNS, SQS, EventBridge",
    recognises: |delivery| notice::read(delivery.payload()).is_ok(),
    takes_the_rest_of: &[Source::S3, Source::Sns, Source::Sqs, Source::EventBridge],
    environment: &[
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048"),
        ("THUMBNAILS_BUCKET", "myblog-thumbnails"),
    ],
    start: |stand_ins, environment| {
        let config = Config::from_env(environment).map_err(|error| error.to_string())?;
        let objects = stand_ins.objects.clone();
        let topic = Some(stand_ins.topic.clone());
        Ok(Box::new(ThumbnailWorker::new(config, objects, topic)))
    },
};
