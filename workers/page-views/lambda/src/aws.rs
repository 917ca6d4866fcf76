//! All that the worker does in AWS: `DynamoDB` counts and keeps.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use fleet::env::{self, EnvError, Variables};
use fleet_dynamodb::{DynamoRejections, DynamoTable};
use page_views::{Config, PageViewsWorker};

/// The key of the views table.
const PARTITION_KEY: &str = "post";
const SORT_KEY: &str = "hour";

/// The names of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tables {
    /// Keeps the counters and the checkpoints.
    views: String,
    /// Keeps the rejections.
    rejections: String,
}

impl Tables {
    /// Reads the variables.
    pub(crate) fn from_env(variables: &impl Variables) -> Result<Self, EnvError> {
        Ok(Self {
            views: env::required(
                variables,
                "VIEWS_TABLE",
                "the name of the DynamoDB table that keeps the counters",
            )?,
            rejections: env::required(
                variables,
                "REJECTIONS_TABLE",
                "the name of the DynamoDB table that keeps the rejections",
            )?,
        })
    }
}

/// The worker on AWS.
pub(crate) type AwsWorker = PageViewsWorker<DynamoTable, DynamoRejections>;

/// Makes the worker.
pub(crate) fn worker(config: Config, tables: &Tables, sdk: &SdkConfig) -> AwsWorker {
    let client = Client::new(sdk);
    PageViewsWorker::new(
        config,
        DynamoTable::new(client.clone(), &tables.views, PARTITION_KEY, Some(SORT_KEY)),
        DynamoRejections::new(client, &tables.rejections),
    )
}
