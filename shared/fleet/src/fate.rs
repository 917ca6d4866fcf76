//! The three ends of a record: done, rejected or retry.
//!
//! A worker turns whatever happened into a [`Fate`] in one exhaustive match, so that a new kind of failure does not
//! compile until somebody has chosen. What a fate means to the event source is decided in [`crate::batch`].

use serde::Serialize;

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", rename_all = "lowercase")]
pub enum Fate {
    /// Nothing is left to do: acknowledged.
    Done(Done),
    /// It will never succeed: acknowledged, counted, and kept with its reason where an operator finds it.
    Rejected(Rejected),
    /// It may succeed later: handed back to the event source.
    Retry(Retry),
}

/// Why nothing is left to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Whether anything was done, and if not, why that is right.
    pub outcome: Outcome,
    /// In words, for people.
    pub reason: String,
}

/// The ways of being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The effect took place.
    Applied,
    /// The same event was applied before; nothing changed.
    Duplicate,
    /// A newer event was applied before; nothing changed.
    Superseded,
    /// Not meant for this worker; nothing changed.
    Skipped,
}

/// Why a record will never succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// A short stable name for counting and filtering, such as `corrupt`, `limit` or `gone`.
    pub kind: &'static str,
    /// In words, naming the thing.
    pub reason: String,
}

/// Why a record may succeed later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retry {
    /// A short stable name for counting and filtering, such as `throttled`, `panic` or `held`.
    pub kind: &'static str,
    /// In words, naming the thing.
    pub reason: String,
}

impl Fate {
    /// The effect took place.
    pub fn applied(reason: impl Into<String>) -> Self {
        Self::done(Outcome::Applied, reason)
    }

    /// The same event was applied before.
    pub fn duplicate(reason: impl Into<String>) -> Self {
        Self::done(Outcome::Duplicate, reason)
    }

    /// A newer event was applied before.
    pub fn superseded(reason: impl Into<String>) -> Self {
        Self::done(Outcome::Superseded, reason)
    }

    /// Not meant for this worker.
    pub fn skipped(reason: impl Into<String>) -> Self {
        Self::done(Outcome::Skipped, reason)
    }

    /// It will never succeed.
    pub fn rejected(kind: &'static str, reason: impl Into<String>) -> Self {
        Self::Rejected(Rejected {
            kind,
            reason: reason.into(),
        })
    }

    /// It may succeed later.
    pub fn retry(kind: &'static str, reason: impl Into<String>) -> Self {
        Self::Retry(Retry {
            kind,
            reason: reason.into(),
        })
    }

    fn done(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self::Done(Done {
            outcome,
            reason: reason.into(),
        })
    }

    /// Whether the event source must deliver the record again.
    pub fn is_retry(&self) -> bool {
        matches!(self, Self::Retry(_))
    }

    /// `done`, `rejected` or `retry`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Rejected(_) => "rejected",
            Self::Retry(_) => "retry",
        }
    }

    /// The short stable name of what happened: `applied`, `duplicate`, ..., or the kind of the failure.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Done(done) => match done.outcome {
                Outcome::Applied => "applied",
                Outcome::Duplicate => "duplicate",
                Outcome::Superseded => "superseded",
                Outcome::Skipped => "skipped",
            },
            Self::Rejected(rejected) => rejected.kind,
            Self::Retry(retry) => retry.kind,
        }
    }

    /// In words.
    pub fn reason(&self) -> &str {
        match self {
            Self::Done(done) => &done.reason,
            Self::Rejected(rejected) => &rejected.reason,
            Self::Retry(retry) => &retry.reason,
        }
    }

    /// The fate of a record that carried several things: retried when any must be, else rejected when any was, else
    /// done. Everything in it is idempotent, so a retry repeats nothing.
    #[must_use]
    pub fn together(fates: Vec<Self>) -> Self {
        let many = fates.len() > 1;
        let rank = |fate: &Self| match fate {
            Self::Retry(_) => 3,
            Self::Rejected(_) => 2,
            Self::Done(done) => u8::from(done.outcome == Outcome::Applied),
        };
        let reasons = fates
            .iter()
            .map(Self::reason)
            .collect::<Vec<_>>()
            .join("; ");
        // The first of the highest rank names the kind.
        let Some(worst) = fates.into_iter().reduce(|worst, fate| {
            if rank(&fate) > rank(&worst) {
                fate
            } else {
                worst
            }
        }) else {
            return Self::skipped("the record names nothing");
        };
        if many { worst.because(reasons) } else { worst }
    }

    fn because(self, reason: String) -> Self {
        match self {
            Self::Done(done) => Self::Done(Done { reason, ..done }),
            Self::Rejected(rejected) => Self::Rejected(Rejected { reason, ..rejected }),
            Self::Retry(retry) => Self::Retry(Retry { reason, ..retry }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_with_one_retry_in_it_is_retried() {
        let fate = Fate::together(vec![
            Fate::applied("a"),
            Fate::retry("throttled", "b"),
            Fate::rejected("corrupt", "c"),
        ]);
        assert_eq!(fate, Fate::retry("throttled", "a; b; c"));
    }

    #[test]
    fn a_rejection_shows_through_what_was_done() {
        let fate = Fate::together(vec![Fate::rejected("corrupt", "c"), Fate::applied("a")]);
        assert_eq!(fate, Fate::rejected("corrupt", "c; a"));
    }

    #[test]
    fn a_record_that_names_nothing_is_skipped() {
        assert_eq!(Fate::together(vec![]).kind(), "skipped");
    }
}
