//! A folder as topic: `OUT/announced/BUCKET/KEY/REVISION-EVENT.json`.
//!
//! Each file is the event of a queue that is subscribed to the topic, so that what one worker told can be replayed into
//! those that listen.

use std::io;
use std::path::Path;
use std::sync::Arc;

use fleet::digest::sha256_hex;
use serde_json::json;
use thumbnails::{AnnounceError, Announcer, PhotoEvent};

use super::journal::{Effect, EffectKind, Journal};
use super::objects::with_slashes;
use super::out::OutFolder;
use super::paths::path_of;

/// Result events as files. Clones share the folder.
#[derive(Debug, Clone)]
pub struct DirectoryTopic {
    out: Arc<OutFolder>,
    journal: Journal,
}

impl DirectoryTopic {
    /// The topic in `out`.
    pub fn new(out: Arc<OutFolder>, journal: Journal) -> Self {
        Self { out, journal }
    }

    fn publish(&self, event: &PhotoEvent) -> io::Result<()> {
        let name = format!("{}/{}-{}", event.key, event.revision, event.event.name());
        let path = path_of(&event.bucket, &format!("{name}.json"));
        let path = Path::new("announced").join(path);
        let body = event.to_json();
        let digest = sha256_hex([body.as_bytes()]);
        let message = json!({ "Records": [{
            "messageId": digest.get(..32),
            "body": body,
            "attributes": { "ApproximateReceiveCount": "1" },
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:photo-ready",
        }] });
        let json = serde_json::to_vec_pretty(&message)?;
        if self.out.write(&path, &json)? {
            let effect = Effect {
                kind: EffectKind::EventPublished,
                name: format!("{}/{name}", event.bucket),
                bytes: u64::try_from(body.len()).unwrap_or(u64::MAX),
                content_type: "application/json".to_owned(),
                path: with_slashes(&path),
            };
            self.journal.note(effect, false);
        }
        Ok(())
    }
}

impl Announcer for DirectoryTopic {
    async fn announce(&self, event: &PhotoEvent) -> Result<(), AnnounceError> {
        self.publish(event)
            .map_err(|error| AnnounceError::Unavailable(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use fleet::delivery::{Payload, deliveries};
    use fleet::sequencer::Sequencer;
    use thumbnails::News;

    use super::*;

    #[tokio::test]
    async fn what_is_told_twice_is_one_effect_and_one_event_of_a_queue() {
        let folder = tempfile::tempdir().unwrap();
        let out = Arc::new(OutFolder::open(folder.path()).unwrap());
        let journal = Journal::default();
        let topic = DirectoryTopic::new(out, journal.clone());
        let event = PhotoEvent {
            event: News::PhotoRemoved,
            version: 1,
            bucket: "uploads".to_owned(),
            key: "a/cat.jpg".to_owned(),
            source_version: "v1".to_owned(),
            sequencer: Sequencer::new("0A"),
            revision: 2,
            time: None,
            thumbnails_bucket: "thumbs".to_owned(),
            manifest_key: "manifests/uploads/a/cat.jpg.json".to_owned(),
            manifest: None,
        };
        topic.announce(&event).await.unwrap();
        let effects = journal.take();
        assert_eq!(effects.len(), 1);
        assert_eq!(effects[0].name, "uploads/a/cat.jpg/2-photo-removed");
        topic.announce(&event).await.unwrap();
        assert_eq!(journal.take(), []);

        let json = std::fs::read(folder.path().join(&effects[0].path)).unwrap();
        let delivery = deliveries(serde_json::from_slice(&json).unwrap()).remove(0);
        assert_eq!(delivery.payload(), Payload::Text(&event.to_json()));
    }
}
