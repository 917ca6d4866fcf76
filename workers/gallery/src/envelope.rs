//! Takes off what SNS wraps around an event. The wrapping is detected, never configured.

use fleet::delivery::{MAX_ENVELOPES, Payload, SnsEnvelope};
use serde_json::Value;

use crate::event::EventError;

/// Whether a payload is an event of a photo, as far as its name tells: for whoever must choose between workers.
pub fn is_photo_event(payload: Payload<'_>) -> bool {
    open(payload).is_ok_and(|event| {
        let name = event["event"].as_str();
        name.is_some_and(|name| name.starts_with("photo-"))
    })
}

/// The JSON object inside a payload.
pub(crate) fn open(payload: Payload<'_>) -> Result<Value, EventError> {
    match payload {
        Payload::Text(text) => unwrap_text(text, 0),
        Payload::Json(value) => unwrap_value(value.clone(), 0),
        Payload::Missing(field) => Err(EventError::NoBody(field)),
    }
}

fn unwrap_text(text: &str, depth: usize) -> Result<Value, EventError> {
    let value =
        serde_json::from_str(text).map_err(|error| EventError::NotJson(error.to_string()))?;
    unwrap_value(value, depth)
}

fn unwrap_value(value: Value, depth: usize) -> Result<Value, EventError> {
    if depth >= MAX_ENVELOPES {
        return Err(EventError::TooDeep(MAX_ENVELOPES));
    }
    match SnsEnvelope::of(&value) {
        Some(SnsEnvelope::Notification(message)) => {
            let message = message.as_str();
            return unwrap_text(message.ok_or(EventError::NoBody("Message"))?, depth + 1);
        }
        Some(SnsEnvelope::Control) => {
            return Err(EventError::NotAnEvent(SnsEnvelope::IS_CONTROL));
        }
        None => {}
    }
    if value["event"].is_string() {
        Ok(value)
    } else if value.is_object() {
        Err(EventError::NotAnEvent("it has no text in `event`"))
    } else {
        Err(EventError::NotAnEvent("it is not a JSON object"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrapped(message: &str) -> String {
        json!({ "Type": "Notification", "TopicArn": "t", "Message": message }).to_string()
    }

    #[test]
    fn every_wrapping_comes_off() {
        let event = json!({ "event": "photo-ready" });
        let text = event.to_string();
        for body in [
            text.clone(),
            wrapped(&text),
            wrapped(&wrapped(&wrapped(&text))),
        ] {
            assert_eq!(open(Payload::Text(&body)), Ok(event.clone()));
            assert!(is_photo_event(Payload::Text(&body)));
        }
        assert_eq!(open(Payload::Json(&event)), Ok(event.clone()));
    }

    #[test]
    fn what_holds_no_event_says_why() {
        let mut deep = json!({ "event": "photo-ready" }).to_string();
        for _ in 0..MAX_ENVELOPES {
            deep = wrapped(&deep);
        }
        let control = json!({ "Type": "SubscriptionConfirmation", "TopicArn": "t", "Message": "" });
        let empty = json!({ "Type": "Notification", "TopicArn": "t" });
        for (body, reason) in [
            (deep, "more than 4"),
            (control.to_string(), "control message"),
            (empty.to_string(), "`Message`"),
            (String::new(), "not JSON"),
            ("{".to_owned(), "not JSON"),
            ("null".to_owned(), "not a JSON object"),
            ("{}".to_owned(), "`event`"),
            (r#"{"event":1}"#.to_owned(), "`event`"),
        ] {
            let error = open(Payload::Text(&body)).unwrap_err().to_string();
            assert!(error.contains(reason), "{body}: {error}");
            assert!(!is_photo_event(Payload::Text(&body)), "{body}");
        }
        let error = open(Payload::Missing("body")).unwrap_err();
        assert_eq!(error, EventError::NoBody("body"));
    }
}
