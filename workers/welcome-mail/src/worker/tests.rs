//! Every fate, through the handler.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use fleet::claim::{Claim, ClaimError, Settled, State};
use fleet::rejection::Rejection;
use fleet::table::Item;
use fleet::testing::{MemoryClaims, MemoryRejections, MemoryTable, TableOperation};
use proptest::prelude::*;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::send::{Hold, SendFailure};

const SETTLE_MS: u64 = 120_000;
const START_MS: u64 = 1_700_000_000_000;

/// What the mailer does next.
enum Act {
    Fail(SendFailure),
    Panic,
    /// The call is never answered.
    Hang,
}

/// Does as it is told, then sends.
#[derive(Clone, Default)]
struct Script {
    acts: Arc<Mutex<VecDeque<Act>>>,
    sent: Arc<Mutex<Vec<Mail>>>,
    begun: Arc<AtomicU64>,
}

impl Mailer for Script {
    async fn send(&self, mail: &Mail) -> Result<String, SendFailure> {
        self.begun.fetch_add(1, SeqCst);
        // As a network would: whoever else can work does so meanwhile.
        tokio::task::yield_now().await;
        let act = self.acts.lock().unwrap().pop_front();
        match act {
            Some(Act::Fail(failure)) => Err(failure),
            Some(Act::Panic) => panic!("the mailer was told to panic"),
            Some(Act::Hang) => std::future::pending().await,
            None => {
                let mut sent = self.sent.lock().unwrap();
                sent.push(mail.clone());
                Ok(format!("message-{}", sent.len()))
            }
        }
    }
}

/// A worker, what it stands on, and a clock that stands still until it is moved.
struct House {
    worker: WelcomeWorker<Script, MemoryTable, MemoryClaims, MemoryRejections>,
    script: Script,
    addresses: MemoryTable,
    claims: MemoryClaims,
    rejections: MemoryRejections,
    now: Arc<AtomicU64>,
}

impl House {
    fn new() -> Self {
        let config = Config::from_env(&[
            ("WELCOME_FROM", "MyBlog <hello@blog.example>"),
            ("UNSUBSCRIBE_URL", "https://blog.example/unsubscribe"),
            ("UNSUBSCRIBE_KEY", "0123456789abcdef"),
        ])
        .unwrap();
        let (script, claims) = (Script::default(), MemoryClaims::default());
        let (addresses, rejections) = (MemoryTable::default(), MemoryRejections::default());
        let now = Arc::new(AtomicU64::new(START_MS));
        let hands = Arc::clone(&now);
        let worker = WelcomeWorker::new(
            config,
            script.clone(),
            Some(addresses.clone()),
            claims.clone(),
            rejections.clone(),
            Clock::from_fn(move || hands.load(SeqCst)),
        );
        Self {
            worker,
            script,
            addresses,
            claims,
            rejections,
            now,
        }
    }

    fn told(act: Act) -> Self {
        let house = Self::new();
        house.script.acts.lock().unwrap().push_back(act);
        house
    }

    async fn handle(&self, records: Vec<Value>) -> Handled {
        let event = json!({ "Records": records });
        self.worker
            .handle(event, &Invocation::local("request-1"))
            .await
    }

    /// The fate of a single record.
    async fn fate(&self, record: Value) -> Fate {
        let mut handled = self.handle(vec![record]).await;
        assert_eq!(handled.records.len(), 1);
        handled.records.remove(0).fate
    }

    fn pass(&self, ms: u64) {
        self.now.fetch_add(ms, SeqCst);
    }

    fn sent(&self) -> Vec<String> {
        let sent = self.script.sent.lock().unwrap();
        sent.iter().map(|mail| mail.to.clone()).collect()
    }

    /// The only claim.
    fn claim(&self) -> Claim {
        let mut claims: Vec<Claim> = self.claims.all().into_values().collect();
        assert_eq!(claims.len(), 1, "{claims:?}");
        claims.remove(0)
    }
}

fn record(event: &str, number: u64, image: &Value) -> Value {
    json!({
        "eventID": format!("event-{number}"),
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/subscribers/stream/1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_700_000_000.0,
            "Keys": {"email": {"S": "x"}},
            "NewImage": image,
            "SequenceNumber": number.to_string(),
            "SizeBytes": 59,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    })
}

fn insert(number: u64, email: &str) -> Value {
    record("INSERT", number, &json!({"email": {"S": email}}))
}

fn why() -> Reason {
    Reason::new("why")
}

fn checkpoint(handled: &Handled) -> Value {
    handled.response().unwrap()["batchItemFailures"].clone()
}

fn metric(handled: &Handled, name: &str) -> String {
    let metric = handled.metrics.iter().find(|metric| metric.name == name);
    metric.unwrap().value.to_string()
}

#[tokio::test]
async fn a_new_subscriber_gets_one_mail() {
    let house = House::new();
    let handled = house.handle(vec![insert(1, "Ann@example.com")]).await;
    assert_eq!(
        handled.records[0].fate,
        Fate::applied("sent in en as message-1")
    );
    assert_eq!(
        handled.records[0].subject,
        "subscriber welcome-71d4f55f72fa"
    );
    assert_eq!(checkpoint(&handled), json!([]));
    assert_eq!(
        (
            metric(&handled, "MailsSent"),
            metric(&handled, "MailsUnknown")
        ),
        ("1".to_owned(), "0".to_owned())
    );
    assert_eq!(house.sent(), ["Ann@example.com"]);
    let claim = house.claim();
    assert_eq!(
        (claim.state, claim.receipt.as_deref()),
        (State::Done, Some("message-1"))
    );
    assert_eq!(claim.expires_at, START_MS / 1_000 + 365 * 86_400);
}

#[tokio::test]
async fn the_mail_is_in_the_language_of_its_subscriber() {
    let house = House::new();
    let image =
        json!({"email": {"S": "anh@example.com"}, "name": {"S": "Ánh"}, "locale": {"S": "vi-VN"}});
    house.fate(record("INSERT", 1, &image)).await;
    let mail = house.script.sent.lock().unwrap().remove(0);
    assert_eq!(mail.subject, "Ánh ơi, chào mừng bạn đến với MyBlog");
}

#[tokio::test]
async fn the_same_person_gets_no_second_mail() {
    let house = House::new();
    house.fate(insert(1, "ann@example.com")).await;
    for again in [
        insert(1, "ann@example.com"),
        insert(2, "ann@example.com"),
        insert(3, " ANN@Example.com "),
    ] {
        let fate = house.fate(again).await;
        assert_eq!(
            fate,
            Fate::duplicate("the mail went out before, as message-1")
        );
    }
    assert_eq!(house.sent().len(), 1);
}

#[tokio::test]
async fn the_same_person_twice_in_one_batch_gets_one_mail() {
    let house = House::new();
    let handled = house
        .handle(vec![
            insert(1, "ann@example.com"),
            insert(2, "bob@example.com"),
            insert(3, "ANN@example.com"),
        ])
        .await;
    let kinds: Vec<&str> = handled
        .records
        .iter()
        .map(|record| record.fate.kind())
        .collect();
    assert_eq!(kinds, ["applied", "applied", "duplicate"]);
    assert_eq!(house.sent().len(), 2);
}

#[tokio::test]
async fn a_changed_or_removed_subscriber_gets_nothing() {
    for event in ["MODIFY", "REMOVE"] {
        let house = House::new();
        let fate = house
            .fate(record(
                event,
                1,
                &json!({"email": {"S": "ann@example.com"}}),
            ))
            .await;
        assert_eq!(fate, Fate::skipped(format!("{event} is no new subscriber")));
        assert!(house.sent().is_empty() && house.claims.all().is_empty());
    }
}

#[tokio::test]
async fn an_unconfirmed_or_suppressed_subscriber_gets_nothing() {
    for (name, value, word) in [
        ("status", json!({"S": "pending"}), "unconfirmed"),
        ("confirmed", json!({"BOOL": false}), "unconfirmed"),
        ("status", json!({"S": "bounced"}), "suppressed"),
        ("suppressed", json!({"BOOL": true}), "suppressed"),
    ] {
        let house = House::new();
        let mut image = json!({"email": {"S": "ann@example.com"}});
        image[name] = value;
        let fate = house.fate(record("INSERT", 1, &image)).await;
        assert_eq!(
            fate,
            Fate::skipped(format!(
                "the subscriber is {word}, says the attribute {name}"
            ))
        );
        assert!(house.sent().is_empty() && house.claims.all().is_empty());
    }
}

/// The key of ann@example.com in the addresses table.
const ANN: &str = "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476";

fn suppressed(value: Value, reason: Option<&str>) -> Item {
    let reason = reason.map(|reason| ("reason".to_owned(), reason.into()));
    let suppressed = ("suppressed".to_owned(), value);
    [suppressed].into_iter().chain(reason).collect()
}

#[tokio::test]
async fn a_suppressed_address_gets_nothing_and_is_not_claimed() {
    for (item, reason) in [
        (suppressed(true.into(), Some("complaint")), "complaint"),
        (suppressed(true.into(), None), "no reason is given"),
        (suppressed("yes".into(), Some("a@b.co")), "[address]"),
    ] {
        let house = House::new();
        house.addresses.place(Key::of(ANN), item);
        let handled = house
            .handle(vec![
                insert(1, " Ann@Example.com"),
                insert(2, "bob@example.com"),
            ])
            .await;
        assert_eq!(
            handled.records[0].fate,
            Fate::skipped(format!(
                "the address is suppressed, says the addresses table: {reason}"
            ))
        );
        assert_eq!(house.sent(), ["bob@example.com"]);
        assert_eq!(house.claims.all().len(), 1);
    }
}

#[tokio::test]
async fn an_address_that_bounced_for_a_while_or_was_lifted_is_welcome() {
    for item in [Item::new(), suppressed(false.into(), Some("bounce"))] {
        let house = House::new();
        house.addresses.place(Key::of(ANN), item);
        let fate = house.fate(insert(1, "ann@example.com")).await;
        assert_eq!(fate.kind(), "applied");
    }
}

#[tokio::test]
async fn addresses_that_cannot_be_looked_up_keep_the_mail_from_being_sent() {
    for (error, kind) in [
        (TableError::Denied("no".to_owned()), "denied"),
        (TableError::Throttled("no".to_owned()), "throttled"),
        (TableError::Unavailable("no".to_owned()), "unavailable"),
    ] {
        let house = House::new();
        house.addresses.fail_once(TableOperation::Get, ANN, error);
        let fate = house.fate(insert(1, "ann@example.com")).await;
        assert_eq!((fate.name(), fate.kind()), ("retry", kind));
        assert!(house.claims.all().is_empty() && house.sent().is_empty());
        let fate = house.fate(insert(1, "ann@example.com")).await;
        assert_eq!(fate.kind(), "applied");
    }
}

#[tokio::test]
async fn without_an_addresses_table_everybody_is_welcome() {
    let house = House::new();
    house
        .addresses
        .place(Key::of(ANN), suppressed(true.into(), None));
    let worker = WelcomeWorker {
        addresses: None,
        ..house.worker.clone()
    };
    let event = json!({"Records": [insert(1, "ann@example.com")]});
    let handled = worker.handle(event, &Invocation::local("1")).await;
    assert_eq!(handled.records[0].fate.kind(), "applied");
}

#[tokio::test]
async fn what_can_never_be_sent_is_rejected_and_kept() {
    let mut keys_only = insert(1, "ann@example.com");
    keys_only["dynamodb"]["NewImage"].take();
    let mut other_event = insert(1, "ann@example.com");
    other_event["eventName"] = json!("UPSERT");
    let mut no_change = insert(1, "ann@example.com");
    no_change["dynamodb"].take();
    for (record, kind) in [
        (insert(1, "ann"), "invalid-address"),
        (
            insert(1, "ann@example.com\r\nBcc: bob@example.com"),
            "invalid-address",
        ),
        (
            record("INSERT", 1, &json!({"name": {"S": "Ann"}})),
            "invalid-subscriber",
        ),
        (
            record("INSERT", 1, &json!({"email": {"N": "1"}})),
            "invalid-subscriber",
        ),
        (
            record(
                "INSERT",
                1,
                &json!({"email": {"S": "ann@example.com"}, "status": {"S": "vip"}}),
            ),
            "invalid-subscriber",
        ),
        (keys_only, "no-new-image"),
        (other_event, "malformed"),
        (no_change, "malformed"),
        (
            json!({"eventSource": "aws:sqs", "messageId": "1", "body": "{}"}),
            "not-a-stream-record",
        ),
        (json!("text"), "not-a-stream-record"),
    ] {
        let house = House::new();
        let fate = house.fate(record.clone()).await;
        assert_eq!((fate.name(), fate.kind()), ("rejected", kind), "{fate:?}");
        let kept: Vec<Rejection> = house.rejections.all().into_values().collect();
        assert_eq!(kept.len(), 1);
        assert_eq!((&kept[0].record, kept[0].kind.as_str()), (&record, kind));
        assert!(house.sent().is_empty() && house.claims.all().is_empty());
        assert!(!fate.reason().contains("example.com"), "{fate:?}");
    }
}

#[tokio::test]
async fn an_event_of_no_stream_is_rejected_whole() {
    let house = House::new();
    let handled = house
        .worker
        .handle(json!({"key": "value"}), &Invocation::local("1"))
        .await;
    assert_eq!(handled.records[0].fate.kind(), "not-a-stream-record");
    assert!(handled.response().is_ok());
}

#[tokio::test]
async fn a_rejected_record_is_kept_once_however_often_it_comes() {
    let house = House::new();
    house.fate(insert(1, "ann")).await;
    house.fate(insert(1, "ann")).await;
    assert_eq!(house.rejections.all().len(), 1);
    house.fate(insert(2, "ann")).await;
    assert_eq!(house.rejections.all().len(), 2);
}

#[tokio::test]
async fn a_rejection_that_cannot_be_kept_is_a_retry() {
    let house = House::new();
    house.rejections.set_failing(true);
    let fate = house.fate(insert(1, "ann")).await;
    assert_eq!((fate.name(), fate.kind()), ("retry", "unkept"));
}

#[tokio::test]
async fn each_failure_to_send_has_its_fate_and_leaves_its_claim() {
    let held = |hold| SendFailure::Held(hold, why());
    for (failure, fate_name, kind, state) in [
        (
            SendFailure::Throttled(why()),
            "retry",
            "throttled",
            State::Free,
        ),
        (
            SendFailure::QuotaExceeded(why()),
            "retry",
            "quota",
            State::Free,
        ),
        (
            SendFailure::NotSent(why()),
            "retry",
            "unavailable",
            State::Free,
        ),
        (SendFailure::Denied(why()), "retry", "denied", State::Free),
        (
            SendFailure::Ambiguous(why()),
            "retry",
            "unknown",
            State::Unknown,
        ),
        (
            SendFailure::Rejected(why()),
            "rejected",
            "refused",
            State::Free,
        ),
        (held(Hold::SendingPaused), "retry", "held", State::Free),
        (held(Hold::AccountSuspended), "retry", "held", State::Free),
        (
            held(Hold::MailFromDomainNotVerified),
            "retry",
            "held",
            State::Free,
        ),
        (
            held(Hold::ConfigurationSetNotFound),
            "retry",
            "held",
            State::Free,
        ),
        (
            held(Hold::IdentityNotVerified),
            "retry",
            "held",
            State::Free,
        ),
    ] {
        let house = House::told(Act::Fail(failure.clone()));
        let fate = house.fate(insert(1, "ann@example.com")).await;
        assert_eq!((fate.name(), fate.kind()), (fate_name, kind), "{failure:?}");
        assert_eq!(fate.reason(), failure.to_string());
        assert_eq!(house.claim().state, state, "{failure:?}");
        assert_eq!(
            house.rejections.all().len(),
            usize::from(fate_name == "rejected")
        );
    }
}

#[tokio::test]
async fn what_was_surely_not_sent_is_sent_at_once_the_next_time() {
    let house = House::told(Act::Fail(SendFailure::Throttled(why())));
    assert_eq!(
        house.fate(insert(1, "ann@example.com")).await.kind(),
        "throttled"
    );
    assert_eq!(
        house.fate(insert(1, "ann@example.com")).await.kind(),
        "applied"
    );
    assert_eq!(house.claim().attempts, 2);
}

#[tokio::test]
async fn an_ambiguous_send_is_sent_again_only_after_the_settle_time() {
    let house = House::told(Act::Fail(SendFailure::Ambiguous(why())));
    let handled = house.handle(vec![insert(1, "ann@example.com")]).await;
    assert_eq!(metric(&handled, "MailsUnknown"), "1");
    house.pass(SETTLE_MS - 1);
    let fate = house.fate(insert(1, "ann@example.com")).await;
    assert_eq!((fate.name(), fate.kind()), ("retry", "unsettled"));
    assert_eq!(house.script.begun.load(SeqCst), 1);
    house.pass(1);
    assert_eq!(
        house.fate(insert(1, "ann@example.com")).await.kind(),
        "applied"
    );
}

#[tokio::test]
async fn a_crash_while_sending_is_unknown_until_it_settles() {
    let house = House::told(Act::Panic);
    let fate = house.fate(insert(1, "ann@example.com")).await;
    assert_eq!((fate.name(), fate.kind()), ("retry", "panic"));
    let claim = house.claim();
    assert_eq!(
        (claim.state, claim.until_ms),
        (State::Working, START_MS + 60_000)
    );
    assert_eq!(
        house.fate(insert(1, "ann@example.com")).await.kind(),
        "busy"
    );
    house.pass(60_000);
    assert_eq!(
        house.fate(insert(1, "ann@example.com")).await.kind(),
        "unsettled"
    );
    house.pass(SETTLE_MS - 1);
    assert_eq!(
        house.fate(insert(1, "ann@example.com")).await.kind(),
        "unsettled"
    );
    assert_eq!(house.sent(), [""; 0]);
    house.pass(1);
    assert_eq!(
        house.fate(insert(1, "ann@example.com")).await.kind(),
        "applied"
    );
}

#[tokio::test]
async fn evidence_settles_an_unknown_send() {
    let house = House::told(Act::Fail(SendFailure::Ambiguous(why())));
    house.fate(insert(1, "ann@example.com")).await;
    let (key, _) = house.claims.all().pop_first().unwrap();
    // What the worker that takes SES's events does, which has the key from the mail's tag.
    let claims = Claims::new(
        house.claims.clone(),
        Duration::ZERO,
        Duration::from_hours(1),
    );
    let settled = claims.settle(&key, "message-9", START_MS).await;
    assert_eq!(settled, Ok(Settled::Now(Some(State::Unknown))));
    house.pass(SETTLE_MS);
    let fate = house.fate(insert(1, "ann@example.com")).await;
    assert_eq!(
        fate,
        Fate::duplicate("the mail went out before, as message-9")
    );
    assert_eq!(house.sent(), [""; 0]);
}

#[tokio::test]
async fn the_lease_outlasts_the_call() {
    let house = House::told(Act::Fail(SendFailure::NotSent(why())));
    house
        .claims
        .fail_next([None, Some(ClaimError::Throttled("busy".to_owned()))]);
    let hands = Arc::clone(&house.now);
    let invocation = Invocation {
        deadline: Some(START_MS + 10_000),
        clock: Clock::from_fn(move || hands.load(SeqCst)),
        ..Invocation::local("request-1")
    };
    let event = json!({"Records": [insert(1, "ann@example.com")]});
    let handled = house.worker.handle(event, &invocation).await;
    // The release failed too: still a retry, and the claim stays as it was made.
    assert_eq!(handled.records[0].fate.kind(), "unavailable");
    let claim = house.claim();
    assert_eq!(
        (claim.state, claim.until_ms),
        (State::Working, START_MS + 15_000)
    );
}

#[tokio::test]
async fn a_send_without_an_answer_ends_with_the_call_and_is_not_released() {
    let house = House::told(Act::Hang);
    let invocation = Invocation {
        deadline: Some(START_MS + 800),
        clock: Clock::from_fn(|| START_MS),
        ..Invocation::local("request-1")
    };
    let event = json!({"Records": [insert(1, "ann@example.com")]});
    let handled = house.worker.handle(event, &invocation).await;
    assert_eq!(handled.records[0].fate.kind(), "no-time");
    assert_eq!(house.claim().state, State::Working);
}

#[tokio::test]
async fn a_table_that_does_not_answer_keeps_the_mail_from_being_sent() {
    for (error, kind) in [
        (ClaimError::Denied("no".to_owned()), "denied"),
        (ClaimError::Throttled("no".to_owned()), "throttled"),
        (ClaimError::Unavailable("no".to_owned()), "unavailable"),
    ] {
        let house = House::new();
        house.claims.fail_next([Some(error)]);
        let fate = house.fate(insert(1, "ann@example.com")).await;
        assert_eq!((fate.name(), fate.kind()), ("retry", kind));
        assert_eq!(house.script.begun.load(SeqCst), 0);
    }
}

#[tokio::test]
async fn a_mail_that_went_out_is_done_even_if_that_cannot_be_recorded() {
    let house = House::new();
    house
        .claims
        .fail_next([None, Some(ClaimError::Unavailable("no".to_owned()))]);
    assert_eq!(
        house.fate(insert(1, "ann@example.com")).await.kind(),
        "applied"
    );
    assert_eq!(house.claim().state, State::Working);
}

#[tokio::test]
async fn one_failure_in_the_middle_is_the_checkpoint_and_the_others_go_out() {
    let house = House::new();
    house
        .script
        .acts
        .lock()
        .unwrap()
        .extend([Act::Panic, Act::Fail(SendFailure::Throttled(why()))]);
    let handled = house
        .handle(vec![
            insert(98, "not an address"),
            insert(99, "a@example.com"),
            insert(100, "b@example.com"),
            insert(101, "c@example.com"),
            record("MODIFY", 102, &json!({})),
        ])
        .await;
    let failed: Vec<u64> = handled
        .records
        .iter()
        .filter(|record| record.fate.is_retry())
        .map(|record| record.id.as_ref().unwrap().parse().unwrap())
        .collect();
    assert_eq!(failed.len(), 2, "{handled:?}");
    assert_eq!(
        checkpoint(&handled),
        json!([{"itemIdentifier": failed[0].to_string()}])
    );
    assert_eq!(
        (
            house.sent().len(),
            handled.count("done"),
            handled.count("rejected")
        ),
        (1, 2, 1)
    );
    let ids: Vec<&str> = handled
        .records
        .iter()
        .filter_map(|record| record.id.as_deref())
        .collect();
    assert_eq!(ids, ["98", "99", "100", "101", "102"]);
}

#[tokio::test]
async fn an_empty_event_is_nothing_to_do() {
    let handled = House::new().handle(vec![]).await;
    assert_eq!((handled.records.len(), handled.is_finished()), (0, true));
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_address_and_no_key_is_logged() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(lines.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let house = House::new();
    let refused = Reason::new("Email address is not verified: ann@example.com");
    house
        .script
        .acts
        .lock()
        .unwrap()
        .push_back(Act::Fail(SendFailure::Held(
            Hold::IdentityNotVerified,
            refused,
        )));
    // One claim is refused its release, and one its completion.
    let down = || Some(ClaimError::Unavailable("down".to_owned()));
    house.claims.fail_next([None, down(), None, down()]);
    let mut debug = String::new();
    for record in [
        insert(1, "ann@example.com"),
        insert(2, "bob@example.com"),
        insert(3, "carol smith@example.com"),
        record(
            "INSERT",
            4,
            &json!({"email": {"S": "dora@example.com"}, "status": {"S": "dora@example.com"}}),
        ),
        record("INSERT", 5, &json!({"email": "elsa jones@example.com"})),
    ] {
        let handled = house.handle(vec![record]).await;
        handled.log();
        debug.extend([format!("{handled:?}"), format!("{:?}", house.worker.config)]);
    }
    drop(guard);
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.matches("record done").count(), 1, "{log}");
    assert_eq!(log.matches("not recorded").count(), 1, "{log}");
    assert_eq!(log.matches("the claim stays").count(), 1, "{log}");
    assert_eq!(log.matches("record rejected").count(), 3, "{log}");
    for secret in ["example.com", "smith", "dora", "elsa", "0123456789abcdef"] {
        assert!(!log.contains(secret), "{secret} is in {log}");
        assert!(!debug.contains(secret), "{secret} is in {debug}");
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = || {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "(INSERT|a@b.co|.{0,8})".prop_map(Value::from),
        ]
    };
    let tree = leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("(S|N|BOOL|M|L|B|email|.{0,3})", inner, 0..3)
                .prop_map(|map| map.into_iter().collect()),
        ]
    });
    // Most fields of a record are scalars: trees alone would seldom get past its parsing.
    prop_oneof![leaf(), tree]
}

proptest! {
    #[test]
    fn whatever_stands_in_a_record_is_no_panic(
        field in "(eventID|eventName|eventSource|awsRegion|dynamodb)",
        part in "(ApproximateCreationDateTime|Keys|NewImage|SequenceNumber|SizeBytes|StreamViewType)",
        outer in json_value(),
        inner in json_value(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (field, part, value) in [(Some(&field), None, &outer), (None, Some(&part), &inner)] {
            let mut record = insert(1, "ann@example.com");
            if let Some(field) = field {
                record[field] = value.clone();
            }
            if let Some(part) = part {
                record["dynamodb"][part] = value.clone();
            }
            let house = House::new();
            let fate = runtime.block_on(house.fate(record));
            prop_assert_ne!(fate.kind(), "panic");
        }
    }
}
