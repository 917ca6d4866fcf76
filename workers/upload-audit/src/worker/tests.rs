//! Every fate, through the handler.

use fleet::testing::{MemoryObjects, Operation};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const AUDIT: &str = "audit";

/// The partition of everything that happens here.
const HOUR: &str = "uploads/year=2026/month=03/day=14/hour=09/";

/// A worker and the store it writes to.
struct Desk {
    worker: AuditWorker<MemoryObjects>,
    objects: MemoryObjects,
}

impl Desk {
    fn new() -> Self {
        let objects = MemoryObjects::default();
        let config = Config::from_env(&[("AUDIT_BUCKET", AUDIT)]).unwrap();
        Self {
            worker: AuditWorker::new(config, objects.clone()),
            objects,
        }
    }

    async fn handle(&self, event: Value) -> Handled {
        self.worker.handle(event, &Invocation::local("r")).await
    }

    async fn fates(&self, event: Value) -> Vec<String> {
        fates(&self.handle(event).await)
    }

    /// The lines of the audit, in the order of their keys.
    fn lines(&self) -> Vec<Value> {
        let keys = self.objects.keys(AUDIT);
        let lines = keys.iter().filter(|key| key.starts_with("uploads/"));
        lines.map(|key| self.json(key)).collect()
    }

    fn rejections(&self) -> Vec<Value> {
        let keys = self.objects.keys(AUDIT);
        let kept = keys
            .iter()
            .filter(|key| key.starts_with("rejected/upload-audit/"));
        kept.map(|key| self.json(key)).collect()
    }

    fn json(&self, key: &str) -> Value {
        let object = self.objects.object(AUDIT, key).unwrap();
        serde_json::from_slice(&object.bytes).unwrap()
    }
}

fn fates(handled: &Handled) -> Vec<String> {
    let fate = |record: &Record| format!("{}/{}", record.fate.name(), record.fate.kind());
    handled.records.iter().map(fate).collect()
}

fn record(name: &str, key: &str, version: Option<&str>, sequencer: &str) -> Value {
    json!({
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": "2026-03-14T09:26:53.589Z",
        "eventName": name,
        "userIdentity": {"principalId": "AWS:AROAEXAMPLE:visitor"},
        "requestParameters": {"sourceIPAddress": "192.0.2.17"},
        "s3": {
            "bucket": {"name": "uploads"},
            "object": {"key": key, "size": 5, "eTag": "e", "versionId": version, "sequencer": sequencer},
        },
    })
}

fn created(key: &str, sequencer: &str) -> Value {
    record("ObjectCreated:Put", key, Some("v1"), sequencer)
}

fn notice(records: &[Value]) -> Value {
    json!({ "Records": records })
}

fn message(id: &str, body: &Value) -> Value {
    let body = match body {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    json!({"eventSource": "aws:sqs", "messageId": id, "receiptHandle": "secret", "body": body})
}

fn wrapped(notice: &Value) -> Value {
    json!({"Type": "Notification", "TopicArn": "t", "Message": notice.to_string()})
}

fn bridged(key: &str, sequencer: &str) -> Value {
    json!({
        "detail-type": "Object Created",
        "source": "aws.s3",
        "time": "2026-03-14T09:26:53Z",
        "detail": {
            "bucket": {"name": "uploads"},
            "object": {"key": key, "size": 5, "etag": "e", "version-id": "v1", "sequencer": sequencer},
            "requester": "123456789012",
        },
    })
}

fn unavailable() -> ObjectsError {
    ObjectsError::Unavailable {
        object: "o".to_owned(),
        reason: "connection reset".to_owned(),
    }
}

#[tokio::test]
async fn every_route_leads_to_a_line() {
    let put = notice(&[created("a.jpg", "01")]);
    let sns = json!({"EventSource": "aws:sns", "Sns": {"Message": put.to_string()}});
    for (event, route) in [
        (put.clone(), "s3"),
        (notice(&[sns]), "s3"),
        (notice(&[message("1", &put)]), "s3"),
        (notice(&[message("1", &wrapped(&put))]), "sns/s3"),
        (bridged("a.jpg", "01"), "eventbridge"),
        (
            notice(&[message("1", &bridged("a.jpg", "01"))]),
            "eventbridge",
        ),
    ] {
        let desk = Desk::new();
        let handled = desk.handle(event).await;
        assert_eq!(fates(&handled), ["done/applied"], "{route}");
        assert_eq!(handled.records[0].subject, "s3://uploads/a.jpg");
        let [line] = &desk.lines()[..] else {
            panic!("one line by {route}");
        };
        assert_eq!(line["route"], route);
        assert_eq!(line["key"], "a.jpg");
        let keys = desk.objects.keys(AUDIT);
        assert!(keys[0].starts_with(HOUR), "{keys:?}");
        let object = desk.objects.object(AUDIT, &keys[0]).unwrap();
        assert_eq!(object.content_type, "application/x-ndjson");
    }
}

#[tokio::test]
async fn uploads_removals_and_everything_else_are_recorded() {
    let desk = Desk::new();
    let event = notice(&[
        created("a.jpg", "01"),
        record(
            "ObjectRemoved:DeleteMarkerCreated",
            "a.jpg",
            Some("m"),
            "02",
        ),
        record("ObjectRemoved:Delete", "a.jpg", Some("v1"), "03"),
        record("ObjectTagging:Put", "a.jpg", Some("v1"), ""),
    ]);
    let handled = desk.handle(event).await;
    assert_eq!(fates(&handled), ["done/applied"; 4]);
    assert!(format!("{:?}", handled.metrics).contains("value: 4.0"));
    let mut changes: Vec<String> = desk
        .lines()
        .iter()
        .map(|line| line["change"].as_str().unwrap().to_owned())
        .collect();
    changes.sort_unstable();
    assert_eq!(changes, ["created", "other", "removed", "version-removed"]);
}

#[tokio::test]
async fn one_message_with_several_changes_is_several_lines() {
    let desk = Desk::new();
    let both = notice(&[created("a.jpg", "01"), created("b.jpg", "01")]);
    let event = notice(&[message("1", &both)]);
    let handled = desk.handle(event).await;
    assert_eq!(fates(&handled), ["done/applied"]);
    let subject = &handled.records[0].subject;
    assert_eq!(subject, "s3://uploads/a.jpg, s3://uploads/b.jpg");
    assert_eq!(desk.lines().len(), 2);
}

#[tokio::test]
async fn a_change_that_is_told_again_is_still_one_line() {
    let desk = Desk::new();
    let put = notice(&[created("a.jpg", "01")]);
    let told = [
        message("1", &put),
        message("2", &wrapped(&put)),
        message("3", &bridged("a.jpg", "01")),
    ];
    let first = desk.fates(notice(&told)).await;
    assert_eq!(first, ["done/applied", "done/duplicate", "done/duplicate"]);
    let before = desk.lines();
    let again = desk.handle(notice(&told[1..])).await;
    assert_eq!(fates(&again), ["done/duplicate"; 2]);
    assert!(format!("{:?}", again.metrics).contains("value: 0.0"));
    assert_eq!(desk.lines(), before);
    assert_eq!(before.len(), 1);
}

#[tokio::test]
async fn what_is_not_meant_for_it_is_skipped() {
    let test_event = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"});
    let mut own = created("uploads/year=2026/x.jsonl", "01");
    own["s3"]["bucket"]["name"] = AUDIT.into();
    for event in [
        test_event.clone(),
        notice(&[message("1", &test_event)]),
        notice(&[own]),
    ] {
        let desk = Desk::new();
        assert_eq!(desk.fates(event).await, ["done/skipped"]);
        assert_eq!(desk.objects.keys(AUDIT), [""; 0]);
    }
}

#[tokio::test]
async fn poison_is_kept_once_and_harms_nobody() {
    let desk = Desk::new();
    let event = notice(&[
        message("1", &"hello".into()),
        message("2", &notice(&[created("a.jpg", "01")])),
        message("3", &json!({"Records": [{}]})),
    ]);
    for _ in 0..2 {
        let handled = desk.handle(event.clone()).await;
        let fates = fates(&handled);
        assert_eq!(fates[0], "rejected/not-a-notice");
        assert_eq!(fates[2], "rejected/not-a-notice");
        let answer = handled.response().unwrap();
        assert_eq!(answer, json!({"batchItemFailures": []}));
    }
    assert_eq!(desk.lines().len(), 1);
    let kept = desk.rejections();
    assert_eq!(kept.len(), 2);
    assert!(!format!("{kept:?}").contains("secret"), "{kept:?}");
}

#[tokio::test]
async fn a_change_without_a_time_is_rejected_and_kept_without_the_address() {
    let desk = Desk::new();
    let mut timeless = created("a.jpg", "01");
    timeless["eventTime"] = Value::Null;
    let event = notice(&[message("1", &notice(&[timeless, created("b.jpg", "01")]))]);
    assert_eq!(desk.fates(event).await, ["rejected/no-time"]);
    assert_eq!(desk.lines().len(), 1);
    let kept = desk.rejections();
    assert_eq!(kept.len(), 1);
    let address = &kept[0]["record"]["requestParameters"]["sourceIPAddress"];
    assert_eq!(address, "192.0.2.0/24");
}

#[tokio::test]
async fn a_store_that_fails_is_a_retry_of_that_record_alone() {
    let refused = || ObjectsError::Denied {
        object: "o".to_owned(),
        reason: "403".to_owned(),
    };
    let throttled = || ObjectsError::Throttled {
        object: "o".to_owned(),
        reason: "503".to_owned(),
    };
    for (error, fate) in [
        (unavailable(), "retry/unavailable"),
        (refused(), "retry/denied"),
        (throttled(), "retry/throttled"),
    ] {
        let desk = Desk::new();
        desk.objects.fail_once(Operation::Put, HOUR, error);
        let told = [
            message("1", &notice(&[created("a.jpg", "01")])),
            message("2", &notice(&[created("b.jpg", "01")])),
        ];
        let handled = desk.handle(notice(&told)).await;
        assert_eq!(fates(&handled), [fate, "done/applied"]);
        let answer = handled.response().unwrap();
        assert_eq!(
            answer,
            json!({"batchItemFailures": [{"itemIdentifier": "1"}]})
        );
        let again = desk.fates(notice(&told)).await;
        assert_eq!(again, ["done/applied", "done/duplicate"]);
        assert_eq!(desk.lines().len(), 2);
    }
}

#[tokio::test]
async fn a_rejection_that_cannot_be_kept_is_a_retry() {
    let desk = Desk::new();
    let poison = notice(&[message("1", &"hello".into())]);
    desk.objects
        .fail_once(Operation::Put, "rejected/", unavailable());
    assert_eq!(desk.fates(poison.clone()).await, ["retry/unkept"]);
    assert_eq!(desk.fates(poison).await, ["rejected/not-a-notice"]);
}

#[tokio::test]
async fn a_panic_is_a_retry_of_that_record_alone() {
    let desk = Desk::new();
    desk.objects.panic_once(Operation::Put, HOUR);
    let event = notice(&[created("a.jpg", "01"), created("b.jpg", "01")]);
    let handled = desk.handle(event).await;
    assert_eq!(fates(&handled), ["retry/panic", "done/applied"]);
}

/// Changes of a few keys, with numbers below `3` as sequencers so that many are told twice.
fn changes() -> impl Strategy<Value = Vec<(usize, usize, bool)>> {
    prop::collection::vec((0_usize..3, 0_usize..3, any::<bool>()), 1..12)
}

proptest! {
    #[test]
    fn however_changes_are_grouped_and_repeated_each_is_one_line(
        changes in changes(),
        size in 1_usize..5,
        failing in prop::collection::vec(any::<bool>(), 12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let desk = Desk::new();
        let told: Vec<Value> = changes
            .iter()
            .map(|(key, sequencer, by_bridge)| {
                let (key, sequencer) = (format!("{key}.jpg"), format!("A{sequencer}"));
                let body = if *by_bridge {
                    bridged(&key, &sequencer)
                } else {
                    notice(&[created(&key, &sequencer)])
                };
                message(&format!("{key}{sequencer}{by_bridge}"), &body)
            })
            .collect();
        runtime.block_on(async {
            for (batch, fails) in told.chunks(size).zip(failing) {
                if fails {
                    desk.objects.fail_once(Operation::Put, HOUR, unavailable());
                }
                desk.handle(notice(batch)).await;
            }
            // What failed comes again, in another grouping.
            desk.handle(notice(&told)).await;
        });
        let distinct: std::collections::BTreeSet<_> =
            changes.iter().map(|(key, sequencer, _)| (key, sequencer)).collect();
        prop_assert_eq!(desk.lines().len(), distinct.len());
    }
}
