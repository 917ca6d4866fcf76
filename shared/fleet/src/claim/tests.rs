//! Claims over a table in memory.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use proptest::prelude::*;

use super::*;
use crate::testing::MemoryClaims;

const LEASE: Duration = Duration::from_secs(30);
const SETTLE: Duration = Duration::from_mins(2);

fn claims() -> Claims<MemoryClaims> {
    Claims::new(MemoryClaims::default(), SETTLE, Duration::from_hours(24))
}

async fn acquire(claims: &Claims<MemoryClaims>, owner: &str, now: UnixMillis) -> Ticket {
    match claims.claim("key", owner, LEASE, now).await {
        Ok(Claimed::Acquired(ticket)) => ticket,
        other => panic!("not acquired: {other:?}"),
    }
}

#[tokio::test]
async fn what_was_done_is_not_done_again() {
    let claims = claims();
    let ticket = acquire(&claims, "a", 0).await;
    assert_eq!(
        claims.complete(&ticket, "id-1", 10).await,
        Ok(Recorded::Yes)
    );
    let again = claims.claim("key", "b", LEASE, 1_000_000).await.unwrap();
    assert_eq!(again, Claimed::Done(Some("id-1".to_owned())));
}

#[tokio::test]
async fn while_one_works_the_other_waits() {
    let claims = claims();
    acquire(&claims, "a", 0).await;
    let other = claims.claim("key", "b", LEASE, 29_999).await.unwrap();
    assert_eq!(other, Claimed::Busy(30_000));
}

#[tokio::test]
async fn a_death_in_between_is_unknown_until_the_settle_time_ends() {
    let claims = claims();
    acquire(&claims, "a", 0).await;
    let settled_ms = 30_000 + 120_000;
    for now in [30_000, 90_000, settled_ms - 1] {
        let other = claims.claim("key", "b", LEASE, now).await.unwrap();
        assert_eq!(other, Claimed::Unknown(settled_ms), "at {now}");
    }
    assert_eq!(claims.table().get("key").unwrap().state, State::Unknown);
    assert_eq!(acquire(&claims, "b", settled_ms).await.attempts(), 2);
}

#[tokio::test]
async fn an_ambiguous_outcome_waits_for_evidence() {
    let claims = claims();
    let ticket = acquire(&claims, "a", 0).await;
    assert_eq!(
        claims.doubt(&ticket, 1_000).await,
        Ok((Recorded::Yes, 121_000))
    );
    let other = claims.claim("key", "b", LEASE, 120_999).await.unwrap();
    assert_eq!(other, Claimed::Unknown(121_000));
    acquire(&claims, "b", 121_000).await;
}

#[tokio::test]
async fn what_was_surely_not_done_may_be_begun_at_once() {
    let claims = claims();
    let ticket = acquire(&claims, "a", 0).await;
    claims.release(&ticket, 5).await.unwrap();
    assert_eq!(acquire(&claims, "b", 6).await.attempts(), 2);
}

#[tokio::test]
async fn a_late_finisher_is_fenced() {
    let claims = claims();
    let late = acquire(&claims, "a", 0).await;
    let other = acquire(&claims, "b", 1_000_000).await;
    assert_eq!(
        claims.complete(&late, "late", 1_000_001).await,
        Ok(Recorded::Fenced)
    );
    assert_eq!(
        claims.complete(&other, "other", 1_000_002).await,
        Ok(Recorded::Yes)
    );
    let receipt = claims.table().get("key").unwrap().receipt;
    assert_eq!(receipt.as_deref(), Some("other"));
}

#[tokio::test]
async fn a_lost_answer_does_not_lock_its_own_writer_out() {
    let claims = claims();
    let ticket = acquire(&claims, "a", 0).await;
    assert_eq!(acquire(&claims, "a", 1).await, ticket);
    claims.complete(&ticket, "id", 2).await.unwrap();
    assert_eq!(claims.complete(&ticket, "id", 3).await, Ok(Recorded::Yes));
}

/// A claim in each state, made by `owner` at 0, and the ticket of whoever holds or held it.
async fn standing(state: State) -> (Claims<MemoryClaims>, Ticket) {
    let claims = claims();
    let ticket = acquire(&claims, "a", 0).await;
    match state {
        State::Working => {}
        State::Unknown => assert!(claims.doubt(&ticket, 1).await.is_ok()),
        State::Done => assert!(claims.complete(&ticket, "first", 1).await.is_ok()),
        State::Free => assert!(claims.release(&ticket, 1).await.is_ok()),
    }
    (claims, ticket)
}

#[tokio::test]
async fn evidence_makes_any_claim_done() {
    for state in [State::Working, State::Unknown, State::Free] {
        let (claims, _) = standing(state).await;
        let settled = claims.settle("key", "id", 50_000).await;
        assert_eq!(settled, Ok(Settled::Now(Some(state))));
        let claim = claims.table().get("key").unwrap();
        assert_eq!((claim.state, claim.owner.as_str()), (State::Done, "a"));
        assert_eq!(claim.expires_at, 50 + 24 * 3_600);
        let again = claims.claim("key", "b", LEASE, 1_000_000).await.unwrap();
        assert_eq!(again, Claimed::Done(Some("id".to_owned())), "{state:?}");
        assert_eq!(claims.settle("key", "id", 2).await, Ok(Settled::Before));
    }
}

#[tokio::test]
async fn later_evidence_leaves_the_first_receipt() {
    let (claims, _) = standing(State::Done).await;
    let settled = claims.settle("key", "second", 2).await;
    assert_eq!(settled, Ok(Settled::Before));
    let receipt = claims.table().get("key").unwrap().receipt;
    assert_eq!(receipt.as_deref(), Some("first"));
}

#[tokio::test]
async fn evidence_of_a_claim_that_is_not_there_makes_one() {
    let claims = claims();
    let settled = claims.settle("key", "id", 0).await;
    assert_eq!(settled, Ok(Settled::Now(None)));
    let claimed = claims.claim("key", "a", LEASE, 1).await.unwrap();
    assert_eq!(claimed, Claimed::Done(Some("id".to_owned())));
}

#[tokio::test]
async fn evidence_never_shortens_what_is_remembered() {
    let (claims, _) = standing(State::Unknown).await;
    let expires_at = claims.table().get("key").unwrap().expires_at;
    let brief = Claims::new(claims.table().clone(), SETTLE, Duration::from_secs(1));
    brief.settle("key", "id", 2).await.unwrap();
    assert_eq!(claims.table().get("key").unwrap().expires_at, expires_at);
}

#[tokio::test]
async fn whoever_sent_what_the_evidence_is_of_is_not_fenced() {
    let (claims, ticket) = standing(State::Working).await;
    claims.settle("key", "id", 1).await.unwrap();
    assert_eq!(claims.complete(&ticket, "id", 2).await, Ok(Recorded::Yes));
    // Another receipt is another sending, which nobody may take for recorded.
    let other = claims.complete(&ticket, "other", 2).await;
    assert_eq!(other, Ok(Recorded::Fenced));
}

#[tokio::test]
async fn a_late_release_or_doubt_does_not_undo_evidence() {
    let (claims, ticket) = standing(State::Working).await;
    claims.settle("key", "id", 1).await.unwrap();
    let released = claims.release(&ticket, 2).await;
    assert_eq!(released, Ok(Recorded::Fenced));
    let (doubted, _) = claims.doubt(&ticket, 3).await.unwrap();
    assert_eq!(doubted, Recorded::Fenced);
    assert_eq!(claims.table().get("key").unwrap().state, State::Done);
}

#[tokio::test]
async fn evidence_that_the_table_does_not_take_is_not_lost() {
    for faults in [1, 2] {
        let (claims, _) = standing(State::Unknown).await;
        let mut script = vec![None; faults - 1];
        script.push(Some(ClaimError::Throttled("no".to_owned())));
        claims.table().fail_next(script);
        let settled = claims.settle("key", "id", 1).await;
        assert_eq!(settled, Err(ClaimError::Throttled("no".to_owned())));
        assert_eq!(
            claims.settle("key", "id", 1).await,
            Ok(Settled::Now(Some(State::Unknown)))
        );
    }
}

/// A table that lets others go first as often as it is told, before each write.
#[derive(Debug, Clone, Default)]
struct Unsteady {
    claims: MemoryClaims,
    pauses: Arc<Mutex<Vec<u8>>>,
}

impl Unsteady {
    async fn pause(&self) {
        let pauses = self
            .pauses
            .lock()
            .map_or(0, |mut pauses| pauses.pop().unwrap_or(0));
        for _ in 0..pauses {
            tokio::task::yield_now().await;
        }
    }
}

impl ClaimTable for Unsteady {
    async fn insert(&self, key: &str, claim: &Claim) -> Result<Option<Claim>, ClaimError> {
        self.pause().await;
        self.claims.insert(key, claim).await
    }

    async fn replace(
        &self,
        key: &str,
        revision: u64,
        claim: &Claim,
    ) -> Result<Replaced, ClaimError> {
        self.pause().await;
        self.claims.replace(key, revision, claim).await
    }
}

/// What a worker does after it was given the right.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    Complete,
    Release,
    Doubt,
    Die,
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Complete),
        Just(Outcome::Release),
        Just(Outcome::Doubt),
        Just(Outcome::Die),
    ]
}

/// One worker that asks, after so many others had their turn and at that time, and what comes of its sending.
fn attempt() -> impl Strategy<Value = (u8, UnixMillis, Outcome)> {
    (0_u8..12, 0_u64..400_000, outcome())
}

proptest! {
    #[test]
    fn once_evidence_is_in_nobody_is_given_the_right_again(
        attempts in prop::collection::vec(attempt(), 1..12),
        evidence in prop::collection::vec((0_u8..12, 0_u64..400_000), 1..4),
        pauses in prop::collection::vec(0_u8..4, 0..60),
    ) {
        let table = Unsteady { pauses: Arc::new(Mutex::new(pauses)), ..Unsteady::default() };
        let claims = Claims::new(table, SETTLE, Duration::from_hours(24));
        let settled = AtomicBool::new(false);
        let begun_after = AtomicUsize::new(0);
        let (claims, settled, begun_after) = (&claims, &settled, &begun_after);
        let wait = async |turns: u8| {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        };
        let work = async |number: usize, turns: u8, now: UnixMillis, outcome: Outcome| {
            wait(turns).await;
            let late = settled.load(Ordering::SeqCst);
            let owner = format!("worker-{number}");
            let Ok(Claimed::Acquired(ticket)) = claims.claim("key", &owner, LEASE, now).await
            else {
                return;
            };
            begun_after.fetch_add(usize::from(late), Ordering::SeqCst);
            let _ = match outcome {
                Outcome::Complete => claims.complete(&ticket, &owner, now).await,
                Outcome::Release => claims.release(&ticket, now).await,
                Outcome::Doubt => claims.doubt(&ticket, now).await.map(|(recorded, _)| recorded),
                Outcome::Die => Ok(Recorded::Fenced),
            };
        };
        let tell = async |turns: u8, now: UnixMillis| {
            wait(turns).await;
            if claims.settle("key", "evidence", now).await.is_ok() {
                settled.store(true, Ordering::SeqCst);
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let workers = attempts
                .iter()
                .enumerate()
                .map(|(number, (turns, now, outcome))| work(number, *turns, *now, *outcome));
            let tellers = evidence.iter().map(|(turns, now)| tell(*turns, *now));
            futures_util::future::join(join_all(workers), join_all(tellers)).await;
        });
        prop_assert_eq!(begun_after.load(Ordering::SeqCst), 0);
        if settled.load(Ordering::SeqCst) {
            prop_assert_eq!(claims.table().claims.get("key").unwrap().state, State::Done);
        }
    }
}
