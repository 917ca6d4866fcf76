//! Configuration from environment variables, with errors that name the variable and what it should look like.

use std::fmt::Display;
use std::str::FromStr;

/// Where variables are looked up: the process's environment, or a table in a test.
pub trait Variables {
    /// The value of `name`, if it is set.
    fn get(&self, name: &str) -> Option<String>;
}

/// The environment of the process.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnvironment;

impl Variables for ProcessEnvironment {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl<const N: usize> Variables for [(&str, &str); N] {
    fn get(&self, name: &str) -> Option<String> {
        self.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    }
}

/// A variable is missing or cannot be read. The value itself is not repeated: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvError {
    /// A required variable is not set, or is empty.
    #[error("the environment variable {name} is not set: it must be {expected}")]
    Missing {
        /// The variable.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A variable cannot be read as what it should be.
    #[error("the environment variable {name} must be {expected}: {reason}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// The value of a variable that must be set. An empty value counts as not set: templates produce it from a missing one.
pub fn required(
    variables: &impl Variables,
    name: &'static str,
    expected: &'static str,
) -> Result<String, EnvError> {
    optional(variables, name).ok_or(EnvError::Missing { name, expected })
}

/// The value of a variable that may be left out.
pub fn optional(variables: &impl Variables, name: &str) -> Option<String> {
    variables.get(name).filter(|value| !value.trim().is_empty())
}

/// The value of a variable that may be left out, parsed.
pub fn parsed<T>(
    variables: &impl Variables,
    name: &'static str,
    expected: &'static str,
) -> Result<Option<T>, EnvError>
where
    T: FromStr,
    T::Err: Display,
{
    let Some(value) = optional(variables, name) else {
        return Ok(None);
    };
    match value.trim().parse() {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(EnvError::Invalid {
            name,
            expected,
            reason: error.to_string(),
        }),
    }
}

/// The value of a variable that may be left out, a list separated by commas, each item parsed. Never an empty list.
pub fn list<T>(
    variables: &impl Variables,
    name: &'static str,
    expected: &'static str,
) -> Result<Option<Vec<T>>, EnvError>
where
    T: FromStr,
    T::Err: Display,
{
    let Some(value) = optional(variables, name) else {
        return Ok(None);
    };
    value
        .split(',')
        .map(|item| item.trim().parse::<T>())
        .collect::<Result<_, _>>()
        .map(Some)
        .map_err(|error| EnvError::Invalid {
            name,
            expected,
            reason: error.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_variable_and_what_it_should_be() {
        let variables = [("MAX_PIXELS", "many"), ("SIZES", "1,,3"), ("EMPTY", " ")];
        let missing = required(&variables, "EMPTY", "a bucket's name").unwrap_err();
        insta::assert_snapshot!(missing.to_string(), @"the environment variable EMPTY is not set: it must be a bucket's name");
        let invalid = parsed::<u64>(&variables, "MAX_PIXELS", "a number").unwrap_err();
        insta::assert_snapshot!(invalid.to_string(), @"the environment variable MAX_PIXELS must be a number: invalid digit found in string");
        let invalid = list::<u32>(&variables, "SIZES", "numbers").unwrap_err();
        insta::assert_snapshot!(invalid.to_string(), @"the environment variable SIZES must be numbers: cannot parse integer from empty string");
    }

    #[test]
    fn what_is_left_out_is_none() {
        assert_eq!(parsed::<u64>(&[("A", "")], "A", ""), Ok(None));
        assert_eq!(list::<u32>(&[], "A", ""), Ok(None));
        assert_eq!(list::<u32>(&[("A", "1, 2")], "A", ""), Ok(Some(vec![1, 2])));
    }
}
