//! The name of a worker, and what is called after it.

use std::fmt;
use std::str::FromStr;

/// A queue is called `flotilla-STAGE-NAME-dead-letters` with a stage of at most 16 characters, and SQS allows 80; the rest
/// is for whoever reads it in a list.
const MAX_CHARS: usize = 30;

/// Words that mean something else to Rust, to Cargo or to a folder of build results.
const TAKEN: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "build",
    "const",
    "continue",
    "core",
    "crate",
    "deps",
    "do",
    "dyn",
    "else",
    "enum",
    "examples",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "incremental",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "union",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// A worker's name in kebab-case, such as `order-totals`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerName(String);

/// Why a text is no name of a worker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not kebab-case.
    #[error(
        "a worker is named by lower-case letters and digits, in words with a hyphen between them, such as order-totals"
    )]
    NotKebabCase,
    /// Too long for a queue's name.
    #[error(
        "a worker's name has at most {MAX_CHARS} characters, because its queues are named after it"
    )]
    TooLong,
    /// Something else has that name.
    #[error("{0} means something else to Rust or Cargo")]
    Taken(String),
    /// The function of another worker would be called so.
    #[error("a name that ends in {0} would be taken for another worker's function or source")]
    Ending(&'static str),
}

impl WorkerName {
    /// As it is written: `order-totals`.
    pub fn kebab(&self) -> &str {
        &self.0
    }

    /// As Rust's crates and modules have it: `order_totals`.
    pub fn snake(&self) -> String {
        self.0.replace('-', "_")
    }

    /// As environment variables have it: `ORDER_TOTALS`.
    pub fn shout(&self) -> String {
        self.snake().to_ascii_uppercase()
    }

    /// As types and constructs have it: `OrderTotals`.
    pub fn pascal(&self) -> String {
        self.0.split('-').map(capitalised).collect()
    }

    /// As functions in TypeScript have it: `orderTotals`.
    pub fn camel(&self) -> String {
        let mut words = self.0.split('-');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |name, word| name + &capitalised(word))
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(letters)
        .collect()
}

impl fmt::Display for WorkerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl FromStr for WorkerName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_word = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        // A crate's name begins with a letter; so does each word, or `a-1` and `a1` would be one name in PascalCase.
        let begins_well = |word: &str| word.starts_with(|first: char| first.is_ascii_lowercase());
        if !text
            .split('-')
            .all(|word| is_word(word) && begins_well(word))
        {
            return Err(NameError::NotKebabCase);
        }
        if text.len() > MAX_CHARS {
            return Err(NameError::TooLong);
        }
        if TAKEN.contains(&text) {
            return Err(NameError::Taken(text.to_owned()));
        }
        for ending in ["-lambda", "-source"] {
            if text.ends_with(ending) {
                return Err(NameError::Ending(ending));
            }
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> NameError {
        text.parse::<WorkerName>().unwrap_err()
    }

    #[test]
    fn a_name_has_a_form_for_each_language() {
        let name: WorkerName = "order-totals2-of-day".parse().unwrap();
        assert_eq!(name.to_string(), "order-totals2-of-day");
        assert_eq!(name.snake(), "order_totals2_of_day");
        assert_eq!(name.shout(), "ORDER_TOTALS2_OF_DAY");
        assert_eq!(name.pascal(), "OrderTotals2OfDay");
        assert_eq!(name.camel(), "orderTotals2OfDay");
    }

    #[test]
    fn only_kebab_case_is_a_name() {
        for text in [
            "", "-", "a-", "-a", "a--b", "A", "a_b", "a b", "1a", "a-1", "é", "../a", "a/b", "a.b",
        ] {
            assert_eq!(error(text), NameError::NotKebabCase, "{text}");
        }
    }

    #[test]
    fn a_name_that_would_be_confused_is_refused() {
        assert_eq!(error(&"a".repeat(31)), NameError::TooLong);
        assert!("a".repeat(30).parse::<WorkerName>().is_ok());
        assert_eq!(error("match"), NameError::Taken("match".to_owned()));
        assert_eq!(error("orders-lambda"), NameError::Ending("-lambda"));
        assert_eq!(error("orders-source"), NameError::Ending("-source"));
    }
}
