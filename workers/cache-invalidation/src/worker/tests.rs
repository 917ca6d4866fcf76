//! Every fate, through the handler.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use fleet::rejection::Rejection;
use fleet::testing::MemoryRejections;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::invalidation::InvalidateError;

/// What the cache does next; then it takes everything.
enum Act {
    Fail(InvalidateError),
    Known,
    Panic,
    Hang,
}

/// A cache that remembers what it was asked.
#[derive(Clone, Default)]
struct Cache {
    acts: Arc<Mutex<VecDeque<Act>>>,
    asked: Arc<Mutex<Vec<Invalidation>>>,
    /// Refuses every request with a path that contains this.
    dislikes: Option<&'static str>,
}

impl Invalidator for Cache {
    async fn invalidate(
        &self,
        invalidation: &Invalidation,
    ) -> Result<Invalidated, InvalidateError> {
        let act = self.acts.lock().unwrap().pop_front();
        match act {
            Some(Act::Fail(error)) => return Err(error),
            Some(Act::Known) => return Ok(Invalidated::Before),
            Some(Act::Panic) => panic!("the cache was told to panic"),
            Some(Act::Hang) => std::future::pending().await,
            None => {}
        }
        let dislikes = |path: &String| self.dislikes.is_some_and(|part| path.contains(part));
        if invalidation.paths.iter().any(dislikes) {
            return Err(InvalidateError::Refused("no".to_owned()));
        }
        let mut asked = self.asked.lock().unwrap();
        asked.push(invalidation.clone());
        Ok(Invalidated::Begun(format!("I{}", asked.len())))
    }
}

struct House {
    worker: CacheWorker<Cache, MemoryRejections>,
    cache: Cache,
    rejections: MemoryRejections,
}

impl House {
    fn new() -> Self {
        Self::over(Cache::default())
    }

    fn told(act: Act) -> Self {
        let cache = Cache::default();
        cache.acts.lock().unwrap().push_back(act);
        Self::over(cache)
    }

    fn over(cache: Cache) -> Self {
        let config = Config::from_env(&[("DISTRIBUTION_ID", "E1EXAMPLE")]).unwrap();
        let rejections = MemoryRejections::default();
        Self {
            worker: CacheWorker::new(config, cache.clone(), rejections.clone()),
            cache,
            rejections,
        }
    }

    async fn handle(&self, records: &[Value]) -> Handled {
        let event = json!({ "Records": records });
        self.worker
            .handle(event, &Invocation::local("request-1"))
            .await
    }

    fn asked(&self) -> Vec<Invalidation> {
        self.cache.asked.lock().unwrap().clone()
    }

    /// The paths of the only invalidation.
    fn paths(&self) -> Vec<String> {
        let mut asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked.remove(0).paths
    }
}

fn image(slug: &str, status: &str, tags: &[&str], title: &str) -> Value {
    json!({
        "slug": { "S": slug }, "status": { "S": status }, "title": { "S": title }, "author": { "S": "ann" },
        "tags": { "L": tags.iter().map(|tag| json!({ "S": tag })).collect::<Vec<_>>() },
    })
}

fn public(slug: &str) -> Value {
    image(slug, "published", &["sea"], "A title")
}

fn draft(slug: &str) -> Value {
    image(slug, "draft", &["sea"], "A title")
}

fn record(number: u32, event: &str, old: Option<&Value>, new: Option<&Value>) -> Value {
    let slug = new.or(old).map_or(&Value::Null, |image| &image["slug"]);
    let mut change = json!({ "Keys": { "slug": slug }, "SequenceNumber": number.to_string() });
    for (name, image) in [("OldImage", old), ("NewImage", new)] {
        if let Some(image) = image {
            change[name] = image.clone();
        }
    }
    json!({
        "eventID": format!("event-{number}"), "eventName": event, "eventSource": "aws:dynamodb", "dynamodb": change,
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/posts/stream/1",
    })
}

fn inserted(number: u32, slug: &str) -> Value {
    record(number, "INSERT", None, Some(&public(slug)))
}

fn kinds(handled: &Handled) -> Vec<&str> {
    handled
        .records
        .iter()
        .map(|record| record.fate.kind())
        .collect()
}

fn checkpoint(handled: &Handled) -> Value {
    handled.response().unwrap()["batchItemFailures"].clone()
}

const OF_ALL: [&str; 4] = ["/", "/feed.xml", "/index.html", "/sitemap.xml"];

#[tokio::test]
async fn a_new_post_makes_its_page_and_every_list_stale() {
    let house = House::new();
    let handled = house.handle(&[inserted(1, "harbour")]).await;
    assert_eq!(
        handled.records[0].fate,
        Fate::applied("8 paths are invalidated as I1")
    );
    assert_eq!(handled.records[0].subject, "post harbour");
    assert_eq!(checkpoint(&handled), json!([]));
    insta::assert_debug_snapshot!(house.paths(), @r#"
    [
        "/",
        "/authors/ann",
        "/feed.xml",
        "/index.html",
        "/posts/harbour",
        "/posts/harbour/",
        "/sitemap.xml",
        "/tags/sea",
    ]
    "#);
    let metrics: Vec<(&str, String)> = handled
        .metrics
        .iter()
        .map(|metric| (metric.name, metric.value.to_string()))
        .collect();
    assert_eq!(
        metrics,
        [
            ("Invalidations", "1".to_owned()),
            ("PathsInvalidated", "8".to_owned())
        ]
    );
}

#[tokio::test]
async fn only_what_is_or_was_public_is_invalidated() {
    let other = image("a", "draft", &["hill"], "Another title");
    for (event, old, new, stale) in [
        ("INSERT", None, Some(draft("a")), false),
        ("MODIFY", Some(draft("a")), Some(other), false),
        ("REMOVE", Some(draft("a")), None, false),
        (
            "MODIFY",
            Some(image("a", "archived", &[], "")),
            Some(draft("a")),
            false,
        ),
        ("MODIFY", Some(draft("a")), Some(public("a")), true),
        (
            "MODIFY",
            Some(public("a")),
            Some(image("a", "archived", &[], "")),
            true,
        ),
        (
            "MODIFY",
            Some(public("a")),
            Some(image("a", "published", &["sea"], "New")),
            true,
        ),
        ("MODIFY", Some(public("a")), Some(public("a")), false),
        ("REMOVE", Some(public("a")), None, true),
    ] {
        let house = House::new();
        let record = record(1, event, old.as_ref(), new.as_ref());
        let handled = house.handle(std::slice::from_ref(&record)).await;
        assert_eq!(
            kinds(&handled),
            [if stale { "applied" } else { "skipped" }],
            "{record}"
        );
        assert_eq!(house.asked().len(), usize::from(stale));
        if stale {
            let paths = house.paths();
            assert!(
                OF_ALL
                    .iter()
                    .chain(&["/posts/a"])
                    .all(|path| paths.iter().any(|one| one == path))
            );
        }
    }
}

#[tokio::test]
async fn a_tag_that_was_taken_away_and_one_that_was_added_are_both_stale() {
    let house = House::new();
    let (old, new) = (
        image("a", "published", &["sea"], "T"),
        image("a", "published", &["hill"], "T"),
    );
    house
        .handle(&[record(1, "MODIFY", Some(&old), Some(&new))])
        .await;
    let paths = house.paths();
    assert!(
        ["/tags/sea", "/tags/hill"]
            .iter()
            .all(|tag| paths.iter().any(|path| path == tag))
    );
}

#[tokio::test]
async fn a_batch_is_one_invalidation_with_every_path_once() {
    let house = House::new();
    let handled = house
        .handle(&[inserted(1, "a"), inserted(2, "b"), inserted(3, "a")])
        .await;
    assert_eq!(kinds(&handled), ["applied"; 3]);
    let paths = house.paths();
    assert_eq!(paths.len(), OF_ALL.len() + 2 + 2 * 2, "{paths:?}");
}

#[tokio::test]
async fn many_posts_are_a_wildcard() {
    let house = House::new();
    let records: Vec<Value> = (0..6)
        .map(|number| inserted(number, &format!("p{number}")))
        .collect();
    house.handle(&records).await;
    let paths = house.paths();
    assert!(paths.contains(&"/posts/*".to_owned()), "{paths:?}");
    assert!(
        !paths.iter().any(|path| path.starts_with("/posts/p")),
        "{paths:?}"
    );
}

#[tokio::test]
async fn the_same_batch_is_the_same_invalidation() {
    let house = House::new();
    let batch = [inserted(1, "a"), inserted(2, "b")];
    for _ in 0..2 {
        house.handle(&batch).await;
    }
    house.handle(&batch[..1]).await;
    // The same paths by another event are another change, which the cache must not take for the first.
    house.handle(&[inserted(3, "a")]).await;
    let asked = house.asked();
    assert_eq!(asked[0], asked[1]);
    assert_ne!(asked[0].caller_reference, asked[2].caller_reference);
    assert_eq!(asked[2].paths, asked[3].paths);
    assert_ne!(asked[2].caller_reference, asked[3].caller_reference);
}

#[tokio::test]
async fn each_answer_of_the_cache_is_the_fate_of_all_its_records() {
    let why = || "why".to_owned();
    for (act, name, kind) in [
        (
            Act::Fail(InvalidateError::Throttled(why())),
            "retry",
            "throttled",
        ),
        (Act::Fail(InvalidateError::Denied(why())), "retry", "denied"),
        (
            Act::Fail(InvalidateError::Unavailable(why())),
            "retry",
            "unavailable",
        ),
        (Act::Known, "done", "duplicate"),
        (Act::Panic, "retry", "panic"),
    ] {
        let house = House::told(act);
        let skipped = record(2, "INSERT", None, Some(&draft("b")));
        let handled = house
            .handle(&[inserted(1, "a"), skipped, inserted(3, "c")])
            .await;
        assert_eq!(kinds(&handled), [kind, "skipped", kind]);
        assert_eq!(handled.records[0].fate.name(), name);
        let failures = if name == "retry" {
            json!([{ "itemIdentifier": "1" }])
        } else {
            json!([])
        };
        assert_eq!(checkpoint(&handled), failures);
        assert_eq!(house.asked(), []);
    }
}

#[tokio::test]
async fn a_path_that_the_cache_refuses_costs_its_own_record_only() {
    let house = House::over(Cache {
        dislikes: Some("bad"),
        ..Cache::default()
    });
    let slugs = ["a", "b", "bad", "c", "d"];
    let records: Vec<Value> = slugs
        .iter()
        .zip(1..)
        .map(|(slug, number)| inserted(number, slug))
        .collect();
    let handled = house.handle(&records).await;
    assert_eq!(
        kinds(&handled),
        ["applied", "applied", "refused", "applied", "applied"]
    );
    let kept: Vec<Rejection> = house.rejections.all().into_values().collect();
    assert_eq!((kept.len(), &kept[0].record), (1, &records[2]));
    let asked: BTreeSet<String> = house
        .asked()
        .into_iter()
        .flat_map(|asked| asked.paths)
        .collect();
    assert!(
        ["/posts/a", "/posts/b", "/posts/c", "/posts/d"]
            .iter()
            .all(|path| asked.contains(*path))
    );
}

#[tokio::test]
async fn what_is_no_change_of_a_post_is_rejected_alone_and_kept() {
    let mut keys_only = inserted(1, "a");
    keys_only["dynamodb"]["NewImage"].take();
    let new_only = record(1, "MODIFY", None, Some(&public("a")));
    let mut other_event = inserted(1, "a");
    other_event["eventName"] = json!("UPSERT");
    let long = "é".repeat(1_000);
    for (record, kind) in [
        (keys_only, "no-images"),
        (new_only, "no-images"),
        (other_event, "malformed"),
        (
            record(1, "INSERT", None, Some(&json!({ "title": { "S": "a" } }))),
            "invalid-post",
        ),
        (inserted(1, &long), "invalid-post"),
        (
            json!({ "eventSource": "aws:sqs", "messageId": "1", "body": "{}" }),
            "not-a-stream-record",
        ),
        (json!("text"), "not-a-stream-record"),
    ] {
        let house = House::new();
        let handled = house.handle(&[record.clone(), inserted(2, "b")]).await;
        assert_eq!(kinds(&handled), [kind, "applied"], "{record}");
        let kept: Vec<Rejection> = house.rejections.all().into_values().collect();
        assert_eq!((kept.len(), &kept[0].record), (1, &record));
        // Again: kept once.
        house.handle(std::slice::from_ref(&record)).await;
        assert_eq!(house.rejections.all().len(), 1);
        house.rejections.set_failing(true);
        assert_eq!(kinds(&house.handle(&[record]).await), ["unkept"]);
    }
}

#[tokio::test]
async fn a_cache_without_an_answer_leaves_time_to_say_so() {
    let house = House::told(Act::Hang);
    let invocation = Invocation {
        deadline: Some(1_800),
        clock: fleet::clock::Clock::from_fn(|| 1_000),
        ..Invocation::local("1")
    };
    let event = json!({ "Records": [inserted(1, "a")] });
    let handled = house.worker.handle(event, &invocation).await;
    assert_eq!(kinds(&handled), ["no-time"]);
}

#[tokio::test]
async fn an_empty_event_asks_for_nothing() {
    let house = House::new();
    let handled = house.handle(&[]).await;
    assert_eq!((handled.records.len(), house.asked().len()), (0, 0));
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "(INSERT|published|.{0,6})".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("(S|SS|L|NULL|slug|tags|.{0,3})", inner, 0..3)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_stands_in_a_record_is_no_panic(
        place in prop_oneof![
            Just("/eventName"), Just("/dynamodb"), Just("/dynamodb/NewImage"), Just("/dynamodb/NewImage/tags"),
            Just("/dynamodb/NewImage/slug"), Just("/dynamodb/NewImage/status"), Just("/eventID"),
        ],
        value in json_value(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut record = inserted(1, "a");
        *record.pointer_mut(place).unwrap() = value;
        let handled = runtime.block_on(House::new().handle(&[record]));
        prop_assert_ne!(handled.records[0].fate.kind(), "panic");
    }
}
