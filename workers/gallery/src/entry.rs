//! A photo's item in the catalogue, and what an event means after all that came before it.

use std::cmp::Ordering;
use std::time::Duration;

use fleet::clock::UnixMillis;
use fleet::date::Utc;
use fleet::table::{Condition, Item, Key};
use serde_json::{Map, Value, json};

use crate::as_of::AsOf;
use crate::config::Config;
use crate::event::{News, PhotoEvent, Picture};
use crate::owner::owner;

/// The attribute that says which state of the photo an item tells of, and that every write is conditional on.
const AS_OF: &str = "asOf";

/// What an event means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Decision {
    /// Write its item, on this condition.
    Write(Condition),
    /// This very event was applied before.
    Duplicate,
    /// A newer one was applied before.
    Superseded(AsOf),
    /// Somebody else wrote the standing item, and nobody knows how old it is.
    Foreign,
}

/// The key of a photo's item: `BUCKET/KEY`. A bucket's name has no slash, so no two photos share one.
pub(crate) fn key(event: &PhotoEvent) -> Key {
    Key::of(format!("{}/{}", event.bucket, event.key))
}

/// Decides what `event` means to the `standing` item.
pub(crate) fn decide(standing: Option<&Item>, event: &PhotoEvent) -> Decision {
    let Some(standing) = standing else {
        return Decision::Write(Condition::Absent);
    };
    let written = standing.get(AS_OF);
    let Some(as_of) = written.and_then(Value::as_str).and_then(AsOf::parse) else {
        return Decision::Foreign;
    };
    match as_of.cmp(&event.as_of) {
        Ordering::Equal => Decision::Duplicate,
        Ordering::Greater => Decision::Superseded(as_of),
        Ordering::Less => {
            let unchanged = written.cloned().unwrap_or_default();
            Decision::Write(Condition::Equal(AS_OF.to_owned(), unchanged))
        }
    }
}

/// The item that an event leaves behind: a pure function of the event, but for when a tombstone expires.
pub(crate) fn item(event: &PhotoEvent, config: &Config, now: UnixMillis) -> Item {
    match &event.news {
        News::Ready(picture) => listed(event, picture.as_ref(), config),
        News::Removed => tombstone(event, config.tombstone_retention, now),
    }
}

fn listed(event: &PhotoEvent, picture: Option<&Picture>, config: &Config) -> Item {
    let PhotoEvent {
        bucket,
        key,
        thumbnails_bucket,
        manifest_key,
        ..
    } = event;
    // The index leaves out what has no sort key, so a photo of unknown time is listed last rather than not at all.
    let at = event.at.unwrap_or(0);
    let item = json!({
        "owner": owner(key, &config.owner_prefix),
        "uploadedAt": Utc::at(at).to_string(),
        "bucket": bucket,
        "key": key,
        "sourceVersion": event.source_version,
        "thumbnailsBucket": thumbnails_bucket,
        "manifestKey": manifest_key,
        "width": picture.map(|picture| picture.width),
        "height": picture.map(|picture| picture.height),
        "bytes": picture.map(|picture| picture.bytes),
        "type": picture.map(|picture| &picture.content_type),
        "thumbhash": picture.map(|picture| &picture.thumbhash),
        "srcset": picture.map(|picture| &picture.srcset),
        "picture": picture.map(|picture| &picture.sources),
        AS_OF: event.as_of.to_string(),
    });
    present(item)
}

/// Without owner and time, so that the index does not list it.
fn tombstone(event: &PhotoEvent, retention: Duration, now: UnixMillis) -> Item {
    present(json!({
        "removedAt": event.at.map(|at| Utc::at(at).to_string()),
        "expires_at": (now / 1_000).saturating_add(retention.as_secs()),
        AS_OF: event.as_of.to_string(),
    }))
}

/// What is not there is left out.
fn present(item: Value) -> Item {
    let attributes = match item {
        Value::Object(attributes) => attributes,
        _ => Map::new(),
    };
    attributes
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::PictureSource;

    fn event(news: News, as_of: &str) -> PhotoEvent {
        PhotoEvent {
            news,
            bucket: "uploads".to_owned(),
            key: "ana/2026/cat.jpg".to_owned(),
            source_version: Some("v1".to_owned()),
            as_of: AsOf::parse(as_of).unwrap(),
            at: Some(1_773_480_413_000),
            thumbnails_bucket: Some("thumbs".to_owned()),
            manifest_key: Some("manifests/uploads/ana/2026/cat.jpg.json".to_owned()),
        }
    }

    fn config() -> Config {
        Config::from_env(&[]).unwrap()
    }

    #[test]
    fn a_photo_that_is_ready_is_listed_with_all_that_a_page_needs() {
        let picture = Picture {
            width: 4000,
            height: 3000,
            bytes: 123_456,
            content_type: "image/jpeg".to_owned(),
            thumbhash: "hash".to_owned(),
            srcset: "/a 128w".to_owned(),
            sources: vec![PictureSource {
                content_type: "image/jpeg".to_owned(),
                srcset: "/a 128w".to_owned(),
            }],
        };
        let event = event(News::Ready(Some(picture)), "0A#1");
        assert_eq!(key(&event).to_string(), "uploads/ana/2026/cat.jpg");
        insta::assert_json_snapshot!(Value::Object(item(&event, &config(), 0)), @r#"
        {
          "asOf": "0A#1",
          "bucket": "uploads",
          "bytes": 123456,
          "height": 3000,
          "key": "ana/2026/cat.jpg",
          "manifestKey": "manifests/uploads/ana/2026/cat.jpg.json",
          "owner": "ana",
          "picture": [
            {
              "srcset": "/a 128w",
              "type": "image/jpeg"
            }
          ],
          "sourceVersion": "v1",
          "srcset": "/a 128w",
          "thumbhash": "hash",
          "thumbnailsBucket": "thumbs",
          "type": "image/jpeg",
          "uploadedAt": "2026-03-14T09:26:53.000Z",
          "width": 4000
        }
        "#);
    }

    #[test]
    fn a_photo_without_a_manifest_or_a_time_is_listed_too_and_last() {
        let mut event = event(News::Ready(None), "0A#1");
        event.at = None;
        let item = item(&event, &config(), 0);
        assert_eq!(item["owner"], "ana");
        assert_eq!(item["uploadedAt"], "1970-01-01T00:00:00.000Z");
        assert!(!item.contains_key("srcset"));
    }

    #[test]
    fn a_tombstone_is_in_no_index_and_expires() {
        let item = item(&event(News::Removed, "0A#2"), &config(), 1_000_000);
        insta::assert_json_snapshot!(Value::Object(item), @r#"
        {
          "asOf": "0A#2",
          "expires_at": 7777000,
          "removedAt": "2026-03-14T09:26:53.000Z"
        }
        "#);
    }

    #[test]
    fn an_event_is_applied_only_after_older_ones() {
        let standing = item(&event(News::Removed, "0A#2"), &config(), 0);
        let decided = |as_of: &str| decide(Some(&standing), &event(News::Ready(None), as_of));
        assert_eq!(decided("0A#2"), Decision::Duplicate);
        // The same state, written with S3's padding.
        assert_eq!(decided("0A00#2"), Decision::Duplicate);
        for older in ["0A#1", "09#7", "#7"] {
            let newer = AsOf::parse("0A#2").unwrap();
            assert_eq!(decided(older), Decision::Superseded(newer), "{older}");
        }
        let unchanged = Condition::Equal("asOf".to_owned(), "0A#2".into());
        for newer in ["0A#3", "0B#1"] {
            assert_eq!(
                decided(newer),
                Decision::Write(unchanged.clone()),
                "{newer}"
            );
        }
        let first = decide(None, &event(News::Removed, "01#1"));
        assert_eq!(first, Decision::Write(Condition::Absent));
    }

    #[test]
    fn an_item_of_unknown_age_is_left_alone() {
        for standing in [json!({}), json!({ "asOf": 1 }), json!({ "asOf": "old" })] {
            let standing = standing.as_object().unwrap();
            let decision = decide(Some(standing), &event(News::Removed, "01#1"));
            assert_eq!(decision, Decision::Foreign);
        }
    }
}
