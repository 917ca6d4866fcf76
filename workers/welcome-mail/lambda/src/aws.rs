//! All that the worker does in AWS: SES sends, DynamoDB remembers.

mod ses;
#[cfg(test)]
mod tests;

use aws_config::SdkConfig;
use fleet::clock::Clock;
use fleet::env::{self, EnvError, Variables};
use fleet_dynamodb::{DynamoClaims, DynamoRejections};
use welcome_mail::{Config, WelcomeWorker};

use self::ses::SesMailer;

/// The name of the table that keeps the claims and the rejections.
pub(crate) fn claims_table(variables: &impl Variables) -> Result<String, EnvError> {
    env::required(
        variables,
        "CLAIMS_TABLE",
        "the name of the DynamoDB table that keeps the claims",
    )
}

/// The worker on AWS.
pub(crate) type AwsWorker = WelcomeWorker<SesMailer, DynamoClaims, DynamoRejections>;

/// Makes the worker; `table` keeps the claims and the rejections.
pub(crate) fn worker(config: Config, table: &str, sdk: &SdkConfig) -> AwsWorker {
    let dynamo = aws_sdk_dynamodb::Client::new(sdk);
    WelcomeWorker::new(
        config,
        SesMailer::new(sdk),
        DynamoClaims::new(dynamo.clone(), table),
        DynamoRejections::new(dynamo, table),
        Clock::system(),
    )
}
