//! The thumbnail worker as an AWS Lambda function.

mod aws;

use std::process::ExitCode;

use fleet::env::ProcessEnvironment;
use thumbnails::{Config, ThumbnailWorker};

use crate::aws::S3Objects;

fn main() -> ExitCode {
    fleet_lambda::start(async || {
        let config = Config::from_env(&ProcessEnvironment)?;
        let sdk = fleet_lambda::sdk_config().await;
        Ok(ThumbnailWorker::new(config, S3Objects::new(&sdk)))
    })
}
