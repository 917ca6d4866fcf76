//! The cache-invalidation worker as an AWS Lambda function.

mod aws;

use std::process::ExitCode;

use fleet::env::ProcessEnvironment;

fn main() -> ExitCode {
    fleet_lambda::start(async || {
        let config = cache_invalidation::Config::from_env(&ProcessEnvironment)?;
        let table = aws::rejections_table(&ProcessEnvironment)?;
        let sdk = fleet_lambda::sdk_config().await;
        Ok(aws::worker(config, &table, &sdk))
    })
}
