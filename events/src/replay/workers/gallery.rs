//! The catalogue of photos.

use fleet::clock::Clock;
use fleet::delivery::Source;
use gallery::{Config, GalleryWorker, is_photo_event};

use super::WorkerEntry;

pub(super) const ENTRY: WorkerEntry = WorkerEntry {
    name: "gallery",
    takes: "events of photos that are ready or removed, by SNS or SQS",
    recognises: |delivery| {
        let takes = [Source::Sqs, Source::Sns];
        takes.contains(&delivery.source) && is_photo_event(delivery.payload())
    },
    takes_the_rest_of: &[],
    environment: &[],
    start: |stand_ins, environment| {
        let config = Config::from_env(environment).map_err(|error| error.to_string())?;
        Ok(Box::new(GalleryWorker::new(
            config,
            stand_ins.table("catalogue"),
            stand_ins.rejections.clone(),
            Clock::system(),
        )))
    },
};
