//! All that the worker does in AWS: SES sends, DynamoDB remembers.

mod ses;
#[cfg(test)]
mod tests;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use fleet::clock::Clock;
use fleet::env::{self, EnvError, Variables};
use fleet_dynamodb::{DynamoClaims, DynamoRejections, DynamoTable};
use welcome_mail::{Config, WelcomeWorker};

use self::ses::SesMailer;

/// The names of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tables {
    /// Keeps the claims.
    claims: String,
    /// Keeps the rejections.
    rejections: String,
    /// Says which addresses are suppressed; none are if `None`.
    addresses: Option<String>,
}

impl Tables {
    /// Reads the variables. One table serves claims and rejections where only the first is named.
    pub(crate) fn from_env(variables: &impl Variables) -> Result<Self, EnvError> {
        let claims = env::required(
            variables,
            "CLAIMS_TABLE",
            "the name of the DynamoDB table that keeps the claims",
        )?;
        Ok(Self {
            rejections: env::optional(variables, "REJECTIONS_TABLE")
                .unwrap_or_else(|| claims.clone()),
            addresses: env::optional(variables, "ADDRESSES_TABLE"),
            claims,
        })
    }
}

/// The worker on AWS.
pub(crate) type AwsWorker = WelcomeWorker<SesMailer, DynamoTable, DynamoClaims, DynamoRejections>;

/// Makes the worker.
pub(crate) fn worker(config: Config, tables: &Tables, sdk: &SdkConfig) -> AwsWorker {
    let dynamo = Client::new(sdk);
    let addresses = |name: &String| DynamoTable::new(dynamo.clone(), name, "address", None);
    WelcomeWorker::new(
        config,
        SesMailer::new(sdk),
        tables.addresses.as_ref().map(addresses),
        DynamoClaims::new(dynamo.clone(), &tables.claims),
        DynamoRejections::new(dynamo.clone(), &tables.rejections),
        Clock::system(),
    )
}
