//! Every fate, through the handler; then whatever may happen to a stream.

mod exactness;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleet::table::{Item, Key, TableError};
use fleet::testing::{MemoryRejections, MemoryTable, TableOperation};
use serde_json::json;

use super::*;

/// 2026-03-14T09:26:53Z, when everything here happens and arrives.
const NOW_MS: u64 = 1_773_480_413_000;

const HOUR: &str = "2026-03-14T09";
const CHECKPOINTS: &str = "#checkpoint";

/// A worker and what it stands on.
struct Desk {
    worker: PageViewsWorker<MemoryTable, MemoryRejections>,
    table: MemoryTable,
    rejections: MemoryRejections,
}

impl Desk {
    fn new() -> Self {
        Self::remembering("1000")
    }

    fn remembering(views: &str) -> Self {
        let config = Config::from_env(&[("REMEMBERED_VIEWS", views)]).unwrap();
        let (table, rejections) = (MemoryTable::default(), MemoryRejections::default());
        Self {
            worker: PageViewsWorker::new(config, table.clone(), rejections.clone()),
            table,
            rejections,
        }
    }

    async fn handle(&self, records: &[Value]) -> Handled {
        let event = json!({ "Records": records });
        self.worker.handle(event, &Invocation::local("r")).await
    }

    async fn fates(&self, records: &[Value]) -> Vec<String> {
        fates(&self.handle(records).await)
    }

    /// The counters, without the shards.
    fn counts(&self) -> BTreeMap<(String, String), u64> {
        let mut counts = BTreeMap::new();
        for (Key { partition, sort }, item) in self.table.all() {
            if partition != CHECKPOINTS {
                let hour = sort.unwrap().split('#').next().unwrap().to_owned();
                *counts.entry((partition, hour)).or_default() += item["views"].as_u64().unwrap();
            }
        }
        counts
    }

    fn count(&self, post: &str) -> u64 {
        let key = (post.to_owned(), HOUR.to_owned());
        self.counts().get(&key).copied().unwrap_or_default()
    }
}

fn fates(handled: &Handled) -> Vec<String> {
    let fate = |record: &Record| format!("{}/{}", record.fate.name(), record.fate.kind());
    handled.records.iter().map(fate).collect()
}

fn metric(handled: &Handled, name: &str) -> String {
    let metric = handled.metrics.iter().find(|metric| metric.name == name);
    metric.unwrap().value.to_string()
}

fn checkpoint(handled: &Handled) -> Option<String> {
    let answer = handled.response().unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap();
    assert!(failures.len() <= 1, "{failures:?}");
    let failure = failures.first()?;
    Some(failure["itemIdentifier"].as_str().unwrap().to_owned())
}

/// A record of a shard that carries `data`.
fn carrying(shard: u32, sequence: u64, data: &[u8]) -> Value {
    let shard = format!("shardId-{shard:012}");
    json!({
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": format!("{shard}:{sequence}"),
        "eventName": "aws:kinesis:record",
        "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/page-views",
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "p",
            "sequenceNumber": sequence.to_string(),
            "data": STANDARD.encode(data),
            "approximateArrivalTimestamp": NOW_MS / 1_000,
        },
    })
}

fn view(sequence: u64, id: &str, post: &str) -> Value {
    let data = json!({"id": id, "post": post, "at": NOW_MS});
    carrying(0, sequence, data.to_string().as_bytes())
}

fn unavailable() -> TableError {
    TableError::Unavailable("connection reset".to_owned())
}

#[tokio::test]
async fn views_of_a_batch_are_counted_by_post_and_hour_in_one_transaction() {
    let desk = Desk::new();
    let earlier = json!({"id": "4", "post": "a", "at": "2026-03-14T08:00:00Z"});
    let handled = desk
        .handle(&[
            view(1, "1", "a"),
            view(2, "2", "b"),
            view(3, "3", "a"),
            carrying(0, 4, earlier.to_string().as_bytes()),
        ])
        .await;
    assert_eq!(fates(&handled), ["done/applied"; 4]);
    assert_eq!(handled.records[1].subject, "post b");
    assert_eq!(checkpoint(&handled), None);
    assert_eq!((desk.count("a"), desk.count("b")), (2, 1));
    let shard = "page-views/shardId-000000000000";
    let item = |post: &str, hour: &str| desk.table.item(&Key::sorted(post, hour)).unwrap();
    assert_eq!(item("a", &format!("2026-03-14T08#{shard}"))["views"], 1);
    assert_eq!(item("#checkpoint", shard)["sequence"], "4");
    assert_eq!(
        desk.table.take_calls(),
        [
            format!("get #checkpoint/{shard}"),
            format!(
                "write #checkpoint/{shard}, a/2026-03-14T08#{shard}, a/{HOUR}#{shard}, b/{HOUR}#{shard}"
            ),
        ]
    );
    let metrics = ["ViewsCounted", "ViewsRepeated", "ItemsWritten"];
    assert_eq!(metrics.map(|name| metric(&handled, name)), ["4", "0", "4"]);
}

#[tokio::test]
async fn five_hundred_views_of_forty_posts_are_forty_one_items_and_one_read() {
    let desk = Desk::new();
    let views: Vec<Value> = (0..500)
        .map(|number| view(number + 1, &number.to_string(), &(number % 40).to_string()))
        .collect();
    let handled = desk.handle(&views).await;
    assert_eq!(metric(&handled, "ItemsWritten"), "41");
    assert_eq!(desk.table.take_calls().len(), 2);
    assert_eq!(desk.counts().values().sum::<u64>(), 500);
}

#[tokio::test]
async fn more_counters_than_a_transaction_takes_are_several() {
    let desk = Desk::new();
    let views: Vec<Value> = (0..250)
        .map(|number| view(number + 1, &number.to_string(), &number.to_string()))
        .collect();
    let handled = desk.handle(&views).await;
    assert_eq!(fates(&handled), vec!["done/applied"; 250]);
    assert_eq!(desk.counts().values().sum::<u64>(), 250);
    // One read, and transactions of 99, 99 and 52 counters.
    assert_eq!(desk.table.take_calls().len(), 4);
    assert_eq!(metric(&handled, "ItemsWritten"), "253");
}

#[tokio::test]
async fn a_batch_that_is_delivered_again_counts_nothing() {
    let desk = Desk::remembering("0");
    let batch = [view(9, "1", "a"), view(10, "2", "a")];
    desk.handle(&batch).await;
    for again in [&batch[..], &batch[..1], &batch[1..]] {
        let handled = desk.handle(again).await;
        assert_eq!(fates(&handled), vec!["done/duplicate"; again.len()]);
        assert_eq!(metric(&handled, "ItemsWritten"), "0");
    }
    assert_eq!(desk.count("a"), 2);
}

#[tokio::test]
async fn a_view_that_its_producer_sends_twice_is_counted_once() {
    let desk = Desk::new();
    let handled = desk.handle(&[view(1, "1", "a"), view(2, "1", "a")]).await;
    assert_eq!(fates(&handled), ["done/applied", "done/duplicate"]);
    assert_eq!(metric(&handled, "ViewsRepeated"), "1");
    assert_eq!(desk.fates(&[view(3, "1", "a")]).await, ["done/duplicate"]);
    assert_eq!(desk.count("a"), 1);
}

#[tokio::test]
async fn shards_are_counted_apart_and_out_of_order_records_in_order() {
    let desk = Desk::remembering("0");
    let of = |shard, sequence, id: &str| {
        let data = json!({"id": id, "post": "a", "at": NOW_MS});
        carrying(shard, sequence, data.to_string().as_bytes())
    };
    let batch = [of(0, 10, "1"), of(1, 5, "2"), of(0, 9, "3"), of(1, 4, "4")];
    assert_eq!(desk.fates(&batch).await, ["done/applied"; 4]);
    assert_eq!(desk.count("a"), 4);
    assert_eq!(desk.fates(&batch).await, ["done/duplicate"; 4]);
}

#[tokio::test]
async fn what_is_no_view_is_kept_once_and_the_rest_is_counted() {
    let desk = Desk::new();
    let late = json!({"id": "4", "post": "a", "at": "2026-03-01T00:00:00Z"}).to_string();
    let batch = [
        view(1, "1", "a"),
        carrying(0, 2, b"poison"),
        carrying(0, 3, b"\xF3\x89\x9A\xC2packed"),
        carrying(0, 4, late.as_bytes()),
        json!({"eventSource": "aws:kinesis", "kinesis": {}}),
        view(5, "5", "a"),
    ];
    let handled = desk.handle(&batch).await;
    assert_eq!(
        fates(&handled),
        [
            "done/applied",
            "rejected/not-a-view",
            "rejected/aggregated",
            "rejected/late",
            "rejected/malformed",
            "done/applied"
        ]
    );
    assert_eq!(checkpoint(&handled), None);
    assert_eq!(handled.records[1].subject, "event shardId-000000000000:2");
    assert_eq!(desk.count("a"), 2);
    // Although the shard was counted past them, what comes again is rejected again, and kept as it is.
    let again = desk.fates(&batch).await;
    assert_eq!(again[1], "rejected/not-a-view");
    let kept = desk.rejections.all();
    assert_eq!(kept.len(), 4);
    let of_poison = kept
        .values()
        .find(|kept| kept.kind == "not-a-view")
        .unwrap();
    assert_eq!(of_poison.record, batch[1]);
}

#[tokio::test]
async fn what_cannot_be_kept_is_retried_and_not_forgotten() {
    let desk = Desk::new();
    desk.rejections.set_failing(true);
    let batch = [
        view(1, "1", "a"),
        carrying(0, 2, b"poison"),
        view(3, "3", "a"),
    ];
    let handled = desk.handle(&batch).await;
    assert_eq!(
        fates(&handled),
        ["done/applied", "retry/unkept", "done/applied"]
    );
    assert_eq!(checkpoint(&handled).as_deref(), Some("2"));
    desk.rejections.set_failing(false);
    let handled = desk.handle(&batch[1..]).await;
    assert_eq!(fates(&handled), ["rejected/not-a-view", "done/duplicate"]);
    assert_eq!((desk.rejections.all().len(), desk.count("a")), (1, 2));
}

#[tokio::test]
async fn a_table_that_fails_stops_its_shard_at_the_first_view() {
    let denied = || TableError::Denied("no".to_owned());
    let throttled = || TableError::Throttled("slow down".to_owned());
    let invalid = || TableError::Invalid("too large".to_owned());
    for (operation, error, fate) in [
        (TableOperation::Get, unavailable(), "retry/unavailable"),
        (TableOperation::Get, denied(), "retry/denied"),
        (TableOperation::Write, throttled(), "retry/throttled"),
        (TableOperation::Write, unavailable(), "retry/unavailable"),
        (TableOperation::Write, invalid(), "retry/invalid-write"),
    ] {
        let desk = Desk::new();
        desk.table.fail_once(operation, CHECKPOINTS, error);
        let batch = [
            view(1, "1", "a"),
            carrying(0, 2, b"poison"),
            view(3, "3", "a"),
        ];
        let handled = desk.handle(&batch).await;
        assert_eq!(
            fates(&handled),
            [fate, "rejected/not-a-view", "retry/behind"]
        );
        assert_eq!(checkpoint(&handled).as_deref(), Some("1"));
        assert_eq!(desk.count("a"), 0);
        desk.handle(&batch).await;
        assert_eq!(desk.count("a"), 2);
    }
}

#[tokio::test]
async fn what_was_counted_before_a_failure_stays_counted() {
    let desk = Desk::new();
    let views: Vec<Value> = (0..150)
        .map(|number| {
            view(
                number + 1,
                &number.to_string(),
                &format!("post-{number:03}"),
            )
        })
        .collect();
    // In the second transaction only.
    desk.table
        .fail_once(TableOperation::Write, "post-120", unavailable());
    let handled = desk.handle(&views).await;
    assert_eq!(checkpoint(&handled).as_deref(), Some("100"));
    assert_eq!(desk.counts().len(), 99);
    desk.handle(&views[99..]).await;
    assert_eq!(desk.counts().values().sum::<u64>(), 150);
}

#[tokio::test]
async fn a_lost_answer_counts_nothing_twice() {
    let desk = Desk::remembering("0");
    desk.table.lose_answer_once(CHECKPOINTS);
    let batch = [view(1, "1", "a"), view(2, "2", "a")];
    let handled = desk.handle(&batch).await;
    assert_eq!(fates(&handled), ["retry/unavailable", "retry/behind"]);
    assert_eq!(desk.fates(&batch).await, ["done/duplicate"; 2]);
    assert_eq!(desk.count("a"), 2);
}

#[tokio::test]
async fn of_two_calls_on_one_shard_each_view_is_counted_by_one() {
    let desk = Desk::remembering("0");
    desk.handle(&[view(1, "1", "a")]).await;
    let (batch, longer) = (
        [view(2, "2", "a"), view(3, "3", "a")],
        [view(2, "2", "a"), view(3, "3", "a"), view(4, "4", "a")],
    );
    let pause = desk.table.pause_once(TableOperation::Write, CHECKPOINTS);
    let slow = desk.handle(&longer);
    let quick = async {
        pause.reached().await;
        let handled = desk.handle(&batch).await;
        pause.resume();
        handled
    };
    let (slow, quick) = join(slow, quick).await;
    assert_eq!(fates(&quick), ["done/applied"; 2]);
    assert_eq!(
        fates(&slow),
        ["done/duplicate", "done/duplicate", "done/applied"]
    );
    assert_eq!(desk.count("a"), 4);
}

#[tokio::test]
async fn a_shard_that_is_always_forestalled_is_retried() {
    /// Refuses every write.
    struct Contended;
    impl Table for Contended {
        async fn get(&self, _: &Key) -> Result<Option<Item>, TableError> {
            Ok(None)
        }
        async fn write(
            &self,
            _: Vec<fleet::table::Write>,
        ) -> Result<fleet::table::Written, TableError> {
            Ok(fleet::table::Written::Refused)
        }
    }
    let config = Config::from_env(&[]).unwrap();
    let worker = PageViewsWorker::new(config, Contended, MemoryRejections::default());
    let event = json!({ "Records": [view(1, "1", "a")] });
    let handled = worker.handle(event, &Invocation::local("r")).await;
    assert_eq!(fates(&handled), ["retry/contended"]);
}

#[tokio::test]
async fn a_checkpoint_that_somebody_else_wrote_is_left_to_an_operator() {
    let desk = Desk::new();
    let key = Key::sorted(CHECKPOINTS, "page-views/shardId-000000000000");
    desk.table.place(key, Item::new());
    let fates = desk.fates(&[view(1, "1", "a"), view(2, "2", "a")]).await;
    assert_eq!(fates, ["retry/checkpoint", "retry/behind"]);
}

#[tokio::test]
async fn without_time_nothing_is_begun() {
    let desk = Desk::new();
    let invocation = Invocation {
        deadline: Some(0),
        ..Invocation::local("r")
    };
    let event = json!({ "Records": [view(1, "1", "a"), view(2, "2", "a")] });
    let handled = desk.worker.handle(event, &invocation).await;
    assert_eq!(fates(&handled), ["retry/no-time", "retry/behind"]);
    assert_eq!(desk.table.take_calls(), [""; 0]);
}

#[tokio::test]
async fn what_is_not_from_a_stream_is_rejected() {
    let desk = Desk::new();
    let message = json!({"eventSource": "aws:sqs", "messageId": "1", "body": "{}"});
    assert_eq!(
        desk.fates(&[message]).await,
        ["rejected/not-a-kinesis-record"]
    );
    let invocation = Invocation::local("r");
    let other = desk.worker.handle(json!({"a": 1}), &invocation).await;
    assert_eq!(fates(&other), ["rejected/not-a-kinesis-record"]);
    assert_eq!(desk.rejections.all().len(), 2);
}
