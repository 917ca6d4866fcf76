//! From one delivery to what it asks for.

use aws_lambda_events::dynamodb::EventRecord;
use fleet::delivery::{Delivery, Source};
use fleet::fate::Fate;
use serde::Deserialize as _;

use crate::send::Reason;
use crate::subscriber::{Standing, Subscriber, SubscriberError};

/// What one delivery asks for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wish {
    /// A mail to somebody.
    Welcome(Subscriber),
    /// Nothing, on purpose.
    Nothing(String),
}

/// Why a delivery cannot be understood, now or ever.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    /// Some other event source is mapped to the function.
    #[error("a delivery of source {0} is no record of a DynamoDB stream")]
    NotAStreamRecord(Source),
    /// It lacks what every stream record has.
    #[error("the stream record is malformed: {0}")]
    Malformed(Reason),
    /// A kind of change that DynamoDB did not have.
    #[error("the stream record has the unknown event name {0}")]
    UnknownEvent(Reason),
    /// The stream carries keys only.
    #[error(
        "the insert has no new image: the stream's view type must be NEW_IMAGE or NEW_AND_OLD_IMAGES"
    )]
    NoNewImage,
    /// The item is no subscriber.
    #[error(transparent)]
    Subscriber(#[from] SubscriberError),
}

impl RecordError {
    /// The fate of the record: the same bytes are never understood, so it is rejected.
    pub(crate) fn fate(&self) -> Fate {
        let kind = match self {
            Self::NotAStreamRecord(_) => "not-a-stream-record",
            Self::Malformed(_) | Self::UnknownEvent(_) => "malformed",
            Self::NoNewImage => "no-new-image",
            Self::Subscriber(error) => error.kind(),
        };
        Fate::rejected(kind, self.to_string())
    }
}

/// Reads one delivery.
pub(crate) fn read(delivery: &Delivery) -> Result<Wish, RecordError> {
    if delivery.source != Source::DynamoDb {
        return Err(RecordError::NotAStreamRecord(delivery.source));
    }
    let record = EventRecord::deserialize(&delivery.record)
        .map_err(|error| RecordError::Malformed(without_values(&error.to_string())))?;
    match record.event_name.as_str() {
        "INSERT" => {}
        "MODIFY" | "REMOVE" => {
            let event = record.event_name;
            return Ok(Wish::Nothing(format!("{event} is no new subscriber")));
        }
        other => return Err(RecordError::UnknownEvent(Reason::new(other))),
    }
    let image = record.change.new_image.into_inner();
    if image.is_empty() {
        return Err(RecordError::NoNewImage);
    }
    Ok(match Standing::of(&image)? {
        Standing::Confirmed(subscriber) => Wish::Welcome(subscriber),
        Standing::Unconfirmed(attribute) => Wish::Nothing(format!(
            "the subscriber is unconfirmed, says the attribute {attribute}"
        )),
        Standing::Suppressed(attribute) => Wish::Nothing(format!(
            "the subscriber is suppressed, says the attribute {attribute}"
        )),
    })
}

/// What serde says without the strings that it met: they are a subscriber's.
fn without_values(message: &str) -> Reason {
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if first < last => Reason::new(format!(
            "{}\"..{}",
            message.get(..first).unwrap_or_default(),
            message.get(last..).unwrap_or_default()
        )),
        _ => Reason::new(message),
    }
}

/// What names the record for people: the subscriber's claim, else the event.
pub(crate) fn subject(delivery: &Delivery, wish: &Result<Wish, RecordError>) -> String {
    match wish {
        // 12 of 64 digits tell subscribers apart in a log; the claims table has the rest.
        Ok(Wish::Welcome(subscriber)) => {
            let key = subscriber.claim_key();
            format!("subscriber {}", key.get(..20).unwrap_or(&key))
        }
        Ok(Wish::Nothing(_)) | Err(_) => event_id(delivery).map_or_else(
            || "a record without an event id".to_owned(),
            |id| format!("event {}", Reason::new(id)),
        ),
    }
}

/// What DynamoDB calls the change; the same in every delivery of it.
fn event_id(delivery: &Delivery) -> Option<&str> {
    delivery.record["eventID"].as_str()
}
