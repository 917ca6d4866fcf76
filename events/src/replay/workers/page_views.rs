//! Views, counted.

use fleet::delivery::Source;
use page_views::{Config, PageViewsWorker};

use super::WorkerEntry;

pub(super) const ENTRY: WorkerEntry = WorkerEntry {
    name: "page-views",
    takes: "records of a Kinesis stream of page views",
    recognises: |delivery| delivery.source == Source::Kinesis,
    takes_the_rest_of: &[],
    environment: &[],
    start: |stand_ins, environment| {
        let config = Config::from_env(environment).map_err(|error| error.to_string())?;
        Ok(Box::new(PageViewsWorker::new(
            config,
            stand_ins.table("views"),
            stand_ins.rejections.clone(),
        )))
    },
};
