//! What the worker is told by its environment.

use std::time::Duration;

use fleet::env::{self, EnvError, Variables};

/// How long a removed photo is remembered. Its older events may come for 23 days out of SNS, then for 14 days out of a
/// queue, then for 14 days out of its dead letters.
const DEFAULT_TOMBSTONE_DAYS: u64 = 90;

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

/// The worker's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The folder that the owners' folders lie in: `users/`. Empty when they lie at the root.
    pub owner_prefix: String,
    /// How long a removed photo is remembered.
    pub tombstone_retention: Duration,
}

/// The configuration is wrong: the worker does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable cannot be read.
    #[error(transparent)]
    Env(#[from] EnvError),
    /// A photo that is forgotten at once could come back.
    #[error("the environment variable TOMBSTONE_DAYS must be at least 1")]
    NoTombstones,
}

impl Config {
    /// Reads the configuration. Nothing is required; the crate's README lists the variables.
    pub fn from_env(variables: &impl Variables) -> Result<Self, ConfigError> {
        let days = env::parsed::<u64>(variables, "TOMBSTONE_DAYS", "a number of days")?
            .unwrap_or(DEFAULT_TOMBSTONE_DAYS);
        if days == 0 {
            return Err(ConfigError::NoTombstones);
        }
        let mut owner_prefix = env::optional(variables, "OWNER_PREFIX").unwrap_or_default();
        if !owner_prefix.is_empty() && !owner_prefix.ends_with('/') {
            owner_prefix.push('/');
        }
        Ok(Self {
            owner_prefix,
            tombstone_retention: Duration::from_secs(days.saturating_mul(SECONDS_A_DAY)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_required() {
        let config = Config::from_env(&[]).unwrap();
        assert_eq!(config.owner_prefix, "");
        assert_eq!(config.tombstone_retention, Duration::from_hours(90 * 24));
    }

    #[test]
    fn a_prefix_is_a_folder() {
        for prefix in ["users", "users/"] {
            let config = Config::from_env(&[("OWNER_PREFIX", prefix)]).unwrap();
            assert_eq!(config.owner_prefix, "users/");
        }
    }

    #[test]
    fn a_wrong_value_names_its_variable() {
        for value in ["0", "-1", "soon"] {
            let error = Config::from_env(&[("TOMBSTONE_DAYS", value)]).unwrap_err();
            assert!(error.to_string().contains("TOMBSTONE_DAYS"), "{error}");
        }
    }
}
