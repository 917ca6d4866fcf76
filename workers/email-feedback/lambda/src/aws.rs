//! All that the worker does in AWS: DynamoDB remembers.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use email_feedback::{Config, FeedbackWorker};
use fleet::clock::Clock;
use fleet::env::{self, EnvError, Variables};
use fleet_dynamodb::{DynamoClaims, DynamoRejections, DynamoTable};

/// The names of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tables {
    addresses: String,
    claims: String,
    rejections: String,
    subscribers: Option<String>,
}

impl Tables {
    /// Reads the variables.
    pub(crate) fn from_env(variables: &impl Variables) -> Result<Self, EnvError> {
        Ok(Self {
            addresses: env::required(
                variables,
                "ADDRESSES_TABLE",
                "the name of the DynamoDB table that keeps how addresses stand",
            )?,
            claims: env::required(
                variables,
                "CLAIMS_TABLE",
                "the name of the DynamoDB table that keeps the claims of whoever sends",
            )?,
            rejections: env::required(
                variables,
                "REJECTIONS_TABLE",
                "the name of the DynamoDB table that keeps rejected records",
            )?,
            subscribers: env::optional(variables, "SUBSCRIBERS_TABLE"),
        })
    }
}

/// The worker on AWS.
pub(crate) type AwsWorker =
    FeedbackWorker<DynamoTable, DynamoTable, DynamoClaims, DynamoRejections>;

/// Makes the worker.
pub(crate) fn worker(config: Config, tables: &Tables, sdk: &SdkConfig) -> AwsWorker {
    let dynamo = Client::new(sdk);
    let table = |name: &str, key| DynamoTable::new(dynamo.clone(), name, key, None);
    FeedbackWorker::new(
        config,
        table(&tables.addresses, "address"),
        tables.subscribers.as_ref().map(|name| table(name, "id")),
        DynamoClaims::new(dynamo.clone(), &tables.claims),
        DynamoRejections::new(dynamo.clone(), &tables.rejections),
        Clock::system(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_but_the_subscribers_must_be_named() {
        let all = [
            ("ADDRESSES_TABLE", "addresses"),
            ("CLAIMS_TABLE", "claims"),
            ("REJECTIONS_TABLE", "rejections"),
        ];
        let tables = Tables::from_env(&all).unwrap();
        assert_eq!(tables.subscribers, None);
        for missing in 0..all.len() {
            let mut some = all;
            some[missing].1 = "";
            let error = Tables::from_env(&some).unwrap_err();
            assert!(error.to_string().contains(all[missing].0), "{error}");
        }
        let [a, b, c] = all;
        let tables = Tables::from_env(&[a, b, c, ("SUBSCRIBERS_TABLE", "subscribers")]).unwrap();
        assert_eq!(tables.subscribers.as_deref(), Some("subscribers"));
    }
}
