//! From one delivery to a view and its place in a shard.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fleet::clock::UnixMillis;
use fleet::delivery::{Delivery, Source};
use fleet::fate::Fate;

use crate::view::{View, ViewError};

/// The longest names of a stream and a shard that Kinesis allows, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// The most digits of a sequence number: Kinesis documents `0|([1-9]\d{0,128})`.
const MAX_DIGITS: usize = 129;

/// A view, and where in the stream it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Its shard: `STREAM/shardId-000000000000`. Shards of two streams share their names, and their counters must not.
    pub(crate) shard: String,
    /// Its sequence number, a decimal number.
    pub(crate) sequence: String,
    /// The view.
    pub(crate) view: View,
}

/// Why a delivery cannot be counted, now or ever.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    /// Some other event source is mapped to the function.
    #[error("a delivery of source {0} is no record of a Kinesis stream")]
    NotAKinesisRecord(Source),
    /// It lacks what every record of a stream has.
    #[error("the stream record has no valid `{0}`")]
    Field(&'static str),
    /// What it carries is no view.
    #[error(transparent)]
    View(#[from] ViewError),
}

impl RecordError {
    /// The fate of the record: the same bytes are never counted, so it is rejected.
    pub(crate) fn fate(&self) -> Fate {
        let kind = match self {
            Self::NotAKinesisRecord(_) => "not-a-kinesis-record",
            Self::Field(_) => "malformed",
            Self::View(ViewError::Aggregated) => "aggregated",
            Self::View(ViewError::NotJson | ViewError::Field(_)) => "not-a-view",
            Self::View(ViewError::Late) => "late",
            Self::View(ViewError::Ahead) => "ahead",
        };
        Fate::rejected(kind, self.to_string())
    }
}

/// Reads one delivery.
pub(crate) fn read(delivery: &Delivery, late: Duration) -> Result<Placed, RecordError> {
    if delivery.source != Source::Kinesis {
        return Err(RecordError::NotAKinesisRecord(delivery.source));
    }
    let stream = stream(delivery).ok_or(RecordError::Field("eventSourceARN"))?;
    let shard = shard(delivery).ok_or(RecordError::Field("eventID"))?;
    let sequence = delivery
        .id()
        .filter(|id| id.len() <= MAX_DIGITS && id.bytes().all(|byte| byte.is_ascii_digit()))
        .ok_or(RecordError::Field("kinesis.sequenceNumber"))?;
    let arrival =
        arrival(delivery).ok_or(RecordError::Field("kinesis.approximateArrivalTimestamp"))?;
    let bytes = delivery.record["kinesis"]["data"]
        .as_str()
        .and_then(|data| STANDARD.decode(data).ok())
        .ok_or(RecordError::Field("kinesis.data"))?;
    Ok(Placed {
        shard: format!("{stream}/{shard}"),
        sequence: sequence.to_owned(),
        view: View::read(&bytes, arrival, late)?,
    })
}

/// The stream's name. With enhanced fan-out the event source is a consumer: `...:stream/NAME/consumer/OTHER:1614114445`.
fn stream(delivery: &Delivery) -> Option<&str> {
    let arn = delivery.record["eventSourceARN"].as_str()?;
    let (_, name) = arn.split_once(":stream/")?;
    name.split('/').next().filter(|name| is_name(name))
}

/// The shard's id: the part of the event's id before its sequence number.
fn shard(delivery: &Delivery) -> Option<&str> {
    let (shard, _) = event_id(delivery)?.split_once(':')?;
    Some(shard).filter(|shard| is_name(shard))
}

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    !text.is_empty() && text.len() <= MAX_NAME_BYTES && text.bytes().all(allowed)
}

/// When the stream got the record: Unix seconds with a fraction.
fn arrival(delivery: &Delivery) -> Option<UnixMillis> {
    let seconds = delivery.record["kinesis"]["approximateArrivalTimestamp"].as_f64()?;
    let since_1970 = Duration::try_from_secs_f64(seconds).ok()?;
    u64::try_from(since_1970.as_millis()).ok()
}

/// What Lambda calls the record: `shardId-000000000000:SEQUENCE`; the same in every delivery of it.
pub(crate) fn event_id(delivery: &Delivery) -> Option<&str> {
    delivery.record["eventID"].as_str()
}

#[cfg(test)]
mod tests {
    use fleet::delivery::deliveries;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    const LATE: Duration = Duration::from_hours(7 * 24);

    fn record() -> Value {
        let view = json!({"id": "1", "post": "hello", "at": 1_773_480_413_000_u64});
        json!({
            "eventSource": "aws:kinesis",
            "eventID": "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
            "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/page-views",
            "kinesis": {
                "partitionKey": "1",
                "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
                "approximateArrivalTimestamp": 1_773_480_413.589,
                "data": STANDARD.encode(view.to_string()),
            },
        })
    }

    fn read_json(record: &Value) -> Result<Placed, RecordError> {
        read(&deliveries(json!({ "Records": [record] }))[0], LATE)
    }

    fn with(place: &str, value: Value) -> Result<Placed, RecordError> {
        let mut record = record();
        *record.pointer_mut(place).unwrap() = value;
        read_json(&record)
    }

    #[test]
    fn a_record_has_its_place_in_a_shard_of_a_stream() {
        let placed = read_json(&record()).unwrap();
        assert_eq!(placed.shard, "page-views/shardId-000000000006");
        assert_eq!(placed.sequence.len(), 56);
        assert_eq!(placed.view.post, "hello");
        let consumer = "arn:aws:kinesis:eu-west-1:123456789012:stream/page-views/consumer/a:1";
        let by_fan_out = with("/eventSourceARN", consumer.into()).unwrap();
        assert_eq!(by_fan_out.shard, placed.shard);
    }

    #[test]
    fn what_a_stream_never_sends_is_malformed() {
        for (place, value, field) in [
            ("/eventSourceARN", json!("stream"), "eventSourceARN"),
            ("/eventSourceARN", json!("arn::stream/"), "eventSourceARN"),
            ("/eventID", json!(null), "eventID"),
            ("/eventID", json!("shardId-1"), "eventID"),
            ("/eventID", json!(":1"), "eventID"),
            ("/eventID", json!("shard#1:1"), "eventID"),
            (
                "/kinesis/sequenceNumber",
                json!(null),
                "kinesis.sequenceNumber",
            ),
            (
                "/kinesis/sequenceNumber",
                json!("1e5"),
                "kinesis.sequenceNumber",
            ),
            (
                "/kinesis/sequenceNumber",
                json!("9".repeat(130)),
                "kinesis.sequenceNumber",
            ),
            (
                "/kinesis/approximateArrivalTimestamp",
                json!(-1),
                "kinesis.approximateArrivalTimestamp",
            ),
            (
                "/kinesis/approximateArrivalTimestamp",
                json!(null),
                "kinesis.approximateArrivalTimestamp",
            ),
            ("/kinesis/data", json!("%"), "kinesis.data"),
            ("/kinesis/data", json!(null), "kinesis.data"),
        ] {
            let error = with(place, value.clone()).unwrap_err();
            assert_eq!(error, RecordError::Field(field), "{place} {value}");
            assert_eq!(error.fate().kind(), "malformed");
        }
    }

    #[test]
    fn every_way_of_being_no_view_has_its_kind() {
        let kind = |bytes: &[u8]| {
            let error = with("/kinesis/data", STANDARD.encode(bytes).into()).unwrap_err();
            error.fate().kind()
        };
        let at = |at: u64| json!({"id": "1", "post": "p", "at": at}).to_string();
        assert_eq!(kind(b"hello"), "not-a-view");
        assert_eq!(kind(b"{}"), "not-a-view");
        assert_eq!(kind(b"\xF3\x89\x9A\xC2..."), "aggregated");
        assert_eq!(kind(at(1).as_bytes()), "late");
        assert_eq!(kind(at(9_000_000_000_000).as_bytes()), "ahead");
        let mut other = record();
        other["eventSource"] = "aws:dynamodb".into();
        let error = read_json(&other).unwrap_err();
        assert_eq!(error.fate().kind(), "not-a-kinesis-record");
    }

    proptest! {
        #[test]
        fn no_record_makes_it_panic(arn in ".{0,40}", id in ".{0,40}", data in ".{0,40}", arrival: f64) {
            let mut record = record();
            record["eventSourceARN"] = format!("a:stream/{arn}").into();
            record["eventID"] = id.into();
            record["kinesis"]["data"] = data.into();
            record["kinesis"]["approximateArrivalTimestamp"] = arrival.into();
            let _ = read_json(&record);
        }
    }
}
