//! What the environment says.

use std::num::ParseIntError;
use std::str::FromStr;
use std::time::Duration;

use fleet::env::{EnvError, Variables, parsed};

use crate::standing::MAX_TRANSIENTS;

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

/// How the worker judges. The README lists the variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How long a settled claim is remembered.
    pub claim_retention: Duration,
    /// From when on transient bounces suppress an address; never if `None`.
    pub transient_limit: Option<TransientLimit>,
}

/// So many transient bounces within so long a time suppress an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransientLimit {
    /// How many, 2 to 32.
    pub bounces: usize,
    /// Within which time, up to the newest of them.
    pub window: Duration,
}

/// The environment is wrong: the worker must not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable cannot be read.
    #[error(transparent)]
    Env(#[from] EnvError),
}

impl Config {
    /// Reads the variables.
    pub fn from_env(variables: &impl Variables) -> Result<Self, ConfigError> {
        // As the worker whose claims these are: a stream delivers a subscriber again for a day.
        let retention = parsed::<Ranged<2, 36_500>>(
            variables,
            "CLAIM_RETENTION_DAYS",
            "a number of days from 2 to 36500",
        )?;
        let bounces = parsed::<Ranged<2, { MAX_TRANSIENTS as u64 }>>(
            variables,
            "TRANSIENT_LIMIT",
            "a number of bounces from 2 to 32, because one alone suppresses nobody",
        )?;
        let window = parsed::<Ranged<1, 365>>(
            variables,
            "TRANSIENT_WINDOW_DAYS",
            "a number of days from 1 to 365",
        )?;
        let days = |value: Option<u64>, default| {
            Duration::from_secs(value.unwrap_or(default) * SECONDS_A_DAY)
        };
        Ok(Self {
            claim_retention: days(retention.map(|value| value.0), 365),
            transient_limit: bounces.map(|bounces| TransientLimit {
                bounces: usize::try_from(bounces.0).unwrap_or(MAX_TRANSIENTS),
                window: days(window.map(|value| value.0), 30),
            }),
        })
    }
}

/// A number between two others, both allowed.
struct Ranged<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> FromStr for Ranged<MIN, MAX> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let value: u64 = text
            .parse()
            .map_err(|error: ParseIntError| error.to_string())?;
        if (MIN..=MAX).contains(&value) {
            Ok(Self(value))
        } else {
            Err("it is out of range".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_variables_transient_bounces_suppress_nobody() {
        let config = Config::from_env(&[]).unwrap();
        assert_eq!(config.transient_limit, None);
        assert_eq!(config.claim_retention, Duration::from_hours(365 * 24));
    }

    #[test]
    fn every_variable_is_read() {
        let config = Config::from_env(&[
            ("CLAIM_RETENTION_DAYS", "2"),
            ("TRANSIENT_LIMIT", "5"),
            ("TRANSIENT_WINDOW_DAYS", "7"),
        ]);
        let limit = TransientLimit {
            bounces: 5,
            window: Duration::from_hours(7 * 24),
        };
        assert_eq!(
            config,
            Ok(Config {
                claim_retention: Duration::from_hours(48),
                transient_limit: Some(limit),
            })
        );
    }

    #[test]
    fn a_wrong_variable_is_named() {
        for (name, value) in [
            ("CLAIM_RETENTION_DAYS", "1"),
            ("TRANSIENT_LIMIT", "1"),
            ("TRANSIENT_LIMIT", "33"),
            ("TRANSIENT_LIMIT", "often"),
            ("TRANSIENT_WINDOW_DAYS", "0"),
        ] {
            let error = Config::from_env(&[(name, value)]).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
