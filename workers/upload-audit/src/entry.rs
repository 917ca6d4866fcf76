//! One change as one line of the audit.

use fleet::clock::UnixMillis;
use fleet::date::{self, Utc};
use fleet::digest::sha256_hex;
use fleet::notice::{Change, ObjectChange};
use serde::Serialize;
use serde_json::Value;

use crate::address::Addresses;

/// The longest principal or request id that is recorded, in bytes. The longest role session's has 150.
const MAX_TEXT_BYTES: usize = 1_024;

/// Where S3's own records name who asked, from where, and by which request: *Event message structure* in its user guide.
const IN_S3: Places = Places {
    principal: "/userIdentity/principalId",
    address: "/requestParameters/sourceIPAddress",
    request: "/responseElements/x-amz-request-id",
    region: "/awsRegion",
};

/// The same for the events that S3 sends to `EventBridge`, which have the account in the principal's place.
const IN_EVENTBRIDGE: Places = Places {
    principal: "/detail/requester",
    address: "/detail/source-ip-address",
    request: "/detail/request-id",
    region: "/region",
};

/// JSON pointers into a record.
struct Places {
    principal: &'static str,
    address: &'static str,
    request: &'static str,
    region: &'static str,
}

fn places(record: &Value) -> &'static Places {
    if record["detail"].is_object() {
        &IN_EVENTBRIDGE
    } else {
        &IN_S3
    }
}

/// Who changed what, when. Serialised, it is a line of the audit; the names are the columns of its table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// When it happened: ISO 8601 in UTC, to the millisecond.
    pub time: String,
    /// S3's name of it, such as `ObjectCreated:Put`.
    pub event: String,
    /// What that means: `created`, `removed`, `version-removed` or `other`.
    pub change: Change,
    /// The bucket's name.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// The version, in a versioned bucket.
    pub version: Option<String>,
    /// The object's size in bytes; a removal has none.
    pub size_bytes: Option<u64>,
    /// The entity tag, without quotes.
    pub etag: Option<String>,
    /// The order among the changes of the same key.
    pub sequencer: Option<String>,
    /// Who: a user's or a role session's principal id; by `EventBridge` an account or a service.
    pub principal: Option<String>,
    /// From where, as far as [`Addresses`] lets it be known.
    pub source_address: Option<String>,
    /// S3's id of the request, by which AWS Support and the bucket's access log find it.
    pub request_id: Option<String>,
    /// The region of the bucket.
    pub region: Option<String>,
    /// How the worker was told: `sns/s3`, `eventbridge`.
    pub route: String,
    #[serde(skip)]
    moment: UnixMillis,
}

/// Why a change cannot be put into the audit, now or ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Without a time there is no partition to put it into.
    #[error("the notice states no valid time")]
    NoTime,
}

impl Entry {
    /// The entry of `change`, told by `record` on `route`.
    pub fn new(
        change: &ObjectChange,
        record: &Value,
        route: &str,
        addresses: Addresses,
    ) -> Result<Self, EntryError> {
        let moment = change
            .time
            .as_deref()
            .and_then(date::parse)
            .ok_or(EntryError::NoTime)?;
        let places = places(record);
        let text = |place: &str| {
            record
                .pointer(place)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty() && text.len() <= MAX_TEXT_BYTES)
        };
        Ok(Self {
            time: Utc::at(moment).to_string(),
            event: change.event_name.clone(),
            change: change.change,
            bucket: change.bucket.clone(),
            key: change.key.clone(),
            version: change.version.clone(),
            size_bytes: change.size_bytes,
            etag: change.etag.clone(),
            sequencer: (!change.sequencer.is_absent()).then(|| change.sequencer.to_string()),
            principal: text(places.principal).map(str::to_owned),
            source_address: text(places.address).and_then(|text| addresses.recorded(text)),
            request_id: text(places.request).map(str::to_owned),
            region: text(places.region).map(str::to_owned),
            route: route.to_owned(),
            moment,
        })
    }

    /// Names the change: 32 hexadecimal digits, equal for every telling of it.
    ///
    /// A sequencer is of one change of one key, so the wording of the route is left out: S3 and `EventBridge` call the
    /// same upload by two names. What has no sequencer, or leaves the bytes as they are (a tagging can share the
    /// sequencer's absence with the next), is told apart by name, time and request.
    pub fn name(&self) -> String {
        let sequencer = self.sequencer.as_deref().unwrap_or_default();
        let sequencer = sequencer.trim_end_matches('0').to_ascii_uppercase();
        let kind = match self.change {
            Change::Created => "created",
            Change::Removed => "removed",
            Change::VersionRemoved => "version-removed",
            Change::Other => "other",
        };
        let version = self.version.as_deref().unwrap_or_default();
        let mut parts = vec![
            self.bucket.as_str(),
            self.key.as_str(),
            version,
            sequencer.as_str(),
            kind,
        ];
        if sequencer.is_empty() || self.change == Change::Other {
            parts.extend([
                self.event.as_str(),
                self.time.as_str(),
                self.request_id.as_deref().unwrap_or_default(),
            ]);
        }
        let mut name = sha256_hex(parts.into_iter().map(str::as_bytes));
        name.truncate(32);
        name
    }

    /// The key of its object: in the partition of the hour it happened in, a pure function of the change.
    pub fn object_key(&self) -> String {
        let Utc {
            year,
            month,
            day,
            hour,
            ..
        } = Utc::at(self.moment);
        let name = self.name();
        format!("uploads/year={year:04}/month={month:02}/day={day:02}/hour={hour:02}/{name}.jsonl")
    }

    /// Itself in JSON, and the end of the line.
    pub fn to_line(&self) -> String {
        // Strings and numbers: nothing that could fail to serialise.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

/// A record for keeping: with no more of an address than an entry would have.
pub(crate) fn without_address(mut record: Value, addresses: Addresses) -> Value {
    let place = places(&record).address;
    if let Some(address) = record.pointer_mut(place) {
        let recorded = address.as_str().and_then(|text| addresses.recorded(text));
        *address = recorded.map_or(Value::Null, Value::String);
    }
    record
}

#[cfg(test)]
mod tests {
    use fleet::delivery::Payload;
    use fleet::notice;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn s3(name: &str, sequencer: &str) -> Value {
        json!({
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "eu-west-1",
            "eventTime": "2026-03-14T09:26:53.589Z",
            "eventName": name,
            "userIdentity": {"principalId": "AWS:AROAEXAMPLE:visitor"},
            "requestParameters": {"sourceIPAddress": "192.0.2.17"},
            "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810"},
            "s3": {
                "bucket": {"name": "uploads"},
                "object": {"key": "a+b.jpg", "size": 5, "eTag": "\"e\"", "versionId": "v1", "sequencer": sequencer},
            },
        })
    }

    fn bridge(sequencer: &str) -> Value {
        json!({
            "detail-type": "Object Created",
            "source": "aws.s3",
            "time": "2026-03-14T09:26:53Z",
            "region": "eu-west-1",
            "detail": {
                "bucket": {"name": "uploads"},
                "object": {"key": "a b.jpg", "size": 5, "etag": "e", "version-id": "v1", "sequencer": sequencer},
                "requester": "123456789012",
                "source-ip-address": "192.0.2.17",
                "request-id": "C3D13FE58DE4C810",
            },
        })
    }

    fn entry(record: &Value) -> Result<Entry, EntryError> {
        let notice = notice::read(Payload::Json(record)).unwrap();
        let told = &notice.changes[0];
        Entry::new(
            told.change.as_ref().unwrap(),
            &told.record,
            &notice.route,
            Addresses::Network,
        )
    }

    #[test]
    fn a_line_says_who_changed_what_when() {
        let entry = entry(&s3("ObjectCreated:Put", "0A1B")).unwrap();
        insta::assert_snapshot!(
            entry.to_line(),
            @r#"{"time":"2026-03-14T09:26:53.589Z","event":"ObjectCreated:Put","change":"created","bucket":"uploads","key":"a b.jpg","version":"v1","size_bytes":5,"etag":"e","sequencer":"0A1B","principal":"AWS:AROAEXAMPLE:visitor","source_address":"192.0.2.0/24","request_id":"C3D13FE58DE4C810","region":"eu-west-1","route":"s3"}"#
        );
        insta::assert_snapshot!(
            entry.object_key(),
            @"uploads/year=2026/month=03/day=14/hour=09/6906f0fc2ffb3f870bca577c6413f2c4.jsonl"
        );
        assert!(entry.to_line().ends_with("}\n"));
    }

    #[test]
    fn eventbridge_says_the_same_in_other_fields() {
        let entry = entry(&bridge("0A1B")).unwrap();
        insta::assert_snapshot!(
            entry.to_line(),
            @r#"{"time":"2026-03-14T09:26:53.000Z","event":"Object Created","change":"created","bucket":"uploads","key":"a b.jpg","version":"v1","size_bytes":5,"etag":"e","sequencer":"0A1B","principal":"123456789012","source_address":"192.0.2.0/24","request_id":"C3D13FE58DE4C810","region":"eu-west-1","route":"eventbridge"}"#
        );
    }

    #[test]
    fn two_routes_tell_of_one_change_and_one_object() {
        let one = entry(&s3("ObjectCreated:Put", "0A1B00")).unwrap();
        let other = entry(&bridge("0a1b")).unwrap();
        assert_eq!(one.object_key(), other.object_key());
    }

    #[test]
    fn another_change_has_another_name() {
        let base = s3("ObjectCreated:Put", "0A1B");
        let name = |record: &Value| entry(record).unwrap().name();
        let changed = |place: &str, value: &str| {
            let mut record = base.clone();
            *record.pointer_mut(place).unwrap() = value.into();
            name(&record)
        };
        for other in [
            changed("/s3/object/sequencer", "0A1C"),
            changed("/s3/object/versionId", "v2"),
            changed("/s3/object/key", "b.jpg"),
            changed("/s3/bucket/name", "drafts"),
            changed("/eventName", "ObjectRemoved:Delete"),
        ] {
            assert_ne!(other, name(&base));
        }
        // Not what is only told of it.
        assert_eq!(changed("/awsRegion", "us-east-1"), name(&base));
        assert_eq!(changed("/eventTime", "2026-03-14T09:26:54Z"), name(&base));
    }

    #[test]
    fn without_a_sequencer_time_and_request_tell_changes_apart() {
        let base = s3("ObjectTagging:Put", "");
        let mut later = base.clone();
        later["eventTime"] = "2026-03-14T09:26:54.000Z".into();
        let mut other = base.clone();
        other["responseElements"]["x-amz-request-id"] = "0000000000000000".into();
        let name = |record: &Value| entry(record).unwrap().name();
        assert_ne!(name(&base), name(&later));
        assert_ne!(name(&base), name(&other));
        assert_eq!(name(&base), name(&base.clone()));
    }

    #[test]
    fn a_notice_without_a_time_has_no_partition() {
        for time in [json!(null), json!(""), json!("yesterday"), json!(1)] {
            let mut record = s3("ObjectCreated:Put", "0A1B");
            record["eventTime"] = time;
            assert_eq!(entry(&record), Err(EntryError::NoTime));
        }
    }

    #[test]
    fn a_kept_record_has_no_more_of_an_address_than_a_line() {
        for (record, place) in [
            (s3("", ""), "/requestParameters/sourceIPAddress"),
            (bridge(""), "/detail/source-ip-address"),
        ] {
            let kept = without_address(record.clone(), Addresses::Network);
            assert_eq!(kept.pointer(place).unwrap(), "192.0.2.0/24");
            let kept = without_address(record, Addresses::None);
            assert_eq!(kept.pointer(place).unwrap(), &Value::Null);
        }
    }

    proptest! {
        #[test]
        fn an_entry_is_always_one_line(key in ".{1,40}", principal in ".{0,40}") {
            let mut record = bridge("01");
            record["detail"]["object"]["key"] = key.clone().into();
            record["detail"]["requester"] = principal.into();
            let line = entry(&record).unwrap().to_line();
            prop_assert_eq!(line.matches('\n').count(), 1);
            let read: Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(read["key"].as_str(), Some(key.as_str()));
        }
    }
}
