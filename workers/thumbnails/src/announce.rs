//! What the worker tells others of a photo, once it is settled: the result event.
//!
//! An event tells a photo's state, not a step of its history: what changed twice before anybody could be told is told
//! once. The ledger knows whether there is something to tell, and is told when it was.

use std::future::Future;

use fleet::fate::Fate;
use fleet::sequencer::Sequencer;
use serde::Serialize;

use crate::manifest::Manifest;

/// The version of the event's structure. New fields do not change it.
pub(crate) const EVENT_VERSION: u32 = 1;

/// The largest event. SNS takes 256 KB, and an SQS subscription without raw delivery gets the text quoted once more,
/// which makes each of its many quotation marks two characters.
const MAX_EVENT_BYTES: usize = 128 * 1024;

/// What became of a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum News {
    /// Its thumbnails and its manifest are there.
    PhotoReady,
    /// They are gone.
    PhotoRemoved,
}

impl News {
    /// As the event writes it, and as subscriptions filter by it.
    pub fn name(self) -> &'static str {
        match self {
            Self::PhotoReady => "photo-ready",
            Self::PhotoRemoved => "photo-removed",
        }
    }
}

/// The result event of one photo.
///
/// Delivered at least once and in any order. Of two events of the same photo the one with the higher sequencer is the
/// newer, and of the same sequencer the one with the higher revision.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhotoEvent {
    /// What became of it.
    pub event: News,
    /// The version of this structure.
    pub version: u32,
    /// The bucket of the photo.
    pub bucket: String,
    /// The key of the photo, decoded.
    pub key: String,
    /// Which write or removal of it this is about: the version id, else made from entity tag and sequencer.
    pub source_version: String,
    /// The highest sequencer among the photo's changes so far.
    pub sequencer: Sequencer,
    /// How often what is shown of the photo has changed: orders the events of changes that sequencers do not order.
    pub revision: u64,
    /// When the photo was put or removed, as S3 told it: ISO 8601 in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The bucket of its manifest and its thumbnails.
    pub thumbnails_bucket: String,
    /// The key of its manifest: there is none under it any more when the photo was removed.
    pub manifest_key: String,
    /// The manifest itself, of a photo that is ready, unless it is too large for a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Manifest>,
}

impl PhotoEvent {
    /// As JSON on one line, of at most 128 KiB: a manifest that does not fit is left out.
    pub fn to_json(&self) -> String {
        // Strings and numbers: nothing that could fail to serialise.
        let json = serde_json::to_string(self).unwrap_or_default();
        if json.len() <= MAX_EVENT_BYTES || self.manifest.is_none() {
            return json;
        }
        let without = Self {
            manifest: None,
            ..self.clone()
        };
        serde_json::to_string(&without).unwrap_or_default()
    }
}

/// Tells others of photos.
pub trait Announcer: Send + Sync + 'static {
    /// Publishes the event. It counts as told only when this succeeds; telling it twice does no harm.
    fn announce(
        &self,
        event: &PhotoEvent,
    ) -> impl Future<Output = Result<(), AnnounceError>> + Send;
}

/// An event could not be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnnounceError {
    /// Access denied, no such topic, an ARN that is none: an operator must mend it.
    #[error("the topic does not take the event: {0}")]
    Denied(String),
    /// Too many requests.
    #[error("the topic is throttled: {0}")]
    Throttled(String),
    /// A timeout, a lost connection, a server error.
    #[error("the topic failed: {0}")]
    Unavailable(String),
}

impl AnnounceError {
    /// The fate of the change whose event could not be published: always a retry, because its thumbnails are there and
    /// nobody knows.
    pub fn fate(&self) -> Fate {
        let reason = self.to_string();
        match self {
            Self::Denied(_) => Fate::retry("denied", reason),
            Self::Throttled(_) => Fate::retry("throttled", reason),
            Self::Unavailable(_) => Fate::retry("unavailable", reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::ManifestSource;

    fn ready(srcset: String) -> PhotoEvent {
        PhotoEvent {
            event: News::PhotoReady,
            version: EVENT_VERSION,
            bucket: "uploads".to_owned(),
            key: "a.jpg".to_owned(),
            source_version: "v1".to_owned(),
            sequencer: Sequencer::new("01"),
            revision: 1,
            time: None,
            thumbnails_bucket: "thumbs".to_owned(),
            manifest_key: "manifests/uploads/a.jpg.json".to_owned(),
            manifest: Some(Manifest {
                manifest_version: 1,
                source: ManifestSource {
                    bucket: "uploads".to_owned(),
                    key: "a.jpg".to_owned(),
                    version: "v1".to_owned(),
                    sequencer: Sequencer::new("01"),
                    etag: None,
                    bytes: 1,
                    content_type: "image/jpeg".to_owned(),
                    width: 1,
                    height: 1,
                    path: None,
                    scale: None,
                    bytes_read: None,
                },
                recipe: String::new(),
                thumbhash: String::new(),
                outputs: vec![],
                srcset,
                picture: vec![],
            }),
        }
    }

    #[test]
    fn a_manifest_that_does_not_fit_is_left_out_and_the_rest_is_told() {
        let json = |length: usize| ready("x".repeat(length)).to_json();
        let rest = json(0).len();
        let fits = json(MAX_EVENT_BYTES - rest);
        assert_eq!(fits.len(), MAX_EVENT_BYTES);
        let too_large = json(MAX_EVENT_BYTES - rest + 1);
        assert!(too_large.len() < 1_000, "{too_large}");
        assert!(!too_large.contains(r#""manifest":"#), "{too_large}");
        assert!(too_large.contains("manifests/uploads/a.jpg.json"));
    }

    #[test]
    fn the_name_is_what_the_event_says() {
        for news in [News::PhotoReady, News::PhotoRemoved] {
            assert_eq!(serde_json::to_value(news).unwrap(), news.name());
        }
    }
}
