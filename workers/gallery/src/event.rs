//! The thumbnail worker's result event, as far as the catalogue needs it.

use fleet::clock::UnixMillis;
use fleet::date;
use fleet::delivery::Payload;
use fleet::fate::Fate;
use fleet::sequencer::Sequencer;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::as_of::AsOf;
use crate::envelope::open;

/// The version of the events' structure that this worker reads. New fields do not change it.
const VERSION: u64 = 1;

/// What became of one photo.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoEvent {
    /// What became of it.
    pub news: News,
    /// The bucket of the photo.
    pub bucket: String,
    /// The key of the photo.
    pub key: String,
    /// Which write or removal of it this is about.
    pub source_version: Option<String>,
    /// Which state of the photo this is.
    pub as_of: AsOf,
    /// When it was put or removed.
    pub at: Option<UnixMillis>,
    /// The bucket of its manifest.
    pub thumbnails_bucket: Option<String>,
    /// The key of its manifest.
    pub manifest_key: Option<String>,
}

/// What became of a photo.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// It can be shown. Without a picture when its manifest was too large for the event.
    Ready(Option<Picture>),
    /// It is gone.
    Removed,
}

/// What a page needs to show a photo, out of its manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// The photo's own width in pixels, as displayed.
    pub width: u32,
    /// The photo's own height in pixels, as displayed.
    pub height: u32,
    /// The photo's own size in bytes.
    pub bytes: u64,
    /// The photo's own content type.
    pub content_type: String,
    /// ThumbHash, base64.
    pub thumbhash: String,
    /// The `srcset` of an `<img>`.
    pub srcset: String,
    /// The `<source>`s of a `<picture>`.
    pub sources: Vec<PictureSource>,
}

/// The thumbnails of one format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureSource {
    /// Their content type.
    #[serde(rename = "type")]
    pub content_type: String,
    /// Their `srcset`.
    pub srcset: String,
}

/// Why a record is no event of a photo. Always permanent: the same bytes fail the same way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not even JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// The field that should carry the event is not there.
    #[error("the record has no text in `{0}`")]
    NoBody(&'static str),
    /// JSON of something else.
    #[error("the body is not an event of a photo: {0}")]
    NotAnEvent(&'static str),
    /// Wrapped too often.
    #[error("the event is wrapped in more than {0} envelopes")]
    TooDeep(usize),
    /// Of a structure that this worker does not know.
    #[error("the event has version {0}, and this worker reads version {VERSION}")]
    Version(String),
    /// A field is missing or has the wrong type.
    #[error("the event is not valid: {0}")]
    Invalid(String),
}

impl EventError {
    /// The fate of the record.
    pub fn fate(&self) -> Fate {
        let reason = self.to_string();
        // Exhaustive on purpose: a new error does not compile until its fate is chosen.
        match self {
            Self::NotJson(_) | Self::NoBody(_) | Self::NotAnEvent(_) | Self::TooDeep(_) => {
                Fate::rejected("not-a-photo-event", reason)
            }
            // Kept, so that it can be given to a newer worker.
            Self::Version(_) => Fate::rejected("unknown-version", reason),
            Self::Invalid(_) => Fate::rejected("invalid-event", reason),
        }
    }
}

/// The event as it stands in the message.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    bucket: String,
    key: String,
    source_version: Option<String>,
    #[serde(default)]
    sequencer: Sequencer,
    #[serde(default)]
    revision: u64,
    time: Option<String>,
    thumbnails_bucket: Option<String>,
    manifest_key: Option<String>,
    manifest: Option<Manifest>,
}

#[derive(Deserialize)]
struct Manifest {
    source: ManifestSource,
    thumbhash: String,
    srcset: String,
    #[serde(default)]
    picture: Vec<PictureSource>,
}

#[derive(Deserialize)]
struct ManifestSource {
    width: u32,
    height: u32,
    bytes: u64,
    #[serde(rename = "type")]
    content_type: String,
}

/// Reads the event in a payload, whatever it is wrapped in; `None` for an event that does not concern the catalogue.
pub(crate) fn read(payload: Payload<'_>) -> Result<Option<PhotoEvent>, EventError> {
    let value = open(payload)?;
    let is_ready = match value["event"].as_str() {
        Some("photo-ready") => true,
        Some("photo-removed") => false,
        _ => return Ok(None),
    };
    if value["version"] != VERSION {
        return Err(EventError::Version(value["version"].to_string()));
    }
    let message = message(value)?;
    let at = message.time.as_deref().map(moment).transpose()?;
    let news = if is_ready {
        News::Ready(message.manifest.map(Picture::from))
    } else {
        News::Removed
    };
    Ok(Some(PhotoEvent {
        news,
        bucket: message.bucket,
        key: message.key,
        source_version: message.source_version,
        as_of: AsOf {
            sequencer: message.sequencer,
            revision: message.revision,
        },
        at,
        thumbnails_bucket: message.thumbnails_bucket,
        manifest_key: message.manifest_key,
    }))
}

fn message(value: Value) -> Result<Message, EventError> {
    let message: Message =
        serde_json::from_value(value).map_err(|error| EventError::Invalid(error.to_string()))?;
    // They are the catalogue's key.
    if message.bucket.is_empty() || message.key.is_empty() {
        return Err(EventError::Invalid(
            "bucket and key must not be empty".to_owned(),
        ));
    }
    Ok(message)
}

fn moment(time: &str) -> Result<UnixMillis, EventError> {
    date::parse(time).ok_or_else(|| EventError::Invalid(format!("{time:?} is no time of ISO 8601")))
}

impl From<Manifest> for Picture {
    fn from(manifest: Manifest) -> Self {
        Self {
            width: manifest.source.width,
            height: manifest.source.height,
            bytes: manifest.source.bytes,
            content_type: manifest.source.content_type,
            thumbhash: manifest.thumbhash,
            srcset: manifest.srcset,
            sources: manifest.picture,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ready() -> Value {
        json!({
            "event": "photo-ready", "version": 1, "bucket": "uploads", "key": "ana/cat.jpg",
            "sourceVersion": "v1", "sequencer": "0A", "revision": 3, "time": "2026-03-14T09:26:53Z",
            "thumbnailsBucket": "thumbs", "manifestKey": "manifests/uploads/ana/cat.jpg.json",
            "manifest": {
                "source": { "width": 4, "height": 3, "bytes": 5, "type": "image/jpeg" },
                "thumbhash": "hash", "srcset": "/a 4w", "outputs": [],
                "picture": [{ "type": "image/webp", "srcset": "/b 4w" }],
            },
        })
    }

    fn read_json(value: &Value) -> Result<Option<PhotoEvent>, EventError> {
        read(Payload::Text(&value.to_string()))
    }

    #[test]
    fn an_event_is_read_with_what_a_page_needs() {
        let event = read_json(&ready()).unwrap().unwrap();
        assert_eq!(event.as_of, AsOf::parse("0A#3").unwrap());
        assert_eq!(event.at, Some(1_773_480_413_000));
        let News::Ready(Some(picture)) = event.news else {
            panic!("it is ready: {event:?}");
        };
        assert_eq!((picture.width, picture.height), (4, 3));
        assert_eq!(picture.sources[0].content_type, "image/webp");
    }

    #[test]
    fn what_may_be_absent_may_be_absent() {
        let mut event = ready();
        for field in [
            "sourceVersion",
            "sequencer",
            "revision",
            "time",
            "manifest",
            "manifestKey",
            "thumbnailsBucket",
        ] {
            event.as_object_mut().unwrap().remove(field);
        }
        let event = read_json(&event).unwrap().unwrap();
        assert_eq!(event.news, News::Ready(None));
        assert_eq!(event.as_of, AsOf::parse("#0").unwrap());
    }

    #[test]
    fn an_event_about_something_else_is_none_of_ours() {
        for name in ["photo-moderated", "album-made"] {
            assert_eq!(read_json(&json!({ "event": name })), Ok(None));
        }
    }

    #[test]
    fn what_is_wrong_has_its_fate() {
        let with = |field: &str, value: Value| {
            let mut event = ready();
            event[field] = value;
            event
        };
        for (event, kind) in [
            (json!({}), "not-a-photo-event"),
            (with("version", json!(2)), "unknown-version"),
            (with("version", json!(null)), "unknown-version"),
            (with("bucket", json!(null)), "invalid-event"),
            (with("bucket", json!("")), "invalid-event"),
            (with("key", json!("")), "invalid-event"),
            (with("revision", json!(-1)), "invalid-event"),
            (with("sequencer", json!(1)), "invalid-event"),
            (with("time", json!("yesterday")), "invalid-event"),
            (with("manifest", json!({})), "invalid-event"),
        ] {
            let error = read_json(&event).unwrap_err();
            assert_eq!(error.fate(), Fate::rejected(kind, error.to_string()));
        }
    }
}
