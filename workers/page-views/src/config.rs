//! What the worker is told by its environment.

use std::str::FromStr;
use std::time::Duration;

use fleet::env::{self, EnvError, Variables};

use crate::recent::Remembered;

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

/// The worker's configuration. The README lists the variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What each shard remembers of the views it counted.
    pub remembered: Remembered,
    /// How long before its arrival in the stream a view may have happened.
    pub late: Duration,
}

/// The configuration is wrong: the worker does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable is missing or cannot be read.
    #[error(transparent)]
    Env(#[from] EnvError),
}

impl Config {
    /// Reads the variables. None is required.
    pub fn from_env(variables: &impl Variables) -> Result<Self, ConfigError> {
        // An item of DynamoDB holds 400 KB: 10,000 digests in as many minutes as there can be are 200 KB.
        let views = env::parsed::<Ranged<0, 10_000>>(
            variables,
            "REMEMBERED_VIEWS",
            "a number of views from 0 to 10000",
        )?;
        let minutes = env::parsed::<Ranged<1, 1_440>>(
            variables,
            "REMEMBERED_MINUTES",
            "a number of minutes from 1 to 1440",
        )?;
        let days = env::parsed::<Ranged<1, 365>>(
            variables,
            "LATE_DAYS",
            "a number of days from 1 to 365",
        )?;
        Ok(Self {
            remembered: Remembered {
                views: views.map_or(1_000, |views| {
                    usize::try_from(views.0).unwrap_or(usize::MAX)
                }),
                minutes: minutes.map_or(60, |minutes| minutes.0),
            },
            late: Duration::from_secs(days.map_or(7, |days| days.0) * SECONDS_A_DAY),
        })
    }
}

/// A number between two others, both allowed.
struct Ranged<const MIN: u64, const MAX: u64>(u64);

impl<const MIN: u64, const MAX: u64> FromStr for Ranged<MIN, MAX> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let value = text.parse::<u64>().map_err(|error| error.to_string())?;
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
    fn every_variable_has_a_default_and_is_read() {
        let config = Config::from_env(&[]).unwrap();
        let remembered = Remembered {
            views: 1_000,
            minutes: 60,
        };
        assert_eq!(config.remembered, remembered);
        assert_eq!(config.late, Duration::from_hours(7 * 24));
        let config = Config::from_env(&[
            ("REMEMBERED_VIEWS", "0"),
            ("REMEMBERED_MINUTES", "5"),
            ("LATE_DAYS", "1"),
        ])
        .unwrap();
        let remembered = Remembered {
            views: 0,
            minutes: 5,
        };
        assert_eq!(config.remembered, remembered);
        assert_eq!(config.late, Duration::from_hours(24));
    }

    #[test]
    fn a_wrong_variable_is_named() {
        for (name, value) in [
            ("REMEMBERED_VIEWS", "10001"),
            ("REMEMBERED_MINUTES", "0"),
            ("LATE_DAYS", "soon"),
        ] {
            let message = Config::from_env(&[(name, value)]).unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        }
    }
}
