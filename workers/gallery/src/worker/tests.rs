//! Every fate, through the handler; then order, duplicates, crashes and races.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fleet::table::{Item, Key};
use fleet::testing::{MemoryRejections, MemoryTable, TableOperation};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const NOW: u64 = 1_773_480_413_589;
const CAT: &str = "ana/cat.jpg";

/// A worker and what it stands on.
#[derive(Clone)]
struct House {
    worker: GalleryWorker<MemoryTable, MemoryRejections>,
    catalogue: MemoryTable,
    rejections: MemoryRejections,
}

impl House {
    fn new() -> Self {
        let (catalogue, rejections) = (MemoryTable::default(), MemoryRejections::default());
        let worker = GalleryWorker::new(
            Config::from_env(&[]).unwrap(),
            catalogue.clone(),
            rejections.clone(),
            Clock::from_fn(|| NOW),
        );
        Self {
            worker,
            catalogue,
            rejections,
        }
    }

    async fn handle(&self, bodies: &[String]) -> Handled {
        let records: Vec<Value> = bodies
            .iter()
            .enumerate()
            .map(|(number, body)| {
                json!({
                    "eventSource": "aws:sqs", "messageId": number.to_string(), "receiptHandle": "secret",
                    "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:gallery", "body": body,
                })
            })
            .collect();
        let event = json!({ "Records": records });
        let invocation = Invocation::local("request");
        self.worker.handle(event, &invocation).await
    }

    async fn fate(&self, event: &Value) -> String {
        fates(&self.handle(&[event.to_string()]).await).remove(0)
    }

    fn item(&self, key: &str) -> Option<Item> {
        self.catalogue.item(&Key::of(format!("uploads/{key}")))
    }

    /// What the index lists for an owner, newest first.
    fn listed(&self, owner: &str) -> Vec<String> {
        let mut listed: Vec<(String, String)> = self
            .catalogue
            .all()
            .into_iter()
            .filter(|(_, item)| item.get("owner").is_some_and(|name| name == owner))
            .filter_map(|(key, item)| {
                Some((item.get("uploadedAt")?.as_str()?.to_owned(), key.partition))
            })
            .collect();
        listed.sort_unstable_by(|a, b| b.cmp(a));
        listed.into_iter().map(|(_, photo)| photo).collect()
    }
}

fn fates(handled: &Handled) -> Vec<String> {
    let name = |record: &Record| format!("{}/{}", record.fate.name(), record.fate.kind());
    handled.records.iter().map(name).collect()
}

fn redelivered(handled: &Handled) -> Vec<String> {
    let response = handled.response().unwrap();
    let failures = response["batchItemFailures"].as_array().unwrap();
    failures
        .iter()
        .map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned())
        .collect()
}

fn event(name: &str, key: &str, sequencer: &str, revision: u64) -> Value {
    json!({
        "event": name, "version": 1, "bucket": "uploads", "key": key, "sourceVersion": format!("v{sequencer}"),
        "sequencer": sequencer, "revision": revision, "time": format!("2026-03-14T09:{revision:02}:00.000Z"),
        "thumbnailsBucket": "thumbs", "manifestKey": format!("manifests/uploads/{key}.json"),
    })
}

fn ready(key: &str, sequencer: &str, revision: u64) -> Value {
    let mut event = event("photo-ready", key, sequencer, revision);
    event["manifest"] = json!({
        "source": { "width": 40, "height": 30, "bytes": revision, "type": "image/jpeg" },
        "thumbhash": "hash", "srcset": "/a 128w", "picture": [],
    });
    event
}

fn removed(key: &str, sequencer: &str, revision: u64) -> Value {
    event("photo-removed", key, sequencer, revision)
}

fn wrapped(event: &Value) -> String {
    json!({ "Type": "Notification", "TopicArn": "t", "Message": event.to_string() }).to_string()
}

fn throttled() -> TableError {
    TableError::Throttled("busy".to_owned())
}

#[tokio::test]
async fn the_photos_of_an_owner_are_listed_newest_first() {
    let house = House::new();
    let bodies = [
        ready("ana/1.jpg", "01", 1).to_string(),
        wrapped(&ready("ana/2.jpg", "01", 2)),
        ready("ben/1.jpg", "01", 3).to_string(),
        ready("root.jpg", "01", 4).to_string(),
    ];
    let handled = house.handle(&bodies).await;
    assert_eq!(fates(&handled), ["done/applied"; 4]);
    assert_eq!(
        house.listed("ana"),
        ["uploads/ana/2.jpg", "uploads/ana/1.jpg"]
    );
    assert_eq!(house.listed("ben"), ["uploads/ben/1.jpg"]);
    assert_eq!(house.listed("/"), ["uploads/root.jpg"]);
    let counted: Vec<_> = handled
        .metrics
        .iter()
        .map(|metric| (metric.name, metric.value))
        .collect();
    assert_eq!(counted, [("PhotosListed", 4.0), ("PhotosUnlisted", 0.0)]);
}

#[tokio::test]
async fn a_removed_photo_is_not_listed_and_an_old_event_does_not_bring_it_back() {
    let house = House::new();
    assert_eq!(house.fate(&ready(CAT, "01", 1)).await, "done/applied");
    assert_eq!(house.fate(&removed(CAT, "02", 2)).await, "done/applied");
    assert_eq!(house.listed("ana"), [""; 0]);
    let days_90 = NOW / 1_000 + 90 * 24 * 60 * 60;
    assert_eq!(house.item(CAT).unwrap()["expires_at"], days_90);
    house.catalogue.take_calls();
    assert_eq!(house.fate(&ready(CAT, "01", 1)).await, "done/superseded");
    assert_eq!(house.fate(&removed(CAT, "02", 2)).await, "done/duplicate");
    assert_eq!(house.catalogue.take_calls(), ["get uploads/ana/cat.jpg"; 2]);
    assert_eq!(house.fate(&ready(CAT, "03", 3)).await, "done/applied");
    assert_eq!(house.listed("ana"), ["uploads/ana/cat.jpg"]);
    assert!(!house.item(CAT).unwrap().contains_key("expires_at"));
}

#[tokio::test]
async fn a_removal_that_comes_first_is_remembered() {
    let house = House::new();
    assert_eq!(house.fate(&removed(CAT, "02", 2)).await, "done/applied");
    assert_eq!(house.fate(&ready(CAT, "01", 1)).await, "done/superseded");
    assert_eq!(house.listed("ana"), [""; 0]);
}

#[tokio::test]
async fn another_recipe_of_the_same_upload_takes_the_place_of_the_first() {
    let house = House::new();
    house.fate(&ready(CAT, "01", 2)).await;
    assert_eq!(house.fate(&ready(CAT, "01", 1)).await, "done/superseded");
    assert_eq!(house.fate(&ready(CAT, "01", 3)).await, "done/applied");
    assert_eq!(house.item(CAT).unwrap()["bytes"], 3);
}

#[tokio::test]
async fn within_a_batch_the_newest_event_is_written_and_no_other() {
    let house = House::new();
    let bodies = [
        ready(CAT, "01", 1).to_string(),
        ready(CAT, "03", 3).to_string(),
        ready(CAT, "02", 2).to_string(),
        ready(CAT, "03", 3).to_string(),
    ];
    let handled = house.handle(&bodies).await;
    assert_eq!(
        fates(&handled),
        [
            "done/superseded",
            "done/applied",
            "done/superseded",
            "done/duplicate"
        ]
    );
    let calls = house.catalogue.take_calls();
    let writes = calls.iter().filter(|call| call.starts_with("write"));
    assert_eq!(writes.count(), 1, "{calls:?}");
}

#[tokio::test]
async fn what_is_no_event_of_a_photo_is_rejected_and_kept_once() {
    let mut newer = ready(CAT, "01", 1);
    newer["version"] = 2.into();
    let mut nowhere = ready(CAT, "01", 1);
    nowhere["key"] = "".into();
    for (body, kind) in [
        ("poison".to_owned(), "not-a-photo-event"),
        (String::new(), "not-a-photo-event"),
        ("[]".to_owned(), "not-a-photo-event"),
        (r#"{"Records":[]}"#.to_owned(), "not-a-photo-event"),
        (wrapped(&json!("lunch?")), "not-a-photo-event"),
        (newer.to_string(), "unknown-version"),
        (nowhere.to_string(), "invalid-event"),
    ] {
        let house = House::new();
        for _ in 0..2 {
            let bodies = [body.clone(), ready(CAT, "01", 1).to_string()];
            let handled = house.handle(&bodies).await;
            assert_eq!(fates(&handled)[0], format!("rejected/{kind}"), "{body}");
            assert_eq!(redelivered(&handled), [""; 0], "{body}");
        }
        let kept = house.rejections.all();
        let [rejection] = &kept.values().collect::<Vec<_>>()[..] else {
            panic!("it is kept once: {kept:?}");
        };
        assert_eq!(rejection.kind, kind);
        assert!(!rejection.to_json().contains("secret"), "a receipt handle");
        assert!(house.item(CAT).is_some(), "the good one in the batch");
    }
}

#[tokio::test]
async fn an_event_of_another_kind_is_skipped() {
    let house = House::new();
    let fate = house
        .fate(&json!({ "event": "album-made", "version": 7 }))
        .await;
    assert_eq!(fate, "done/skipped");
    assert_eq!(house.catalogue.take_calls(), [""; 0]);
}

#[tokio::test]
async fn a_rejection_that_cannot_be_kept_is_not_acknowledged() {
    let house = House::new();
    house.rejections.set_failing(true);
    let handled = house.handle(&["poison".to_owned()]).await;
    assert_eq!(fates(&handled), ["retry/unkept"]);
    assert_eq!(redelivered(&handled), ["0"]);
}

#[tokio::test]
async fn what_the_table_refuses_is_retried_and_named_alone() {
    let text = || "why".to_owned();
    for (error, fate) in [
        (TableError::Denied(text()), "retry/denied"),
        (throttled(), "retry/throttled"),
        (TableError::Unavailable(text()), "retry/unavailable"),
        (TableError::Invalid(text()), "rejected/invalid-item"),
    ] {
        for operation in [TableOperation::Get, TableOperation::Write] {
            let house = House::new();
            house.catalogue.fail_once(operation, "cat", error.clone());
            let bodies = [
                ready("ana/dog.jpg", "01", 1).to_string(),
                ready(CAT, "01", 1).to_string(),
            ];
            let handled = house.handle(&bodies).await;
            assert_eq!(fates(&handled), ["done/applied", fate]);
            let again = fate.starts_with("retry").then_some("1");
            assert_eq!(redelivered(&handled), Vec::from_iter(again));
            assert_eq!(house.fate(&ready(CAT, "01", 1)).await, "done/applied");
        }
    }
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_a_duplicate_afterwards() {
    let house = House::new();
    house.catalogue.lose_answer_once("cat");
    assert_eq!(house.fate(&ready(CAT, "01", 1)).await, "retry/unavailable");
    assert_eq!(house.fate(&ready(CAT, "01", 1)).await, "done/duplicate");
    assert_eq!(house.listed("ana"), ["uploads/ana/cat.jpg"]);
}

#[tokio::test]
async fn an_item_that_somebody_else_wrote_is_left_for_an_operator() {
    let house = House::new();
    let key = Key::of("uploads/ana/cat.jpg");
    house.catalogue.place(key, Item::new());
    assert_eq!(house.fate(&ready(CAT, "01", 1)).await, "retry/foreign-item");
    assert_eq!(house.item(CAT), Some(Item::new()));
}

#[tokio::test]
async fn a_call_without_time_hands_everything_back() {
    let house = House::new();
    let mut invocation = Invocation::local("request");
    invocation.clock = Clock::from_fn(|| NOW);
    invocation.deadline = Some(NOW + 10);
    let event = json!({ "Records": [{
        "eventSource": "aws:sqs", "messageId": "1", "body": ready(CAT, "01", 1).to_string(),
    }] });
    let handled = house.worker.handle(event, &invocation).await;
    assert_eq!(fates(&handled), ["retry/no-time"]);
    assert!(house.catalogue.all().is_empty());
}

/// A slow call stops before its write, newer events are applied meanwhile, then it goes on.
#[tokio::test]
async fn a_slow_event_does_not_undo_a_newer_one() {
    for newer in [removed(CAT, "02", 2), ready(CAT, "02", 2)] {
        for first in [None, Some(ready(CAT, "00FF", 1))] {
            let (house, expected) = (House::new(), House::new());
            if let Some(first) = &first {
                house.fate(first).await;
            }
            expected.fate(&newer).await;
            let pause = house.catalogue.pause_once(TableOperation::Write, "cat");
            let slow = tokio::spawn({
                let house = house.clone();
                async move { house.fate(&ready(CAT, "01", 1)).await }
            });
            tokio::time::timeout(Duration::from_mins(1), pause.reached())
                .await
                .unwrap();
            assert_eq!(house.fate(&newer).await, "done/applied");
            pause.resume();
            assert_eq!(slow.await.unwrap(), "done/superseded");
            assert_eq!(house.item(CAT), expected.item(CAT));
        }
    }
}

/// The states of two photos, each with its place in the photo's order.
fn histories() -> impl Strategy<Value = Vec<Value>> {
    let states = prop::collection::vec((any::<bool>(), any::<bool>()), 1..6);
    (states.clone(), states).prop_map(|(cat, dog)| {
        let history = |key: &str, states: &[(bool, bool)]| {
            let mut sequencer = 16;
            let mut events = Vec::new();
            for (revision, (shown, ordered)) in (1..).zip(states) {
                // Some changes come without a sequencer, or with the one of the change before.
                sequencer += u32::from(*ordered);
                let sequencer = format!("{sequencer:02X}");
                events.push(if *shown {
                    ready(key, &sequencer, revision)
                } else {
                    removed(key, &sequencer, revision)
                });
            }
            events
        };
        let mut events = history(CAT, &cat);
        events.extend(history("ana/dog.jpg", &dog));
        events
    })
}

proptest! {
    /// The heart of it: whatever the order, the batches, the duplicates and the failures, the end is that of the newest.
    #[test]
    fn any_order_any_batches_and_any_failures_end_in_the_same_catalogue(
        truth in histories(),
        extra in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        order in any::<u64>(),
        size in 1_usize..5,
        faults in prop::collection::vec(0_u8..4, 0..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let expected = House::new();
            for event in &truth {
                expected.fate(event).await;
            }
            let mut waiting: Vec<String> = truth.iter().map(Value::to_string).collect();
            waiting.extend(extra.iter().map(|index| index.get(&truth).to_string()));
            shuffle(&mut waiting, order);

            let house = House::new();
            let mut faults = faults.into_iter();
            let mut rounds = 0;
            while !waiting.is_empty() {
                match faults.next() {
                    Some(0) => house.catalogue.fail_once(TableOperation::Get, "", throttled()),
                    Some(1) => house.catalogue.fail_once(TableOperation::Write, "", throttled()),
                    Some(2) => house.catalogue.lose_answer_once(""),
                    _ => {}
                }
                let batch: Vec<String> = waiting.drain(..size.min(waiting.len())).collect();
                let handled = house.handle(&batch).await;
                let again: BTreeSet<String> = redelivered(&handled).into_iter().collect();
                waiting.extend(batch.into_iter().enumerate().filter_map(|(number, body)| {
                    again.contains(&number.to_string()).then_some(body)
                }));
                rounds += 1;
                prop_assert!(rounds < 1_000, "it never ends");
            }
            let catalogue = |house: &House| -> BTreeMap<Key, Item> { house.catalogue.all() };
            prop_assert_eq!(catalogue(&house), catalogue(&expected));
            // And what is expected is what the newest event alone says.
            for key in [CAT, "ana/dog.jpg"] {
                let newest = truth.iter().rfind(|event| event["key"] == key).unwrap();
                let alone = House::new();
                alone.fate(newest).await;
                prop_assert_eq!(expected.item(key), alone.item(key));
            }
            Ok(())
        })?;
    }

    #[test]
    fn no_body_makes_it_panic(body in "\\PC{0,60}|[\\[\\]{}\":,a-zA-Z0-9 ]{0,80}") {
        let payload = fleet::delivery::Payload::Text(&body);
        let _ = (read(payload), crate::is_photo_event(payload));
    }
}

fn shuffle(items: &mut [String], seed: u64) {
    let mut state = seed;
    for end in (1..items.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let other = usize::try_from(state >> 33).unwrap_or(0) % (end + 1);
        items.swap(end, other);
    }
}
