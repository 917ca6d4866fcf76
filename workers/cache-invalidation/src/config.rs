//! What the environment says.

use std::str::FromStr;

use fleet::env::{EnvError, Variables, list, parsed};

use crate::template::PathTemplate;

/// As many wildcards as may be in progress in one distribution.
pub(crate) const MAX_TEMPLATES: usize = 15;

/// Times [`MAX_TEMPLATES`] as many paths as may be in progress.
pub(crate) const MAX_WILDCARD_ABOVE: usize = 200;

const DEFAULT_WILDCARD_ABOVE: usize = 10;

/// Both spellings of a page: "invalidate the directory both with and without a trailing slash", and the root both as it is
/// asked for and as the object that answers, says CloudFront's guide.
const DEFAULT_PATHS: [&str; 8] = [
    "/",
    "/index.html",
    "/feed.xml",
    "/sitemap.xml",
    "/posts/{slug}",
    "/posts/{slug}/",
    "/tags/{tag}",
    "/authors/{author}",
];

/// What the worker invalidates. The README lists the variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The CloudFront distribution's id.
    pub distribution: String,
    /// Where a post shows: 1 to 15 templates.
    pub paths: Vec<PathTemplate>,
    /// From how many paths of a kind on a wildcard is taken instead: more than this, 1 to 200.
    pub wildcard_above: usize,
}

/// The environment is wrong: the worker must not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable is missing or cannot be read.
    #[error(transparent)]
    Env(#[from] EnvError),
}

impl Config {
    /// Reads the variables.
    pub fn from_env(variables: &impl Variables) -> Result<Self, ConfigError> {
        const DISTRIBUTION: &str = "the id of a CloudFront distribution, such as E1EXAMPLE";
        const PATHS: &str = "1 to 15 paths that begin with /, separated by commas, each with at most one {slug}, {tag} or {author}";
        let distribution = parsed::<Distribution>(variables, "DISTRIBUTION_ID", DISTRIBUTION)?
            .ok_or(EnvError::Missing {
                name: "DISTRIBUTION_ID",
                expected: DISTRIBUTION,
            })?;
        let paths = list::<PathTemplate>(variables, "POST_PATHS", PATHS)?;
        let too_many = paths
            .as_ref()
            .is_some_and(|paths| paths.len() > MAX_TEMPLATES);
        if too_many {
            let invalid = EnvError::Invalid {
                name: "POST_PATHS",
                expected: PATHS,
                reason: "there are too many".to_owned(),
            };
            return Err(invalid.into());
        }
        let wildcard_above = parsed::<Above>(
            variables,
            "WILDCARD_ABOVE",
            "a number of paths from 1 to 200",
        )?;
        Ok(Self {
            distribution: distribution.0,
            paths: match paths {
                Some(paths) => paths,
                None => list(&Defaults, "POST_PATHS", PATHS)?.unwrap_or_default(),
            },
            wildcard_above: wildcard_above.map_or(DEFAULT_WILDCARD_ABOVE, |above| above.0),
        })
    }
}

/// The paths where none are named, read as those that are.
struct Defaults;

impl Variables for Defaults {
    fn get(&self, _: &str) -> Option<String> {
        Some(DEFAULT_PATHS.join(","))
    }
}

struct Distribution(String);

impl FromStr for Distribution {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text.len() > 64 || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err("it has another character than letters and digits or is too long");
        }
        Ok(Self(text.to_owned()))
    }
}

struct Above(usize);

impl FromStr for Above {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let above: usize = text.parse().map_err(|error| format!("{error}"))?;
        if (1..=MAX_WILDCARD_ABOVE).contains(&above) {
            Ok(Self(above))
        } else {
            Err("it is out of range".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISTRIBUTION: (&str, &str) = ("DISTRIBUTION_ID", "E1EXAMPLE");

    #[test]
    fn the_distribution_is_enough() {
        let config = Config::from_env(&[DISTRIBUTION]).unwrap();
        assert_eq!(config.distribution, "E1EXAMPLE");
        assert_eq!(config.paths.len(), DEFAULT_PATHS.len());
        assert_eq!(config.wildcard_above, 10);
    }

    #[test]
    fn every_variable_is_read() {
        let paths = ("POST_PATHS", "/, /blog/{slug}.html");
        let config = Config::from_env(&[DISTRIBUTION, paths, ("WILDCARD_ABOVE", "200")]).unwrap();
        let expected: Vec<PathTemplate> = ["/", "/blog/{slug}.html"]
            .map(|text| text.parse().unwrap())
            .into();
        assert_eq!((config.paths, config.wildcard_above), (expected, 200));
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let many = vec!["/"; MAX_TEMPLATES + 1].join(",");
        for (name, value) in [
            ("DISTRIBUTION_ID", ""),
            ("DISTRIBUTION_ID", "arn:aws:cloudfront::1:distribution/E1"),
            ("POST_PATHS", "/posts/*"),
            ("POST_PATHS", many.as_str()),
            ("WILDCARD_ABOVE", "0"),
            ("WILDCARD_ABOVE", "201"),
            ("WILDCARD_ABOVE", "many"),
        ] {
            let distribution = if name == DISTRIBUTION.0 {
                (name, value)
            } else {
                DISTRIBUTION
            };
            let error = Config::from_env(&[distribution, (name, value)]).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
