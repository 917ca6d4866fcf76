//! The thumbnail worker as an AWS Lambda function.

mod sns;

use std::process::ExitCode;

use fleet::env::ProcessEnvironment;
use fleet_s3::S3Objects;
use thumbnails::{Config, ThumbnailWorker};

use crate::sns::SnsTopic;

fn main() -> ExitCode {
    fleet_lambda::start(async || {
        let config = Config::from_env(&ProcessEnvironment)?;
        let sdk = fleet_lambda::sdk_config().await;
        let topic = config.photo_ready_topic.clone();
        let topic = topic.map(|topic| SnsTopic::new(&sdk, topic));
        Ok(ThumbnailWorker::new(config, S3Objects::new(&sdk), topic))
    })
}
