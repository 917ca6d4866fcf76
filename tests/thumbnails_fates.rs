//! Every row of the fate table, through the handler.

use fleet::objects::ObjectsError;
use fleet::testing::Operation;
use serde_json::{Value, json};

use crate::photos::{
    Desk, THUMBNAILS, UPLOADS, created, fates, jpeg, message, record, redelivered, told,
};

const CAT: &str = "photos/cat.jpg";

fn desk() -> Desk {
    let desk = Desk::new();
    desk.objects.place(UPLOADS, CAT, Some("v1"), jpeg(1));
    desk
}

fn rejections(desk: &Desk) -> Vec<Value> {
    desk.keys("rejected/thumbnails/")
        .iter()
        .map(|key| {
            let object = desk.objects.object(THUMBNAILS, key).unwrap();
            serde_json::from_slice(&object.bytes).unwrap()
        })
        .collect()
}

#[tokio::test]
async fn what_is_not_meant_for_the_worker_is_skipped_and_changes_nothing() {
    let mut own = record(
        "ObjectCreated:Put",
        "thumbnails/uploads/a/~v1/r/64.jpg",
        None,
        "01",
    );
    own["s3"]["bucket"]["name"] = THUMBNAILS.into();
    let mut folder = created("photos/2026/", "v1", "01");
    folder["s3"]["object"]["size"] = 0.into();
    for (what, event) in [
        (
            "test event",
            json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": UPLOADS}),
        ),
        (
            "test event in sqs",
            json!({"Records": [message("1", r#"{"Event":"s3:TestEvent"}"#)]}),
        ),
        ("own output", json!({"Records": [own]})),
        (
            "outside the prefix",
            json!({"Records": [created("invoices/1.pdf", "v1", "01")]}),
        ),
        ("folder marker", json!({"Records": [folder]})),
        (
            "tags",
            json!({"Records": [record("ObjectTagging:Put", CAT, Some("v1"), "")]}),
        ),
    ] {
        let desk = desk();
        let handled = desk.handle(event).await;
        assert_eq!(fates(&handled), ["done/skipped"], "{what}");
        assert!(handled.response().is_ok(), "{what}");
        assert_eq!(desk.objects.take_journal(), [""; 0], "{what}");
    }
}

#[tokio::test]
async fn a_copied_thumbnail_gets_no_thumbnails() {
    let desk = desk();
    desk.fate(created(CAT, "v1", "01")).await;
    let key = desk.keys("thumbnails/").remove(0);
    let mut copy = desk.objects.object(THUMBNAILS, &key).unwrap();
    copy.bucket = UPLOADS.to_owned();
    copy.key = "photos/copy.jpg".to_owned();
    fleet::objects::Objects::put(&desk.objects, copy, fleet::objects::Condition::None)
        .await
        .unwrap();
    let fate = desk
        .fate(record("ObjectCreated:Copy", "photos/copy.jpg", None, "02"))
        .await;
    assert_eq!(fate, "done/skipped");
}

#[tokio::test]
async fn a_body_that_is_no_notice_is_rejected_and_kept_once() {
    for body in [
        "hello",
        "",
        "{}",
        "[1]",
        r#"{"Records":[{}]}"#,
        r#"{"Type":"SubscriptionConfirmation","TopicArn":"t"}"#,
    ] {
        let desk = desk();
        for _ in 0..2 {
            let handled = desk.handle(json!({"Records": [message("m1", body)]})).await;
            assert_eq!(fates(&handled), ["rejected/not-a-notice"], "{body}");
            assert_eq!(redelivered(&handled), [""; 0], "{body}");
        }
        let kept = rejections(&desk);
        assert_eq!(kept.len(), 1, "{body}");
        assert_eq!(kept[0]["kind"], "not-a-notice");
        assert!(
            !kept[0].to_string().contains("handle"),
            "a receipt handle was kept"
        );
    }
}

#[tokio::test]
async fn a_photo_that_cannot_be_read_is_rejected_with_its_reason() {
    let png = fixtures::encode::png(&fixtures::photo(40, 40, 1));
    let mut truncated = jpeg(1);
    truncated.truncate(truncated.len() / 2);
    for (bytes, kind) in [
        (b"just text".to_vec(), "unrecognised"),
        (Vec::new(), "empty"),
        (fixtures::encode::heic_header(), "unsupported"),
        (truncated, "corrupt"),
        (png[..60].to_vec(), "corrupt"),
        (
            fixtures::hostile::named("png-bomb")
                .unwrap_or_else(largest_bomb)
                .bytes,
            "limit",
        ),
    ] {
        let desk = desk();
        desk.objects.place(UPLOADS, CAT, Some("v1"), bytes);
        assert_eq!(
            desk.fate(created(CAT, "v1", "01")).await,
            format!("rejected/{kind}")
        );
        let kept = rejections(&desk);
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0]["subject"], "s3://uploads/photos/cat.jpg");
        assert_eq!(kept[0]["record"]["s3"]["object"]["versionId"], "v1");
        assert_eq!(desk.keys("thumbnails/"), [""; 0]);
    }
}

/// The fixture that lies most about its size.
fn largest_bomb() -> fixtures::hostile::Hostile {
    let bomb = |hostile: &fixtures::hostile::Hostile| hostile.name.contains("bomb");
    fixtures::hostile::all().into_iter().find(bomb).unwrap()
}

#[tokio::test]
async fn a_photo_over_the_byte_limit_is_not_even_downloaded() {
    let desk = desk();
    let mut huge = created(CAT, "v1", "01");
    huge["s3"]["object"]["size"] = 10_000_000_000_u64.into();
    // A download would find that it is gone.
    desk.objects.remove(UPLOADS, CAT);
    assert_eq!(desk.fate(huge).await, "rejected/limit");
}

fn unavailable() -> ObjectsError {
    ObjectsError::Unavailable {
        object: "o".to_owned(),
        reason: "503".to_owned(),
    }
}

#[tokio::test]
async fn a_source_that_is_gone_is_rejected_as_gone() {
    let desk = desk();
    desk.objects.remove(UPLOADS, CAT);
    assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "rejected/gone");
    assert_eq!(rejections(&desk)[0]["kind"], "gone");
}

#[tokio::test]
async fn an_unversioned_source_that_was_overwritten_is_superseded() {
    let desk = desk();
    let mut old = record("ObjectCreated:Put", CAT, None, "01");
    old["s3"]["object"]["eTag"] = "an-older-tag".into();
    assert_eq!(desk.fate(old).await, "done/superseded");
    assert_eq!(rejections(&desk), [Value::Null; 0]);
}

#[tokio::test]
async fn what_may_pass_is_retried_and_named_alone_in_the_response() {
    let object = || "o".to_owned();
    let reason = || "r".to_owned();
    for (error, kind) in [
        (
            ObjectsError::Denied {
                object: object(),
                reason: reason(),
            },
            "denied",
        ),
        (
            ObjectsError::Throttled {
                object: object(),
                reason: reason(),
            },
            "throttled",
        ),
        (unavailable(), "unavailable"),
        (
            ObjectsError::Truncated {
                object: object(),
                actual: 1,
                expected: 2,
            },
            "truncated",
        ),
    ] {
        for operation in [Operation::Get, Operation::Open] {
            let desk = desk();
            desk.objects
                .place(UPLOADS, "photos/dog.jpg", Some("v1"), jpeg(2));
            desk.objects
                .fail_once(operation, "photos/cat.jpg", error.clone());
            let event = json!({"Records": [
                told("m-dog", &created("photos/dog.jpg", "v1", "01")),
                told("m-cat", &created(CAT, "v1", "01")),
                message("m-poison", "not json"),
            ]});
            let handled = desk.handle(event.clone()).await;
            assert_eq!(
                fates(&handled),
                [
                    "done/applied",
                    &format!("retry/{kind}"),
                    "rejected/not-a-notice"
                ]
            );
            assert_eq!(redelivered(&handled), ["m-cat"]);

            let again = desk.handle(event).await;
            assert_eq!(
                fates(&again),
                ["done/duplicate", "done/applied", "rejected/not-a-notice"]
            );
            assert_eq!(redelivered(&again), [""; 0]);
        }
    }
}

#[tokio::test]
async fn a_panic_is_the_retry_of_its_own_record() {
    let desk = desk();
    desk.objects
        .place(UPLOADS, "photos/dog.jpg", Some("v1"), jpeg(2));
    desk.objects.panic_once(Operation::Put, "photos/cat.jpg");
    let event = json!({"Records": [
        told("m-cat", &created(CAT, "v1", "01")),
        told("m-dog", &created("photos/dog.jpg", "v1", "01")),
    ]});
    let handled = desk.handle(event).await;
    assert_eq!(fates(&handled), ["retry/panic", "done/applied"]);
    assert_eq!(redelivered(&handled), ["m-cat"]);
}

#[tokio::test]
async fn a_rejection_that_cannot_be_kept_is_not_acknowledged() {
    let desk = desk();
    desk.objects
        .fail_once(Operation::Put, "rejected/", unavailable());
    let event = json!({"Records": [message("m1", "poison")]});
    let handled = desk.handle(event.clone()).await;
    assert_eq!(fates(&handled), ["retry/unkept"]);
    assert_eq!(redelivered(&handled), ["m1"]);
    assert_eq!(fates(&desk.handle(event).await), ["rejected/not-a-notice"]);
}

#[tokio::test]
async fn an_asynchronous_event_with_a_retry_in_it_fails_as_a_whole() {
    let desk = desk();
    desk.objects.fail_once(Operation::Get, CAT, unavailable());
    let event = json!({"Records": [created(CAT, "v1", "01")]});
    assert!(desk.handle(event.clone()).await.response().is_err());
    assert!(desk.handle(event).await.response().is_ok());
}

#[tokio::test]
async fn a_fifo_group_is_not_overtaken() {
    let desk = desk();
    desk.objects.fail_once(Operation::Get, CAT, unavailable());
    let fifo = |id: &str, group: &str, key: &str| {
        let mut message = told(id, &created(key, "v1", "01"));
        message["eventSourceARN"] = "arn:aws:sqs:eu-west-1:123456789012:thumbnails.fifo".into();
        message["attributes"] = json!({ "MessageGroupId": group });
        message
    };
    desk.objects
        .place(UPLOADS, "photos/dog.jpg", Some("v1"), jpeg(2));
    let event = json!({"Records": [
        fifo("1", "a", CAT),
        fifo("2", "b", "photos/dog.jpg"),
        fifo("3", "a", "photos/dog.jpg"),
    ]});
    assert_eq!(redelivered(&desk.handle(event).await), ["1", "3"]);
}

#[tokio::test]
async fn a_broken_ledger_is_left_for_an_operator() {
    let desk = desk();
    desk.objects.place(
        THUMBNAILS,
        "ledger/uploads/photos/cat.jpg.json",
        None,
        "{broken",
    );
    assert_eq!(
        desk.fate(created(CAT, "v1", "01")).await,
        "retry/unavailable"
    );
    assert_eq!(desk.objects.take_journal(), [""; 0]);
}
