//! From one delivery to the paths that it makes stale.

use std::collections::BTreeSet;

use fleet::delivery::{Delivery, Source};
use fleet::fate::Fate;

use crate::paths::of_post;
use crate::post::{Post, PostError};
use crate::template::PathTemplate;

/// What one delivery asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// These paths may be stale.
    Invalidate(BTreeSet<String>),
    /// Nothing, on purpose.
    Nothing(&'static str),
}

/// Why a delivery cannot be understood, now or ever.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    /// Some other event source is mapped to the function.
    #[error("a delivery of source {0} is no record of a DynamoDB stream")]
    NotAStreamRecord(Source),
    /// A kind of change that DynamoDB did not have.
    #[error("the stream record has no known event name")]
    UnknownEvent,
    /// Without both, nobody knows what was stale before.
    #[error("the record lacks an image: the stream's view type must be NEW_AND_OLD_IMAGES")]
    NoImages,
    /// The item is no post.
    #[error(transparent)]
    Post(#[from] PostError),
}

impl RecordError {
    /// The fate of the record: the same bytes are never understood, so it is rejected.
    pub(crate) fn fate(&self) -> Fate {
        let kind = match self {
            Self::NotAStreamRecord(_) => "not-a-stream-record",
            Self::UnknownEvent => "malformed",
            Self::NoImages => "no-images",
            Self::Post(_) => "invalid-post",
        };
        Fate::rejected(kind, self.to_string())
    }
}

/// Whether a delivery is a change of the posts' table, by its key or else by the table's name: for whoever must choose
/// between workers.
pub fn is_of_a_post(delivery: &Delivery) -> bool {
    let table = delivery.record["eventSourceARN"]
        .as_str()
        .unwrap_or_default();
    let has_slug = delivery.record["dynamodb"]["Keys"].get("slug").is_some();
    delivery.source == Source::DynamoDb && (has_slug || table.contains("posts"))
}

/// Reads one delivery.
pub(crate) fn read(delivery: &Delivery, templates: &[PathTemplate]) -> Result<Wish, RecordError> {
    if delivery.source != Source::DynamoDb {
        return Err(RecordError::NotAStreamRecord(delivery.source));
    }
    let change = &delivery.record["dynamodb"];
    let image = |name: &str| Some(&change[name]).filter(|image| image.is_object());
    let (old, new) = (image("OldImage"), image("NewImage"));
    let (needs_old, needs_new) = match delivery.record["eventName"].as_str() {
        Some("INSERT") => (false, true),
        Some("MODIFY") => (true, true),
        Some("REMOVE") => (true, false),
        _ => return Err(RecordError::UnknownEvent),
    };
    if (needs_old && old.is_none()) || (needs_new && new.is_none()) {
        return Err(RecordError::NoImages);
    }
    if old == new {
        return Ok(Wish::Nothing("nothing changed"));
    }
    let mut paths = BTreeSet::new();
    // What was public before may be stale as much as what is now.
    for image in [old, new].into_iter().flatten() {
        if let Some(post) = Post::public(image)? {
            paths.extend(of_post(templates, &post)?);
        }
    }
    Ok(if paths.is_empty() {
        Wish::Nothing("the post was not public and is not")
    } else {
        Wish::Invalidate(paths)
    })
}

/// What names the record for people: the post, else the event.
pub(crate) fn subject(delivery: &Delivery) -> String {
    let slug = delivery.record["dynamodb"]["Keys"]["slug"]["S"].as_str();
    match (slug, delivery.record["eventID"].as_str()) {
        (Some(slug), _) => format!("post {}", one_line(slug)),
        (None, Some(id)) => format!("event {}", one_line(id)),
        (None, None) => "a record without an event id".to_owned(),
    }
}

fn one_line(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_control())
        .take(100)
        .collect()
}
