//! All that the worker does in AWS: CloudFront forgets, DynamoDB keeps what was rejected.

mod cloudfront;
#[cfg(test)]
mod tests;

use aws_config::SdkConfig;
use cache_invalidation::{CacheWorker, Config};
use fleet::env::{self, EnvError, Variables};
use fleet_dynamodb::DynamoRejections;

use self::cloudfront::CloudFront;

/// The name of the table that keeps the rejections.
pub(crate) fn rejections_table(variables: &impl Variables) -> Result<String, EnvError> {
    env::required(
        variables,
        "REJECTIONS_TABLE",
        "the name of the DynamoDB table that keeps rejected records",
    )
}

/// The worker on AWS.
pub(crate) type AwsWorker = CacheWorker<CloudFront, DynamoRejections>;

/// Makes the worker; `table` keeps the rejections.
pub(crate) fn worker(config: Config, table: &str, sdk: &SdkConfig) -> AwsWorker {
    let dynamo = aws_sdk_dynamodb::Client::new(sdk);
    let rejections = DynamoRejections::new(dynamo, table);
    CacheWorker::new(config, CloudFront::new(sdk), rejections)
}
