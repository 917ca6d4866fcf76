//! What the worker is told by its environment.

use fleet::env::{self, EnvError, Variables};

use crate::address::Addresses;

/// How many lines of a batch are written at once by default: a batch of SQS has ten messages unless a window is set.
const DEFAULT_CONCURRENCY: usize = 8;

/// The worker's configuration. The README lists the variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The bucket of the lines and of what is rejected.
    pub audit_bucket: String,
    /// How much of the address that a request came from is recorded.
    pub addresses: Addresses,
    /// How many lines are written at once.
    pub concurrency: usize,
}

/// The configuration is wrong: the worker does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable is missing or cannot be read.
    #[error(transparent)]
    Env(#[from] EnvError),
}

impl Config {
    /// Reads the variables.
    pub fn from_env(variables: &impl Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            audit_bucket: env::required(
                variables,
                "AUDIT_BUCKET",
                "the name of the bucket that the audit is written to",
            )?,
            addresses: env::parsed(variables, "AUDIT_ADDRESSES", "network, full or none")?
                .unwrap_or_default(),
            concurrency: env::parsed(variables, "AUDIT_CONCURRENCY", "a number of lines")?
                .unwrap_or(DEFAULT_CONCURRENCY),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_variable_is_enough() {
        let config = Config::from_env(&[("AUDIT_BUCKET", "audit")]).unwrap();
        assert_eq!(config.audit_bucket, "audit");
        assert_eq!(config.addresses, Addresses::Network);
        assert_eq!(config.concurrency, 8);
    }

    #[test]
    fn every_variable_is_read() {
        let config = Config::from_env(&[
            ("AUDIT_BUCKET", "audit"),
            ("AUDIT_ADDRESSES", "full"),
            ("AUDIT_CONCURRENCY", "2"),
        ])
        .unwrap();
        assert_eq!(config.addresses, Addresses::Full);
        assert_eq!(config.concurrency, 2);
    }

    #[test]
    fn a_wrong_variable_is_named() {
        insta::assert_snapshot!(
            Config::from_env(&[]).unwrap_err(),
            @"the environment variable AUDIT_BUCKET is not set: it must be the name of the bucket that the audit is written to"
        );
        insta::assert_snapshot!(
            Config::from_env(&[("AUDIT_BUCKET", "audit"), ("AUDIT_ADDRESSES", "some")]).unwrap_err(),
            @"the environment variable AUDIT_ADDRESSES must be network, full or none: it is none of them"
        );
    }
}
