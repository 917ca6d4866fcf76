//! A view, as its producer tells it: `{"id": "...", "post": "...", "at": ...}`, of which the post alone must be there.

use std::time::Duration;

use fleet::clock::UnixMillis;
use fleet::date::{self, Utc};
use serde_json::Value;

use crate::recent::ViewDigest;

/// How much a producer's clock may be ahead of the stream's.
const MAX_AHEAD: Duration = Duration::from_mins(5);

/// The longest id that is taken, in bytes; a UUID has 36.
const MAX_ID_BYTES: usize = 256;

/// The longest post that is taken, in bytes. A partition key of DynamoDB has at most 2,048.
const MAX_POST_BYTES: usize = 512;

/// What begins the keys of items that are no counters: no post does.
const RESERVED: char = '#';

/// What begins a record that the Kinesis Producer Library packed several into: its *Consumer De-aggregation* document.
const AGGREGATED: [u8; 4] = [0xF3, 0x89, 0x9A, 0xC2];

/// Somebody saw a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    /// Which view it is; without it, the producer's own repetition cannot be told from another view.
    pub(crate) digest: Option<ViewDigest>,
    /// The post's slug.
    pub(crate) post: String,
    /// The hour it happened in: `2026-03-14T09`.
    pub(crate) hour: String,
    /// The minute since 1970 in which the stream got it.
    pub(crate) minute: u64,
}

/// Why a record is no view that can be counted, now or ever. Says nothing of what is in it: that is a reader's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ViewError {
    /// Several records in one.
    #[error(
        "the record is an aggregate of the Kinesis Producer Library: its producer must turn aggregation off"
    )]
    Aggregated,
    /// Not JSON.
    #[error("the record is not JSON")]
    NotJson,
    /// JSON of something else.
    #[error("the view has no valid `{0}`")]
    Field(&'static str),
    /// It happened too long before it arrived: its hour may be reported already.
    #[error("the view happened too long before it arrived")]
    Late,
    /// It happened after it arrived.
    #[error("the view happened after it arrived: its producer's clock is wrong")]
    Ahead,
}

impl View {
    /// Reads the bytes of a record that arrived at `arrival`.
    pub(crate) fn read(
        bytes: &[u8],
        arrival: UnixMillis,
        late: Duration,
    ) -> Result<Self, ViewError> {
        if bytes.starts_with(&AGGREGATED) {
            return Err(ViewError::Aggregated);
        }
        let json: Value = serde_json::from_slice(bytes).map_err(|_| ViewError::NotJson)?;
        let text = |field: &'static str, max_bytes: usize| {
            json[field]
                .as_str()
                .filter(|text| !text.is_empty() && text.len() <= max_bytes)
                .filter(|text| !text.chars().any(char::is_control))
                .ok_or(ViewError::Field(field))
        };
        let digest = match &json["id"] {
            Value::Null => None,
            _ => Some(ViewDigest::of(text("id", MAX_ID_BYTES)?)),
        };
        let post = text("post", MAX_POST_BYTES)?;
        if post.starts_with(RESERVED) {
            return Err(ViewError::Field("post"));
        }
        let at = match &json["at"] {
            Value::Null => Some(arrival),
            Value::String(text) => date::parse(text),
            other => other.as_u64(),
        };
        let at = at.ok_or(ViewError::Field("at"))?;
        if Duration::from_millis(arrival.saturating_sub(at)) > late {
            return Err(ViewError::Late);
        }
        if Duration::from_millis(at.saturating_sub(arrival)) > MAX_AHEAD {
            return Err(ViewError::Ahead);
        }
        Ok(Self {
            digest,
            post: post.to_owned(),
            hour: Utc::at(at).to_hour(),
            minute: arrival / 60_000,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// 2026-03-14T09:26:53.589Z.
    const ARRIVAL: UnixMillis = 1_773_480_413_589;

    const LATE: Duration = Duration::from_hours(7 * 24);

    fn read(json: &Value) -> Result<View, ViewError> {
        View::read(json.to_string().as_bytes(), ARRIVAL, LATE)
    }

    fn at(at: impl Into<Value>) -> Result<String, ViewError> {
        let view = read(&json!({"id": "1", "post": "hello", "at": at.into()}));
        view.map(|view| view.hour)
    }

    #[test]
    fn a_view_is_of_a_post_and_an_hour() {
        let view = json!({"id": "1", "post": "hello", "at": "2026-03-14T08:59:59.999Z", "path": "/x", "new": [1]});
        assert_eq!(
            read(&view),
            Ok(View {
                digest: Some(ViewDigest::of("1")),
                post: "hello".to_owned(),
                hour: "2026-03-14T08".to_owned(),
                minute: 29_558_006,
            })
        );
    }

    #[test]
    fn a_time_is_iso_or_milliseconds() {
        let hour = Ok("2026-03-14T09".to_owned());
        assert_eq!(at("2026-03-14T09:00:00Z"), hour);
        assert_eq!(at("2026-03-14T16:00:00+07:00"), hour);
        assert_eq!(at(ARRIVAL), hour);
        for wrong in [
            json!("today"),
            json!(-1),
            json!(1.5),
            json!("1773480413589"),
        ] {
            assert_eq!(at(wrong), Err(ViewError::Field("at")));
        }
    }

    #[test]
    fn a_view_without_a_time_happened_when_it_arrived_and_without_an_id_is_itself() {
        let view = read(&json!({"post": "hello"})).unwrap();
        assert_eq!(view.hour, "2026-03-14T09");
        assert_eq!(view.digest, None);
        assert_eq!(
            read(&json!({"id": null, "at": null, "post": "hello"})),
            Ok(view)
        );
    }

    #[test]
    fn a_time_too_far_from_the_arrival_is_refused() {
        let late = 7 * 24 * 3_600_000;
        assert!(at(ARRIVAL - late).is_ok());
        assert_eq!(at(ARRIVAL - late - 1), Err(ViewError::Late));
        assert!(at(ARRIVAL + 300_000).is_ok());
        assert_eq!(at(ARRIVAL + 300_001), Err(ViewError::Ahead));
        // Seconds where milliseconds should be.
        assert_eq!(at(1_773_480_413), Err(ViewError::Late));
    }

    #[test]
    fn what_is_no_view_says_why_without_what_is_in_it() {
        let long = "x".repeat(513);
        for (json, field) in [
            (json!({"id": 1, "post": "p", "at": ARRIVAL}), "id"),
            (json!({"id": "", "post": "p", "at": ARRIVAL}), "id"),
            (json!({"id": long, "post": "p", "at": ARRIVAL}), "id"),
            (json!({"id": "1", "at": ARRIVAL}), "post"),
            (json!({"id": "1", "post": long, "at": ARRIVAL}), "post"),
            (json!({"id": "1", "post": "a\nb", "at": ARRIVAL}), "post"),
            // It would be counted into the checkpoints.
            (
                json!({"id": "1", "post": "#checkpoint", "at": ARRIVAL}),
                "post",
            ),
            (json!([]), "post"),
        ] {
            assert_eq!(read(&json), Err(ViewError::Field(field)), "{json}");
        }
        let not_json = View::read(b"secret", ARRIVAL, LATE).unwrap_err();
        assert_eq!(not_json.to_string(), "the record is not JSON");
        let aggregate = [&AGGREGATED[..], b"{}"].concat();
        let aggregate = View::read(&aggregate, ARRIVAL, LATE);
        assert_eq!(aggregate, Err(ViewError::Aggregated));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80), arrival: u64) {
            let _ = View::read(&bytes, arrival, LATE);
        }

        #[test]
        fn no_time_makes_it_panic(at: u64, arrival: u64) {
            let json = json!({"id": "1", "post": "p", "at": at}).to_string();
            let _ = View::read(json.as_bytes(), arrival, LATE);
        }
    }
}
