//! The upload-audit worker as an AWS Lambda function.

use std::process::ExitCode;

use fleet::env::ProcessEnvironment;
use fleet_s3::S3Objects;
use upload_audit::{AuditWorker, Config};

fn main() -> ExitCode {
    fleet_lambda::start(async || {
        let config = Config::from_env(&ProcessEnvironment)?;
        let sdk = fleet_lambda::sdk_config().await;
        Ok(AuditWorker::new(config, S3Objects::new(&sdk)))
    })
}
