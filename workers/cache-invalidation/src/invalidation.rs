//! Telling the cache to forget, and what its failures mean.

use std::future::Future;

use fleet::digest::sha256_hex;
use fleet::fate::Fate;

/// One request to forget some paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalidation {
    /// The distribution's id.
    pub distribution: String,
    /// The paths, each once, in order: at most 3,000, of which at most 15 end with a wildcard.
    pub paths: Vec<String>,
    /// Names the request: the same reference with the same paths is the same invalidation, however often it is sent.
    pub caller_reference: String,
}

impl Invalidation {
    /// The request for `paths` that these events ask for. Its reference is a pure function of all three, so a batch that is
    /// delivered again asks for nothing new.
    pub(crate) fn new<'a>(
        distribution: &str,
        events: impl IntoIterator<Item = &'a str>,
        paths: impl IntoIterator<Item = String>,
    ) -> Self {
        let paths: Vec<String> = paths.into_iter().collect();
        let mut events: Vec<&str> = events.into_iter().collect();
        events.sort_unstable();
        events.dedup();
        let number = events.len().to_string();
        let parts = [distribution, number.as_str()]
            .into_iter()
            .chain(events)
            .chain(paths.iter().map(String::as_str));
        Self {
            caller_reference: sha256_hex(parts.map(str::as_bytes)),
            distribution: distribution.to_owned(),
            paths,
        }
    }
}

/// A request was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invalidated {
    /// Under this id. A cache that knows the reference may also answer so, and begins nothing anew.
    Begun(String),
    /// It was taken before.
    Before,
}

/// Makes a cache forget.
pub trait Invalidator: Send + Sync + 'static {
    /// Asks for `invalidation`, and does not wait for its end.
    fn invalidate(
        &self,
        invalidation: &Invalidation,
    ) -> impl Future<Output = Result<Invalidated, InvalidateError>> + Send;
}

/// Why a request was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidateError {
    /// Too many requests, or too many invalidations in progress.
    #[error("the cache is throttled: {0}")]
    Throttled(String),
    /// Access denied or no such distribution: an operator must mend it.
    #[error("access to the distribution was refused: {0}")]
    Denied(String),
    /// A timeout, a lost connection, a server error.
    #[error("the cache failed: {0}")]
    Unavailable(String),
    /// It will never take these paths.
    #[error("the cache does not take the paths: {0}")]
    Refused(String),
}

impl InvalidateError {
    /// The fate of the records that asked for it.
    pub fn fate(&self) -> Fate {
        let reason = self.to_string();
        match self {
            Self::Throttled(_) => Fate::retry("throttled", reason),
            Self::Denied(_) => Fate::retry("denied", reason),
            Self::Unavailable(_) => Fate::retry("unavailable", reason),
            Self::Refused(_) => Fate::rejected("refused", reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(distribution: &str, events: &[&str], paths: &[&str]) -> String {
        let paths = paths.iter().map(|path| (*path).to_owned());
        Invalidation::new(distribution, events.iter().copied(), paths).caller_reference
    }

    #[test]
    fn the_reference_is_of_the_distribution_the_events_and_the_paths() {
        let one = reference("E1", &["a", "b"], &["/", "/x"]);
        assert_eq!(one.len(), 64);
        assert_eq!(one, reference("E1", &["b", "a", "b"], &["/", "/x"]));
        for other in [
            reference("E2", &["a", "b"], &["/", "/x"]),
            reference("E1", &["a"], &["/", "/x"]),
            reference("E1", &["a", "b"], &["/"]),
            reference("E1", &["a"], &["b", "/", "/x"]),
            reference("E1", &["a", "b", "/"], &["/x"]),
        ] {
            assert_ne!(one, other);
        }
    }
}
