//! Doing once what cannot be undone.
//!
//! Sending a mail takes no idempotency token, so whoever sends one first **claims** the right to, then sends, then
//! **records** that it was sent. Between those three steps a process can die, and nobody can tell afterwards on which side
//! of the sending. That state has a name here, *unknown*, and a rule: it is settled by evidence (an event that the mail
//! went out), and the work is done again only when none came within the settle time.
//!
//! ```text
//!            claim                  complete
//!   (none) ────────▶ working ───────────────────▶ done
//!              ▲       │  │ lease ended, or            ▲
//!      release │       │  │ outcome ambiguous          │ evidence
//!              │       ▼  ▼                            │
//!            free    unknown ──────────────────────────┘
//!              ▲       │
//!              └───────┘ settle time ended: taken over
//! ```
//!
//! Two clocks never have to agree on more than the lease's length. A late finisher is *fenced*: every step after the
//! claim is conditional on the claim's revision, which any takeover raises.
//!
//! Evidence ends the story from any state: [`Claims::settle`] turns whatever stands under a key, or nothing, into *done*,
//! and from then on nobody is given the right to do the work again.

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::UnixMillis;
use crate::fate::Fate;

/// What stands in the table under a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// How far the work has come.
    pub state: State,
    /// Who holds or last held it; unique to one attempt.
    pub owner: String,
    /// Working: when the lease ends. Unknown: when the settle time ends. Otherwise when it was written.
    pub until_ms: UnixMillis,
    /// How many times the work was begun.
    pub attempts: u32,
    /// What proves that the work was done, such as the message id of SES.
    pub receipt: Option<String>,
    /// Raised by one with every write: the fence.
    pub revision: u64,
    /// When the table may forget it, in **seconds** since 1970, as DynamoDB's TTL wants it.
    pub expires_at: u64,
}

/// How far the work has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Somebody is at it until the lease ends.
    Working,
    /// It may or may not have been done.
    Unknown,
    /// It was done.
    Done,
    /// It was surely not done, and may be begun again.
    Free,
}

/// Where claims are kept. Both writes are atomic.
pub trait ClaimTable: Send + Sync + 'static {
    /// Writes `claim` if nothing stands under `key`; otherwise changes nothing and returns what stands there.
    fn insert(
        &self,
        key: &str,
        claim: &Claim,
    ) -> impl Future<Output = Result<Option<Claim>, ClaimError>> + Send;

    /// Writes `claim` if the one under `key` still has `revision`; otherwise changes nothing and returns what stands there,
    /// `Some(None)` being a claim that has gone.
    fn replace(
        &self,
        key: &str,
        revision: u64,
        claim: &Claim,
    ) -> impl Future<Output = Result<Replaced, ClaimError>> + Send;
}

/// Whether a claim was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// It was.
    Yes,
    /// It was not: this stands there instead, or nothing any more.
    No(Option<Claim>),
}

/// Why the table did not answer. None of these is permanent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// Access denied or no such table: an operator must mend it.
    #[error("access to the claims table was refused: {0}")]
    Denied(String),
    /// Too many requests.
    #[error("the claims table is throttled: {0}")]
    Throttled(String),
    /// A timeout, a lost connection, a server error.
    #[error("the claims table failed: {0}")]
    Unavailable(String),
    /// Somebody else changed the claim between every look and its write.
    #[error("the claim {0} is changed by too many at once")]
    Contended(String),
}

impl ClaimError {
    /// The fate of a record whose work needed the table.
    pub fn fate(&self) -> Fate {
        let reason = self.to_string();
        match self {
            Self::Denied(_) => Fate::retry("denied", reason),
            Self::Throttled(_) => Fate::retry("throttled", reason),
            Self::Unavailable(_) => Fate::retry("unavailable", reason),
            Self::Contended(_) => Fate::retry("contended", reason),
        }
    }
}

/// The answer to a wish to do the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// Do it now, then say how it went.
    Acquired(Ticket),
    /// It was done before, with this receipt.
    Done(Option<String>),
    /// Somebody else is at it until then at the latest.
    Busy(UnixMillis),
    /// Nobody knows whether it was done; wait for evidence until then.
    Unknown(UnixMillis),
}

/// The right to do the work once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    key: String,
    claim: Claim,
}

impl Ticket {
    /// How many times the work was begun, this time included.
    pub fn attempts(&self) -> u32 {
        self.claim.attempts
    }
}

/// Whether the outcome could be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It was.
    Yes,
    /// The lease had ended and somebody else has taken over: the work may be done twice.
    Fenced,
}

/// What evidence that the work was done found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// A claim in this state, which is done now. `None`: there was no claim, and there is one now.
    Now(Option<State>),
    /// It was known already.
    Before,
}

/// The owner of a claim that evidence alone made.
const EVIDENCE: &str = "evidence";

/// The claims of one kind of work.
#[derive(Debug, Clone)]
pub struct Claims<T> {
    table: T,
    settle: Duration,
    keep: Duration,
}

/// How often a lost race for a claim is run again before it is given up.
const MAX_RACES: usize = 3;

impl<T: ClaimTable> Claims<T> {
    /// Claims kept in `table`: an unknown outcome waits `settle` for evidence, and each claim is remembered for `keep`.
    pub fn new(table: T, settle: Duration, keep: Duration) -> Self {
        Self {
            table,
            settle,
            keep,
        }
    }

    /// The table.
    pub fn table(&self) -> &T {
        &self.table
    }

    /// Asks for the right to do the work under `key` until `now + lease`. `owner` must be unique to this attempt.
    pub async fn claim(
        &self,
        key: &str,
        owner: &str,
        lease: Duration,
        now: UnixMillis,
    ) -> Result<Claimed, ClaimError> {
        let mut wanted = Claim {
            state: State::Working,
            owner: owner.to_owned(),
            until_ms: now.saturating_add(millis(lease)),
            attempts: 1,
            receipt: None,
            revision: 1,
            expires_at: self.expiry(now),
        };
        let mut standing = self.table.insert(key, &wanted).await?;
        for _ in 0..MAX_RACES {
            let Some(existing) = standing else {
                return Ok(acquired(key, wanted));
            };
            let takeover = match existing.state {
                State::Done => return Ok(Claimed::Done(existing.receipt)),
                // The answer to an earlier, successful write was lost and the SDK wrote again.
                State::Working if existing.owner == owner => return Ok(acquired(key, existing)),
                State::Working if now < existing.until_ms => {
                    return Ok(Claimed::Busy(existing.until_ms));
                }
                // Whoever held it died somewhere between claiming and recording.
                State::Working => existing.until_ms.saturating_add(millis(self.settle)),
                State::Unknown => existing.until_ms,
                State::Free => now,
            };
            let next = if now >= takeover {
                wanted.attempts = existing.attempts.saturating_add(1);
                wanted.revision = existing.revision.saturating_add(1);
                wanted.clone()
            } else if existing.state == State::Unknown {
                return Ok(Claimed::Unknown(takeover));
            } else {
                Claim {
                    state: State::Unknown,
                    until_ms: takeover,
                    revision: existing.revision.saturating_add(1),
                    expires_at: self.expiry(now),
                    ..existing.clone()
                }
            };
            match self.table.replace(key, existing.revision, &next).await? {
                Replaced::Yes if next.state == State::Working => return Ok(acquired(key, next)),
                Replaced::Yes => return Ok(Claimed::Unknown(next.until_ms)),
                Replaced::No(Some(other)) => standing = Some(other),
                Replaced::No(None) => {
                    wanted.attempts = 1;
                    wanted.revision = 1;
                    standing = self.table.insert(key, &wanted).await?;
                }
            }
        }
        Ok(Claimed::Busy(now.saturating_add(millis(lease))))
    }

    /// Records that the work was done.
    pub async fn complete(
        &self,
        ticket: &Ticket,
        receipt: &str,
        now: UnixMillis,
    ) -> Result<Recorded, ClaimError> {
        self.finish(ticket, State::Done, now, now, Some(receipt))
            .await
    }

    /// Records that the work was surely not done, so that it may be begun again at once.
    pub async fn release(&self, ticket: &Ticket, now: UnixMillis) -> Result<Recorded, ClaimError> {
        self.finish(ticket, State::Free, now, now, None).await
    }

    /// Records that nobody knows whether the work was done, and returns until when to wait for evidence.
    pub async fn doubt(
        &self,
        ticket: &Ticket,
        now: UnixMillis,
    ) -> Result<(Recorded, UnixMillis), ClaimError> {
        let until = now.saturating_add(millis(self.settle));
        let recorded = self
            .finish(ticket, State::Unknown, until, now, None)
            .await?;
        Ok((recorded, until))
    }

    /// Takes evidence that the work was done, whoever did it and whatever is known so far: the claim is *done* with this
    /// `receipt`, unless it was before. Without a claim one is made, so that a claim which was forgotten, or is yet to be
    /// asked for by a second delivery, does not do the work again.
    ///
    /// Whoever holds the claim keeps its name on it: completing it with the same receipt still succeeds, while releasing
    /// or doubting it is fenced.
    pub async fn settle(
        &self,
        key: &str,
        receipt: &str,
        now: UnixMillis,
    ) -> Result<Settled, ClaimError> {
        let evident = Claim {
            state: State::Done,
            owner: EVIDENCE.to_owned(),
            until_ms: now,
            attempts: 1,
            receipt: Some(receipt.to_owned()),
            revision: 1,
            expires_at: self.expiry(now),
        };
        let mut standing = self.table.insert(key, &evident).await?;
        for _ in 0..MAX_RACES {
            let Some(existing) = standing else {
                return Ok(Settled::Now(None));
            };
            if existing.state == State::Done {
                return Ok(Settled::Before);
            }
            let settled = Claim {
                revision: existing.revision.saturating_add(1),
                expires_at: existing.expires_at.max(evident.expires_at),
                owner: existing.owner,
                attempts: existing.attempts,
                ..evident.clone()
            };
            standing = match self.table.replace(key, existing.revision, &settled).await? {
                Replaced::Yes => return Ok(Settled::Now(Some(existing.state))),
                Replaced::No(Some(other)) => Some(other),
                Replaced::No(None) => self.table.insert(key, &evident).await?,
            };
        }
        Err(ClaimError::Contended(key.to_owned()))
    }

    async fn finish(
        &self,
        ticket: &Ticket,
        state: State,
        until_ms: UnixMillis,
        now: UnixMillis,
        receipt: Option<&str>,
    ) -> Result<Recorded, ClaimError> {
        let held = &ticket.claim;
        let claim = Claim {
            state,
            until_ms,
            receipt: receipt.map(str::to_owned),
            revision: held.revision.saturating_add(1),
            expires_at: self.expiry(now),
            ..held.clone()
        };
        Ok(
            match self
                .table
                .replace(&ticket.key, held.revision, &claim)
                .await?
            {
                Replaced::Yes => Recorded::Yes,
                // Again the lost answer to a write that had succeeded; or evidence of this very work was faster.
                Replaced::No(Some(other)) if says_the_same(&other, &claim) => Recorded::Yes,
                Replaced::No(_) => Recorded::Fenced,
            },
        )
    }

    fn expiry(&self, now: UnixMillis) -> u64 {
        (now / 1_000).saturating_add(self.keep.as_secs())
    }
}

/// Whether both record one outcome of one attempt. A receipt is unique to its work, whoever wrote it down.
fn says_the_same(standing: &Claim, wanted: &Claim) -> bool {
    standing.state == wanted.state
        && standing.receipt == wanted.receipt
        && (wanted.receipt.is_some() || standing.owner == wanted.owner)
}

fn acquired(key: &str, claim: Claim) -> Claimed {
    Claimed::Acquired(Ticket {
        key: key.to_owned(),
        claim,
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(all(test, feature = "testing"))]
mod tests;
