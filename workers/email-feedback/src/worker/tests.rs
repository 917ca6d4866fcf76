//! Every fate, through the handler.

use std::io;
use std::sync::{Arc, Mutex};

use fleet::claim::{Claim, ClaimError, Claimed, State};
use fleet::rejection::Rejection;
use fleet::testing::{MemoryClaims, MemoryRejections, MemoryTable, TableOperation};
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::*;

const NOW: u64 = 1_773_480_000_000;
const CLAIM: &str = "welcome-71d4";

/// A worker and what it stands on.
struct House {
    worker: FeedbackWorker<MemoryTable, MemoryTable, MemoryClaims, MemoryRejections>,
    addresses: MemoryTable,
    subscribers: MemoryTable,
    claims: MemoryClaims,
    rejections: MemoryRejections,
}

impl House {
    fn new() -> Self {
        let (addresses, subscribers) = (MemoryTable::default(), MemoryTable::default());
        let (claims, rejections) = (MemoryClaims::default(), MemoryRejections::default());
        let worker = FeedbackWorker::new(
            Config::from_env(&[]).unwrap(),
            addresses.clone(),
            Some(subscribers.clone()),
            claims.clone(),
            rejections.clone(),
            Clock::from_fn(|| NOW),
        );
        Self {
            worker,
            addresses,
            subscribers,
            claims,
            rejections,
        }
    }

    /// With a claim in this state.
    async fn claimed(state: State) -> Self {
        let house = Self::new();
        let claims = house.sender();
        let lease = Duration::from_secs(30);
        let Ok(Claimed::Acquired(ticket)) = claims.claim(CLAIM, "sender", lease, NOW).await else {
            panic!("nothing stands there");
        };
        match state {
            State::Working => {}
            State::Unknown => drop(claims.doubt(&ticket, NOW).await.unwrap()),
            State::Done => drop(claims.complete(&ticket, "m-0", NOW).await.unwrap()),
            State::Free => drop(claims.release(&ticket, NOW).await.unwrap()),
        }
        house
    }

    /// The claims as the sender sees them.
    fn sender(&self) -> Claims<MemoryClaims> {
        let (settle, keep) = (Duration::from_mins(2), Duration::from_hours(24));
        Claims::new(self.claims.clone(), settle, keep)
    }

    async fn handle(&self, bodies: &[String]) -> Handled {
        let records: Vec<Value> = bodies
            .iter()
            .enumerate()
            .map(|(number, body)| {
                json!({
                    "eventSource": "aws:sqs", "messageId": number.to_string(), "receiptHandle": "secret",
                    "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:email-feedback", "body": body,
                })
            })
            .collect();
        let event = json!({ "Records": records });
        self.worker
            .handle(event, &Invocation::local("request-1"))
            .await
    }

    /// The fate of a single notice.
    async fn fate(&self, notice: &Value) -> Fate {
        let mut handled = self.handle(&[notice.to_string()]).await;
        assert_eq!(handled.records.len(), 1);
        handled.records.remove(0).fate
    }

    fn address(&self, address: &str) -> Option<Item> {
        self.addresses.item(&key(address))
    }

    fn claim(&self) -> Option<Claim> {
        self.claims.get(CLAIM)
    }
}

fn key(address: &str) -> Key {
    Key::of(Recipient::of(address).unwrap().digest())
}

fn notice(kind: &str, part: &str, content: &Value) -> Value {
    json!({
        "eventType": kind,
        part: content,
        "mail": {
            "timestamp": "2026-03-14T09:00:00.000Z",
            "messageId": "m-1",
            "destination": ["ann@example.com"],
            "tags": { "idempotency-key": [CLAIM] },
        },
    })
}

fn bounce(kind: &str, addresses: &[&str]) -> Value {
    let entries: Vec<Value> = addresses
        .iter()
        .map(|address| json!({ "emailAddress": address }))
        .collect();
    let bounce = json!({
        "bounceType": kind, "bounceSubType": "General", "bouncedRecipients": entries,
        "timestamp": "2026-03-14T09:00:05.000Z",
    });
    let mut notice = notice("Bounce", "bounce", &bounce);
    notice["mail"]["destination"] = json!(addresses);
    notice
}

fn complaint() -> Value {
    let complaint = json!({
        "complainedRecipients": [{ "emailAddress": "ann@example.com" }],
        "complaintFeedbackType": "abuse", "timestamp": "2026-03-14T10:00:00.000Z",
    });
    notice("Complaint", "complaint", &complaint)
}

fn delivery() -> Value {
    let delivery =
        json!({ "recipients": ["ann@example.com"], "timestamp": "2026-03-14T09:00:02.000Z" });
    notice("Delivery", "delivery", &delivery)
}

fn sent() -> Value {
    notice("Send", "send", &json!({}))
}

fn rejected() -> Value {
    notice("Reject", "reject", &json!({ "reason": "Bad content" }))
}

fn metric(handled: &Handled, name: &str) -> f64 {
    handled
        .metrics
        .iter()
        .find(|metric| metric.name == name)
        .unwrap()
        .value
}

fn down() -> TableError {
    TableError::Unavailable("down".to_owned())
}

#[tokio::test]
async fn a_permanent_bounce_suppresses_its_address_and_tells_its_subscriber() {
    let house = House::new();
    house.subscribers.place(
        key("ann@example.com"),
        Item::from_iter([("name".to_owned(), "Ann".into())]),
    );
    let notice = bounce("Permanent", &["Ann@example.com", "bob@example.com"]);
    let handled = house.handle(&[notice.to_string()]).await;
    let fate = &handled.records[0].fate;
    assert_eq!((fate.name(), fate.kind()), ("done", "applied"));
    assert_eq!(handled.records[0].subject, "permanent bounce of mail m-1");
    for address in ["ann@example.com", "bob@example.com"] {
        let item = house.address(address).unwrap();
        assert_eq!(
            (&item["suppressed"], &item["reason"]),
            (&json!(true), &json!("bounce"))
        );
    }
    let row = house.subscribers.item(&key("ann@example.com")).unwrap();
    assert_eq!(
        Value::from(row),
        json!({ "name": "Ann", "suppressed": true, "status": "bounced" })
    );
    // Bob is no subscriber, and does not become one.
    assert_eq!(house.subscribers.all().len(), 1);
    assert_eq!(metric(&handled, "AddressesSuppressed").to_string(), "2");
    assert_eq!(metric(&handled, "PermanentBounces").to_string(), "2");
    assert_eq!(
        handled.response().unwrap(),
        json!({ "batchItemFailures": [] })
    );
}

#[tokio::test]
async fn a_complaint_suppresses_and_no_spam_does_not() {
    let house = House::new();
    house.subscribers.place(key("ann@example.com"), Item::new());
    assert_eq!(house.fate(&complaint()).await.kind(), "applied");
    let row = house.subscribers.item(&key("ann@example.com")).unwrap();
    assert_eq!(row["status"], "complained");

    let house = House::new();
    let mut kind = complaint();
    kind["complaint"]["complaintFeedbackType"] = json!("not-spam");
    kind["mail"]["tags"].take();
    let fate = house.fate(&kind).await;
    assert_eq!(fate, Fate::skipped("a report of no spam changes nothing"));
    assert_eq!(house.addresses.all().len(), 0);
}

#[tokio::test]
async fn a_transient_bounce_is_counted_and_suppresses_nobody() {
    let house = House::new();
    house.subscribers.place(key("ann@example.com"), Item::new());
    let notice = bounce("Transient", &["ann@example.com"]).to_string();
    let handled = house.handle(&[notice.clone(), notice]).await;
    let kinds: Vec<&str> = handled
        .records
        .iter()
        .map(|record| record.fate.kind())
        .collect();
    assert_eq!(kinds, ["applied", "duplicate"]);
    let item = house.address("ann@example.com").unwrap();
    assert_eq!(
        (item.get("suppressed"), &item["transientBounces"]),
        (None, &json!(1))
    );
    assert_eq!(
        house.subscribers.item(&key("ann@example.com")),
        Some(Item::new())
    );
    assert_eq!(metric(&handled, "TransientBounces").to_string(), "1");
    assert_eq!(metric(&handled, "AddressesSuppressed").to_string(), "0");
}

#[tokio::test]
async fn a_delivery_is_noted_and_never_lifts_a_suppression() {
    let house = House::new();
    house.fate(&complaint()).await;
    assert_eq!(house.fate(&delivery()).await.kind(), "applied");
    let item = house.address("ann@example.com").unwrap();
    assert_eq!(item["suppressed"], true);
    assert_eq!(item["deliveredAt"], "2026-03-14T09:00:02.000Z");
    // A delivery is no news of a suppression, so it does not go round to tell of one.
    let later =
        json!({ "recipients": ["ann@example.com"], "timestamp": "2026-03-14T11:00:00.000Z" });
    house.subscribers.place(key("ann@example.com"), Item::new());
    house.fate(&notice("Delivery", "delivery", &later)).await;
    assert_eq!(
        house.subscribers.item(&key("ann@example.com")),
        Some(Item::new())
    );
}

#[tokio::test]
async fn any_evidence_settles_a_claim_in_any_state() {
    let delay = notice(
        "DeliveryDelay",
        "deliveryDelay",
        &json!({ "delayType": "MailboxFull" }),
    );
    let failure = notice(
        "Rendering Failure",
        "failure",
        &json!({ "errorMessage": "no name" }),
    );
    let bounce = bounce("Permanent", &["ann@example.com"]);
    for notice in [
        sent(),
        delivery(),
        delay,
        bounce,
        complaint(),
        rejected(),
        failure,
    ] {
        for state in [State::Working, State::Unknown, State::Free] {
            let house = House::claimed(state).await;
            let handled = house.handle(&[notice.to_string()]).await;
            assert_eq!(
                metric(&handled, "ClaimsSettled").to_string(),
                "1",
                "{notice}"
            );
            let claim = house.claim().unwrap();
            assert_eq!(
                (claim.state, claim.receipt.as_deref()),
                (State::Done, Some("m-1"))
            );
            let much_later = NOW + 1_000_000_000;
            let again = house
                .sender()
                .claim(CLAIM, "again", Duration::ZERO, much_later)
                .await;
            assert_eq!(again, Ok(Claimed::Done(Some("m-1".to_owned()))));
        }
    }
}

#[tokio::test]
async fn a_send_says_what_it_found() {
    for (state, fate) in [
        (
            State::Unknown,
            Fate::applied("the claim was unknown and is done"),
        ),
        (State::Done, Fate::duplicate("the claim was done before")),
    ] {
        assert_eq!(House::claimed(state).await.fate(&sent()).await, fate);
    }
    let house = House::new();
    assert_eq!(
        house.fate(&sent()).await,
        Fate::applied("the claim was not there and is done")
    );
    let mut untagged = sent();
    untagged["mail"]["tags"].take();
    assert_eq!(
        house.fate(&untagged).await,
        Fate::skipped("a send changes nothing")
    );
}

#[tokio::test]
async fn a_refusal_of_ses_is_kept_and_does_not_send_again() {
    let house = House::claimed(State::Unknown).await;
    let fate = house.fate(&rejected()).await;
    assert_eq!((fate.name(), fate.kind()), ("rejected", "ses-reject"));
    assert!(fate.reason().contains("Bad content"), "{fate:?}");
    assert_eq!(house.claim().unwrap().state, State::Done);
    assert_eq!(house.rejections.all().len(), 1);
    // Again: the same fate, kept once. Another is kept beside it.
    assert_eq!(house.fate(&rejected()).await.kind(), "ses-reject");
    assert_eq!(house.rejections.all().len(), 1);
    let mut other = rejected();
    other["mail"]["messageId"] = json!("m-2");
    house.fate(&other).await;
    assert_eq!(house.rejections.all().len(), 2);
}

#[tokio::test]
async fn what_nobody_acts_on_is_skipped() {
    for (kind, part) in [
        ("Open", "open"),
        ("Click", "click"),
        ("Subscription", "subscription"),
    ] {
        let house = House::claimed(State::Unknown).await;
        let fate = house.fate(&notice(kind, part, &json!({}))).await;
        assert_eq!(fate, Fate::skipped(format!("a {part} changes nothing")));
        assert_eq!(house.claim().unwrap().state, State::Unknown);
    }
    let house = House::new();
    let trial = "Successfully validated SNS topic for Amazon SES event publishing.".to_owned();
    let handled = house.handle(&[trial]).await;
    assert_eq!(handled.records[0].fate.kind(), "skipped");
}

#[tokio::test]
async fn what_cannot_be_understood_is_rejected_and_kept_without_its_receipt_handle() {
    let mut no_id = sent();
    no_id["mail"]["messageId"].take();
    for (body, kind) in [
        ("not JSON".to_owned(), "not-feedback"),
        ("{}".to_owned(), "not-feedback"),
        (no_id.to_string(), "malformed"),
        (
            notice("Forwarded", "forwarded", &json!({})).to_string(),
            "unknown-type",
        ),
        (
            bounce("Forever", &["ann@example.com"]).to_string(),
            "unknown-type",
        ),
    ] {
        let house = House::claimed(State::Unknown).await;
        let handled = house.handle(std::slice::from_ref(&body)).await;
        let fate = &handled.records[0].fate;
        assert_eq!((fate.name(), fate.kind()), ("rejected", kind), "{body}");
        let kept: Vec<Rejection> = house.rejections.all().into_values().collect();
        assert_eq!((&kept[0].record["body"], kept.len()), (&json!(body), 1));
        assert_eq!(kept[0].record["receiptHandle"], Value::Null);
        assert_eq!(house.addresses.all().len(), 0);
        assert_eq!(house.claim().unwrap().state, State::Unknown);
    }
}

#[tokio::test]
async fn an_unreadable_recipient_does_not_shield_the_others() {
    let house = House::new();
    let fate = house
        .fate(&bounce("Permanent", &["nobody", "bob@example.com"]))
        .await;
    assert_eq!(
        (fate.name(), fate.kind()),
        ("rejected", "invalid-recipient")
    );
    assert_eq!(
        house.address("bob@example.com").unwrap()["suppressed"],
        true
    );
    assert_eq!(house.claim().unwrap().state, State::Done);
}

#[tokio::test]
async fn one_bad_notice_does_not_hold_up_its_batch() {
    let house = House::new();
    house.addresses.fail_once(
        TableOperation::Get,
        key("bob@example.com").partition.as_str(),
        down(),
    );
    let mut other = bounce("Permanent", &["bob@example.com"]);
    other["mail"]["tags"].take();
    let bodies = [
        complaint().to_string(),
        "poison".to_owned(),
        other.to_string(),
        sent().to_string(),
    ];
    let handled = house.handle(&bodies).await;
    let kinds: Vec<&str> = handled
        .records
        .iter()
        .map(|record| record.fate.kind())
        .collect();
    assert_eq!(kinds[..3], ["applied", "not-feedback", "unavailable"]);
    let failures = json!({ "batchItemFailures": [{ "itemIdentifier": "2" }] });
    assert_eq!(handled.response().unwrap(), failures);
}

#[tokio::test]
async fn whatever_call_fails_the_notice_is_done_again_to_the_same_end() {
    let ann = key("ann@example.com").partition;
    let fail: [fn(&House, &str); 6] = [
        |house, ann| house.addresses.fail_once(TableOperation::Get, ann, down()),
        |house, ann| {
            house
                .addresses
                .fail_once(TableOperation::Write, ann, down());
        },
        |house, ann| house.addresses.lose_answer_once(ann),
        |house, ann| {
            house
                .subscribers
                .fail_once(TableOperation::Write, ann, down());
        },
        |house, ann| house.subscribers.lose_answer_once(ann),
        |house, _| {
            house
                .claims
                .fail_next([Some(ClaimError::Throttled("no".to_owned()))]);
        },
    ];
    for notice in [bounce("Permanent", &["ann@example.com"]), complaint()] {
        for (number, fail) in fail.into_iter().enumerate() {
            let house = House::claimed(State::Unknown).await;
            house.subscribers.place(key("ann@example.com"), Item::new());
            fail(&house, &ann);
            let fate = house.fate(&notice).await;
            assert_eq!(fate.name(), "retry", "{number}: {fate:?}");
            let fate = house.fate(&notice).await;
            assert_eq!(fate.name(), "done", "{number}: {fate:?}");
            assert_eq!(
                house.address("ann@example.com").unwrap()["suppressed"],
                true
            );
            let row = house.subscribers.item(&key("ann@example.com")).unwrap();
            assert_eq!(row["suppressed"], true, "{number}");
            assert_eq!(house.claim().unwrap().state, State::Done, "{number}");
        }
    }
}

#[tokio::test]
async fn a_transient_bounce_whose_answer_was_lost_is_counted_once() {
    let house = House::new();
    house
        .addresses
        .lose_answer_once(&key("ann@example.com").partition);
    let notice = bounce("Transient", &["ann@example.com"]);
    assert_eq!(house.fate(&notice).await.kind(), "unavailable");
    assert_eq!(house.fate(&notice).await.kind(), "duplicate");
    assert_eq!(
        house.address("ann@example.com").unwrap()["transientBounces"],
        1
    );
}

#[tokio::test]
async fn two_notices_of_one_address_at_once_both_count() {
    let house = House::new();
    let ann = key("ann@example.com").partition;
    let bounced = |message_id: &str| {
        let mut notice = bounce("Transient", &["ann@example.com"]);
        notice["mail"]["messageId"] = json!(message_id);
        notice
    };
    // First for an address of which nothing is known, then for one that stands in the table.
    for (first, second, number) in [("m-1", "m-2", 2), ("m-3", "m-4", 4)] {
        let (first, second) = (bounced(first), bounced(second));
        // Between this one's look and its write, the other writes.
        let pause = house.addresses.pause_once(TableOperation::Write, &ann);
        let slow = house.fate(&first);
        let quick = async {
            pause.reached().await;
            let fate = house.fate(&second).await;
            pause.resume();
            fate
        };
        let (slow, quick) = tokio::join!(slow, quick);
        assert_eq!((slow.kind(), quick.kind()), ("applied", "applied"));
        let item = house.address("ann@example.com").unwrap();
        assert_eq!(item["transientBounces"], number);
    }
}

#[tokio::test]
async fn a_rejection_that_cannot_be_kept_is_a_retry() {
    let house = House::new();
    house.rejections.set_failing(true);
    assert_eq!(
        house.handle(&["poison".to_owned()]).await.records[0]
            .fate
            .kind(),
        "unkept"
    );
}

#[tokio::test]
async fn without_a_subscribers_table_the_address_is_suppressed_all_the_same() {
    let house = House::new();
    let worker = FeedbackWorker {
        subscribers: None,
        ..house.worker.clone()
    };
    let event = json!({ "Records": [{ "eventSource": "aws:sqs", "messageId": "1", "body": complaint().to_string() }] });
    let handled = worker.handle(event, &Invocation::local("1")).await;
    assert_eq!(handled.records[0].fate.kind(), "applied");
    assert_eq!(
        house.address("ann@example.com").unwrap()["suppressed"],
        true
    );
    assert_eq!(house.subscribers.all().len(), 0);
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
async fn no_address_is_in_a_log_or_a_reason() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(lines.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let house = House::new();
    let mut unknown = sent();
    unknown["eventType"] = json!("Forwarded to eve@example.com");
    let mut refused = rejected();
    refused["reject"]["reason"] = json!("Bad content for carol@example.com");
    let bodies = [
        bounce("Permanent", &["ann@example.com", "dora example.com"]),
        bounce("Transient", &["bob@example.com"]),
        complaint(),
        delivery(),
        unknown,
        refused,
    ]
    .map(|notice| notice.to_string());
    let handled = house.handle(&bodies).await;
    handled.log();
    drop(guard);
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.matches("record done").count(), 3, "{log}");
    assert_eq!(log.matches("record rejected").count(), 3, "{log}");
    let debug = format!("{handled:?}");
    for secret in ["example.com", "dora", "secret"] {
        assert!(!log.contains(secret), "{secret} is in {log}");
        assert!(!debug.contains(secret), "{secret} is in {debug}");
    }
}
