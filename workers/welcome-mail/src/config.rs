//! What the environment says.

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use fleet::env::{EnvError, Variables, parsed};

use crate::address::Mailbox;
use crate::text::one_line;
use crate::unsubscribe::{HttpsUrl, UnsubscribeKey};

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

/// How the worker sends. The README lists the variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The sender.
    pub from: Mailbox,
    /// Where unsubscribing is posted to.
    pub unsubscribe_url: HttpsUrl,
    /// What signs the unsubscribing links.
    pub unsubscribe_key: UnsubscribeKey,
    /// SES's configuration set.
    pub configuration_set: Option<String>,
    /// What the mail calls the blog.
    pub blog_name: String,
    /// Where the mail links to.
    pub blog_url: Option<HttpsUrl>,
    /// How long an unknown send waits for evidence.
    pub settle: Duration,
    /// How long a claim is remembered.
    pub claim_retention: Duration,
    /// How many mails are on their way at once.
    pub send_concurrency: NonZeroUsize,
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
        let settle = parsed::<Ranged<1, 43_200>>(
            variables,
            "SETTLE_SECONDS",
            "a number of seconds from 1 to 43200, half of what a stream keeps",
        )?;
        // A stream delivers again for a day; a claim forgotten before that is a second mail.
        let retention = parsed::<Ranged<2, 36_500>>(
            variables,
            "CLAIM_RETENTION_DAYS",
            "a number of days from 2 to 36500, because a stream delivers again for one",
        )?;
        let concurrency = parsed::<Ranged<1, 100>>(
            variables,
            "SEND_CONCURRENCY",
            "a number of mails from 1 to 100",
        )?;
        let blog_name =
            parsed::<Line<100>>(variables, "BLOG_NAME", "a name of at most 100 characters")?;
        let configuration_set = parsed::<ConfigurationSet>(
            variables,
            "CONFIGURATION_SET",
            "the name of an SES configuration set: at most 64 letters, digits, hyphens and underscores",
        )?;
        Ok(Self {
            from: needed(
                variables,
                "WELCOME_FROM",
                "the sender, such as MyBlog <hello@example.com>",
            )?,
            unsubscribe_url: needed(
                variables,
                "UNSUBSCRIBE_URL",
                "the https URL that unsubscribing is posted to",
            )?,
            unsubscribe_key: needed(
                variables,
                "UNSUBSCRIBE_KEY",
                "a secret of at least 16 bytes",
            )?,
            configuration_set: configuration_set.map(|set| set.0),
            blog_name: blog_name.map_or_else(|| "MyBlog".to_owned(), |line| line.0),
            blog_url: parsed(variables, "BLOG_URL", "an https URL")?,
            settle: Duration::from_secs(settle.map_or(120, |value| value.0)),
            claim_retention: Duration::from_secs(
                retention.map_or(365, |value| value.0) * SECONDS_A_DAY,
            ),
            send_concurrency: concurrency
                .and_then(|value| NonZeroUsize::new(usize::try_from(value.0).ok()?))
                .unwrap_or(const { NonZeroUsize::new(4).expect("four is not zero") }),
        })
    }
}

fn needed<T>(
    variables: &impl Variables,
    name: &'static str,
    expected: &'static str,
) -> Result<T, EnvError>
where
    T: FromStr,
    T::Err: Display,
{
    parsed(variables, name, expected)?.ok_or(EnvError::Missing { name, expected })
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

/// One line of at most so many characters.
struct Line<const MAX: usize>(String);

impl<const MAX: usize> FromStr for Line<MAX> {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let line = one_line(text);
        if line.chars().count() > MAX {
            return Err("it is too long");
        }
        Ok(Self(line))
    }
}

/// SES's own rule for these names.
struct ConfigurationSet(String);

impl FromStr for ConfigurationSet {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if text.len() > 64 || !text.bytes().all(allowed) {
            return Err("it has another character or is too long");
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRED: [(&str, &str); 3] = [
        ("WELCOME_FROM", "MyBlog <hello@example.com>"),
        ("UNSUBSCRIBE_URL", "https://example.com/unsubscribe"),
        ("UNSUBSCRIBE_KEY", "0123456789abcdef"),
    ];

    fn with(name: &'static str, value: &'static str) -> Result<Config, ConfigError> {
        let [a, b, c] = REQUIRED.map(|variable| {
            if variable.0 == name {
                (name, value)
            } else {
                variable
            }
        });
        Config::from_env(&[a, b, c, (name, value)])
    }

    #[test]
    fn three_variables_are_enough() {
        let config = Config::from_env(&REQUIRED).unwrap();
        assert_eq!(config.blog_name, "MyBlog");
        assert_eq!(config.blog_url, None);
        assert_eq!(config.settle, Duration::from_mins(2));
        assert_eq!(config.claim_retention, Duration::from_hours(365 * 24));
        assert_eq!(config.send_concurrency.get(), 4);
    }

    #[test]
    fn every_variable_is_read() {
        assert_eq!(
            with("CONFIGURATION_SET", "mail-1")
                .unwrap()
                .configuration_set
                .as_deref(),
            Some("mail-1")
        );
        assert_eq!(with("BLOG_NAME", "Nhật ký").unwrap().blog_name, "Nhật ký");
        assert_eq!(
            with("BLOG_URL", "https://a.example")
                .unwrap()
                .blog_url
                .unwrap()
                .as_str(),
            "https://a.example"
        );
        assert_eq!(
            with("SETTLE_SECONDS", "5").unwrap().settle,
            Duration::from_secs(5)
        );
        assert_eq!(
            with("CLAIM_RETENTION_DAYS", "2").unwrap().claim_retention,
            Duration::from_hours(48)
        );
        assert_eq!(
            with("SEND_CONCURRENCY", "9")
                .unwrap()
                .send_concurrency
                .get(),
            9
        );
    }

    #[test]
    fn a_wrong_variable_is_named_and_its_value_is_not() {
        for (name, value) in [
            ("WELCOME_FROM", "hunter2"),
            ("UNSUBSCRIBE_URL", "http://hunter2.example"),
            ("UNSUBSCRIBE_KEY", "hunter2"),
            ("CONFIGURATION_SET", "hunter2 x"),
            ("BLOG_URL", "hunter2"),
            ("SETTLE_SECONDS", "0"),
            ("CLAIM_RETENTION_DAYS", "1"),
            ("SEND_CONCURRENCY", "0"),
            ("SEND_CONCURRENCY", "many"),
        ] {
            let message = with(name, value).unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn a_missing_variable_says_what_it_should_be() {
        insta::assert_snapshot!(
            with("WELCOME_FROM", "").unwrap_err(),
            @"the environment variable WELCOME_FROM is not set: it must be the sender, such as MyBlog <hello@example.com>"
        );
    }

    #[test]
    fn the_key_is_not_in_debug_output() {
        let config = Config::from_env(&REQUIRED).unwrap();
        let debug = format!("{config:?}");
        assert!(!debug.contains("0123456789abcdef"), "{debug}");
    }
}
