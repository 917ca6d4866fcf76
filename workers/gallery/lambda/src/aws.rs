//! All that the worker does in AWS: two tables of DynamoDB.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use fleet::clock::Clock;
use fleet::env::{self, EnvError, Variables};
use fleet_dynamodb::{DynamoRejections, DynamoTable};
use gallery::{Config, GalleryWorker};

/// The partition key of the catalogue.
const PHOTO: &str = "photo";

/// The names of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tables {
    catalogue: String,
    rejections: String,
}

impl Tables {
    /// Reads the variables.
    pub(crate) fn from_env(variables: &impl Variables) -> Result<Self, EnvError> {
        Ok(Self {
            catalogue: env::required(
                variables,
                "CATALOGUE_TABLE",
                "the name of the DynamoDB table that lists photos",
            )?,
            rejections: env::required(
                variables,
                "REJECTIONS_TABLE",
                "the name of the DynamoDB table that keeps rejected records",
            )?,
        })
    }
}

/// Makes the worker.
pub(crate) fn worker(
    config: Config,
    tables: &Tables,
    sdk: &SdkConfig,
) -> GalleryWorker<DynamoTable, DynamoRejections> {
    let dynamo = Client::new(sdk);
    GalleryWorker::new(
        config,
        DynamoTable::new(dynamo.clone(), &tables.catalogue, PHOTO, None),
        DynamoRejections::new(dynamo, &tables.rejections),
        Clock::system(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tables_must_be_named() {
        let both = [
            ("CATALOGUE_TABLE", "catalogue"),
            ("REJECTIONS_TABLE", "rejections"),
        ];
        assert!(Tables::from_env(&both).is_ok());
        for missing in 0..both.len() {
            let mut one = both;
            one[missing].1 = "";
            let error = Tables::from_env(&one).unwrap_err();
            assert!(error.to_string().contains(both[missing].0), "{error}");
        }
    }
}
