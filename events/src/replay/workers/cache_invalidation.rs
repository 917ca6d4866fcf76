//! Pages of posts that changed.

use cache_invalidation::{CacheWorker, Config, is_of_a_post};

use super::WorkerEntry;

pub(super) const ENTRY: WorkerEntry = WorkerEntry {
    name: "cache-invalidation",
    takes: "records of the posts table's DynamoDB stream",
    recognises: is_of_a_post,
    takes_the_rest_of: &[],
    environment: &[("DISTRIBUTION_ID", "E1EXAMPLE")],
    start: |stand_ins, environment| {
        let config = Config::from_env(environment).map_err(|error| error.to_string())?;
        Ok(Box::new(CacheWorker::new(
            config,
            stand_ins.cache.clone(),
            stand_ins.rejections.clone(),
        )))
    },
};
