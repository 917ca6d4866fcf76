//! The gallery worker as an AWS Lambda function.

mod aws;

use std::process::ExitCode;

use fleet::env::ProcessEnvironment;

fn main() -> ExitCode {
    fleet_lambda::start(async || {
        let config = gallery::Config::from_env(&ProcessEnvironment)?;
        let tables = aws::Tables::from_env(&ProcessEnvironment)?;
        let sdk = fleet_lambda::sdk_config().await;
        Ok(aws::worker(config, &tables, &sdk))
    })
}
