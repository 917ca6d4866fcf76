//! Any envelope of an S3 notification -> [`ObjectChange`].
//!
//! S3 tells of a change by several routes, each with wrappings of its own: straight to a function, through SNS, through
//! SQS, through SNS into SQS (wrapped or raw), through EventBridge (straight or into SQS). The wrapping is detected, never
//! configured: a worker takes all of them. Keys are decoded here and nowhere else.

use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;

use crate::delivery::{MAX_ENVELOPES, Payload, SnsEnvelope};
use crate::sequencer::Sequencer;

/// A change to one object, as S3 told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectChange {
    /// The event's own name, such as `ObjectCreated:Put` or `Object Deleted`.
    pub event_name: String,
    /// What it means.
    pub change: Change,
    /// The bucket's name.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// The version, in a versioned bucket.
    pub version: Option<String>,
    /// The entity tag, without quotes. Not always an MD5.
    pub etag: Option<String>,
    /// The object's size in bytes.
    pub size_bytes: Option<u64>,
    /// The order of this change among those of the same key.
    pub sequencer: Sequencer,
    /// When it happened, as S3 tells it: ISO 8601 in UTC, to the millisecond or (EventBridge) to the second. It orders
    /// nothing: that is the sequencer's part.
    pub time: Option<String>,
}

/// What a change means for what was made from the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// There is a new current version.
    Created,
    /// There is no current version any more: deleted in an unversioned bucket, or hidden by a delete marker.
    Removed,
    /// One version was deleted for good. Other versions, the current one among them, may remain.
    VersionRemoved,
    /// Something that leaves the object's bytes as they are: tags, access control, restore, storage class.
    Other,
}

/// What a payload turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The wrappings, outermost first, and what was inside: `sns/s3`, `eventbridge`. Empty for a test event.
    pub route: String,
    /// The changes it tells of, each with its raw record; a malformed one does not hide the others. None for the
    /// `s3:TestEvent` that S3 sends when a notification is set up.
    pub changes: Vec<Told>,
}

/// One change, with the raw record that told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The change, or why it cannot be understood.
    pub change: Result<ObjectChange, NoticeError>,
    /// The record as it came.
    pub record: Value,
}

/// Why a payload is no notification of S3. Always permanent: the same bytes fail the same way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// Not even JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// The field that should carry the notice is not there.
    #[error("the record has no text in `{0}`")]
    NoBody(&'static str),
    /// JSON of something else.
    #[error("the body is not an S3 notification: {0}")]
    NotANotice(&'static str),
    /// Wrapped too often.
    #[error("the notice is wrapped in more than {MAX_ENVELOPES} envelopes")]
    TooDeep,
    /// A field that every notification has is missing or has the wrong type.
    #[error("the S3 record has no valid `{0}`")]
    Field(&'static str),
    /// Keys are UTF-8.
    #[error("the key {0:?} does not decode to UTF-8")]
    KeyNotUtf8(String),
}

/// Reads the notification in `payload`, whatever it is wrapped in.
pub fn read(payload: Payload<'_>) -> Result<Notice, NoticeError> {
    match payload {
        Payload::Text(text) => unwrap_text(text, 0),
        Payload::Json(value) => unwrap_value(value, 0),
        Payload::Missing(field) => Err(NoticeError::NoBody(field)),
    }
}

fn unwrap_text(text: &str, depth: usize) -> Result<Notice, NoticeError> {
    let value =
        serde_json::from_str(text).map_err(|error| NoticeError::NotJson(error.to_string()))?;
    unwrap_value(&value, depth)
}

fn unwrap_value(value: &Value, depth: usize) -> Result<Notice, NoticeError> {
    if depth >= MAX_ENVELOPES {
        return Err(NoticeError::TooDeep);
    }
    if value["Event"] == "s3:TestEvent" {
        return Ok(Notice {
            route: String::new(),
            changes: Vec::new(),
        });
    }
    if let Some(records) = value["Records"].as_array() {
        // A queue subscribed to another queue's dead letters, or a function's event kept whole, nests like this.
        return match records.as_slice() {
            [record] if record["eventSource"] == "aws:sqs" => within("sqs", &record["body"], depth),
            [record] if record["EventSource"] == "aws:sns" => {
                within("sns", &record["Sns"]["Message"], depth)
            }
            records => Ok(of_records(records)),
        };
    }
    match SnsEnvelope::of(value) {
        Some(SnsEnvelope::Notification(message)) => return within("sns", message, depth),
        Some(SnsEnvelope::Control) => {
            return Err(NoticeError::NotANotice(SnsEnvelope::IS_CONTROL));
        }
        None => {}
    }
    if value["detail-type"].is_string() {
        return if value["source"] == "aws.s3" {
            Ok(Notice {
                route: "eventbridge".to_owned(),
                changes: vec![Told {
                    change: of_eventbridge(value),
                    record: value.clone(),
                }],
            })
        } else {
            Err(NoticeError::NotANotice(
                "it is an EventBridge event of another source",
            ))
        };
    }
    if value["eventSource"] == "aws:s3" {
        return Ok(of_records(std::slice::from_ref(value)));
    }
    Err(NoticeError::NotANotice(if value.is_object() {
        "it has neither `Records` nor `detail-type`"
    } else {
        "it is not a JSON object"
    }))
}

fn within(envelope: &str, message: &Value, depth: usize) -> Result<Notice, NoticeError> {
    let notice = match message {
        Value::String(text) => unwrap_text(text, depth + 1)?,
        Value::Object(_) => unwrap_value(message, depth + 1)?,
        _ => return Err(NoticeError::NoBody("Message")),
    };
    Ok(Notice {
        route: if notice.route.is_empty() {
            envelope.to_owned()
        } else {
            format!("{envelope}/{}", notice.route)
        },
        ..notice
    })
}

fn of_records(records: &[Value]) -> Notice {
    Notice {
        route: "s3".to_owned(),
        changes: records
            .iter()
            .map(|record| Told {
                change: of_record(record),
                record: record.clone(),
            })
            .collect(),
    }
}

/// The structure that S3 sends to functions, topics and queues (`eventVersion` 2.x).
fn of_record(record: &Value) -> Result<ObjectChange, NoticeError> {
    if record["eventSource"] != "aws:s3" {
        return Err(NoticeError::Field("eventSource"));
    }
    let event_name = text(&record["eventName"]).ok_or(NoticeError::Field("eventName"))?;
    let object = &record["s3"]["object"];
    let key = text(&object["key"]).ok_or(NoticeError::Field("s3.object.key"))?;
    let version = text(&object["versionId"]);
    Ok(ObjectChange {
        change: change_named(&event_name, version.is_some()),
        event_name,
        bucket: text(&record["s3"]["bucket"]["name"])
            .ok_or(NoticeError::Field("s3.bucket.name"))?,
        key: decode_key(&key)?,
        version,
        etag: text(&object["eTag"]).as_deref().map(unquoted),
        size_bytes: object["size"].as_u64(),
        sequencer: Sequencer::new(text(&object["sequencer"]).unwrap_or_default()),
        time: text(&record["eventTime"]),
    })
}

fn change_named(event_name: &str, versioned: bool) -> Change {
    let name = event_name.strip_prefix("s3:").unwrap_or(event_name);
    match name.split_once(':') {
        Some(("ObjectCreated", _)) => Change::Created,
        // With a version it is the deletion of just that version, in a versioned bucket.
        Some(("ObjectRemoved" | "LifecycleExpiration", "Delete")) if versioned => {
            Change::VersionRemoved
        }
        Some(("ObjectRemoved" | "LifecycleExpiration", _)) => Change::Removed,
        _ => Change::Other,
    }
}

/// The structure that S3 sends to EventBridge. Its keys are not encoded.
fn of_eventbridge(event: &Value) -> Result<ObjectChange, NoticeError> {
    let event_name = text(&event["detail-type"]).ok_or(NoticeError::Field("detail-type"))?;
    let detail = &event["detail"];
    let object = &detail["object"];
    let version = text(&object["version-id"]);
    let marker = detail["deletion-type"] == "Delete Marker Created";
    Ok(ObjectChange {
        change: match event_name.as_str() {
            "Object Created" => Change::Created,
            "Object Deleted" if version.is_some() && !marker => Change::VersionRemoved,
            "Object Deleted" => Change::Removed,
            _ => Change::Other,
        },
        event_name,
        bucket: text(&detail["bucket"]["name"]).ok_or(NoticeError::Field("detail.bucket.name"))?,
        key: text(&object["key"]).ok_or(NoticeError::Field("detail.object.key"))?,
        version,
        etag: text(&object["etag"]).as_deref().map(unquoted),
        size_bytes: object["size"].as_u64(),
        sequencer: Sequencer::new(text(&object["sequencer"]).unwrap_or_default()),
        time: text(&event["time"]),
    })
}

/// Keys in notifications are encoded as in an HTML form: `+` is a space, so percent-decoding alone is wrong.
fn decode_key(key: &str) -> Result<String, NoticeError> {
    percent_decode_str(&key.replace('+', " "))
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| NoticeError::KeyNotUtf8(key.to_owned()))
}

fn text(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn unquoted(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn record(name: &str, key: &str) -> Value {
        json!({
            "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name,
            "eventTime": "2026-03-14T09:26:53.589Z",
            "s3": {"bucket": {"name": "uploads"},
                   "object": {"key": key, "size": 5, "eTag": "e", "versionId": "v", "sequencer": "01"}}
        })
    }

    fn only_change(value: &Value) -> ObjectChange {
        let notice = read(Payload::Json(value)).unwrap();
        assert_eq!(notice.changes.len(), 1);
        notice.changes.into_iter().next().unwrap().change.unwrap()
    }

    #[test]
    fn every_wrapping_comes_off() {
        let s3 = json!({"Records": [record("ObjectCreated:Put", "a.jpg")]});
        let sns = json!({"Type": "Notification", "TopicArn": "t", "Message": s3.to_string()});
        let bridge = json!({"detail-type": "Object Created", "source": "aws.s3",
            "time": "2026-03-14T09:26:53.589Z", "detail": {
            "bucket": {"name": "uploads"},
            "object": {"key": "a.jpg", "size": 5, "etag": "e", "version-id": "v", "sequencer": "01"}}});
        let sns_bridge =
            json!({"Type": "Notification", "TopicArn": "t", "Message": bridge.to_string()});
        let kept = json!({"Records": [{"eventSource": "aws:sqs", "body": sns.to_string()}]});
        for (body, route) in [
            (&s3, "s3"),
            (&sns, "sns/s3"),
            (&bridge, "eventbridge"),
            (&sns_bridge, "sns/eventbridge"),
            (&kept, "sqs/sns/s3"),
        ] {
            let text = body.to_string();
            let notice = read(Payload::Text(&text)).unwrap();
            assert_eq!(notice.route, route);
            let change = notice.changes[0].change.clone().unwrap();
            assert_eq!(change.change, Change::Created, "{route}");
            assert_eq!(
                (
                    change.bucket.as_str(),
                    change.key.as_str(),
                    change.version.as_deref(),
                    change.size_bytes,
                    change.time.as_deref()
                ),
                (
                    "uploads",
                    "a.jpg",
                    Some("v"),
                    Some(5),
                    Some("2026-03-14T09:26:53.589Z")
                ),
                "{route}"
            );
        }
    }

    #[test]
    fn a_plus_in_a_notice_is_a_space_in_the_key() {
        let key = |encoded: &str| {
            only_change(&json!({"Records": [record("ObjectCreated:Put", encoded)]})).key
        };
        assert_eq!(key("a+b%2Bc%25.jpg"), "a b+c%.jpg");
        assert_eq!(key("%E6%97%A5%E6%9C%AC/caf%C3%A9.jpg"), "日本/café.jpg");
    }

    #[test]
    fn eventbridge_keys_are_taken_as_they_are() {
        let event = json!({"detail-type": "Object Created", "source": "aws.s3", "detail": {
            "bucket": {"name": "uploads"}, "object": {"key": "a+b%20c.jpg"}}});
        let change = only_change(&event);
        assert_eq!(change.key, "a+b%20c.jpg");
        assert!(change.sequencer.is_absent());
    }

    #[test]
    fn a_deleted_version_is_not_a_deleted_object() {
        let change = |name: &str, version: Option<&str>| {
            let mut record = record(name, "a.jpg");
            record["s3"]["object"]["versionId"] = version.into();
            only_change(&json!({"Records": [record]})).change
        };
        assert_eq!(change("ObjectRemoved:Delete", None), Change::Removed);
        assert_eq!(
            change("ObjectRemoved:Delete", Some("v")),
            Change::VersionRemoved
        );
        assert_eq!(
            change("ObjectRemoved:DeleteMarkerCreated", Some("m")),
            Change::Removed
        );
        assert_eq!(
            change("LifecycleExpiration:DeleteMarkerCreated", Some("m")),
            Change::Removed
        );
        assert_eq!(change("s3:ObjectCreated:Copy", Some("v")), Change::Created);
        assert_eq!(change("ObjectTagging:Put", Some("v")), Change::Other);
    }

    #[test]
    fn an_eventbridge_deletion_says_which_kind() {
        let change = |kind: &str, version: Option<&str>| {
            only_change(&json!({"detail-type": "Object Deleted", "source": "aws.s3", "detail": {
                "bucket": {"name": "b"}, "object": {"key": "k", "version-id": version}, "deletion-type": kind}}))
            .change
        };
        assert_eq!(change("Delete Marker Created", Some("m")), Change::Removed);
        assert_eq!(
            change("Permanently Deleted", Some("v")),
            Change::VersionRemoved
        );
        assert_eq!(change("Permanently Deleted", None), Change::Removed);
    }

    #[test]
    fn a_test_event_tells_of_no_change() {
        let text =
            json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}).to_string();
        assert_eq!(read(Payload::Text(&text)).unwrap().changes, vec![]);
        let wrapped = json!({"Type": "Notification", "TopicArn": "t", "Message": text}).to_string();
        assert_eq!(read(Payload::Text(&wrapped)).unwrap().changes, vec![]);
    }

    #[test]
    fn what_is_no_notice_says_why() {
        let error = |text: &str| read(Payload::Text(text)).unwrap_err().to_string();
        insta::assert_snapshot!(error("hello"), @"the body is not JSON: expected value at line 1 column 1");
        insta::assert_snapshot!(error("{}"), @"the body is not an S3 notification: it has neither `Records` nor `detail-type`");
        insta::assert_snapshot!(error("[]"), @"the body is not an S3 notification: it is not a JSON object");
        insta::assert_snapshot!(error(r#"{"Type":"SubscriptionConfirmation","TopicArn":"t"}"#), @"the body is not an S3 notification: it is an SNS control message, such as a subscription confirmation");
        insta::assert_snapshot!(error(r#"{"detail-type":"x","source":"aws.ec2"}"#), @"the body is not an S3 notification: it is an EventBridge event of another source");
        insta::assert_snapshot!(read(Payload::Missing("body")).unwrap_err().to_string(), @"the record has no text in `body`");
    }

    #[test]
    fn one_malformed_record_does_not_hide_the_next() {
        let mut bad = record("ObjectCreated:Put", "a.jpg");
        bad["s3"]["bucket"] = json!({});
        let notice = read(Payload::Json(&json!({"Records": [bad, record("ObjectCreated:Put", "%FF"), record("ObjectCreated:Put", "b.jpg")]})))
            .unwrap();
        let changes: Vec<_> = notice
            .changes
            .into_iter()
            .map(|told| told.change.map(|change| change.key))
            .collect();
        assert_eq!(
            changes,
            vec![
                Err(NoticeError::Field("s3.bucket.name")),
                Err(NoticeError::KeyNotUtf8("%FF".to_owned())),
                Ok("b.jpg".to_owned())
            ]
        );
    }

    #[test]
    fn wrapping_without_end_is_refused() {
        let mut body = json!({"Records": [record("ObjectCreated:Put", "a")]}).to_string();
        for _ in 0..MAX_ENVELOPES {
            body = json!({"Type": "Notification", "TopicArn": "t", "Message": body}).to_string();
        }
        assert_eq!(read(Payload::Text(&body)), Err(NoticeError::TooDeep));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            let _ = read(Payload::Text(&text));
        }

        #[test]
        fn no_key_makes_it_panic(key in ".{1,60}") {
            let _ = read(Payload::Json(&json!({"Records": [record("ObjectCreated:Put", &key)]})));
        }
    }
}
