//! Takes off what is wrapped around a notice.
//!
//! SES publishes to SNS, and SNS to SQS, with or without an envelope of its own; it publishes to EventBridge too. The
//! wrapping is detected, never configured.

use fleet::delivery::{MAX_ENVELOPES, Payload, SnsEnvelope};
use serde_json::Value;

use crate::feedback::FeedbackError;

/// What SES publishes to a topic when it becomes the destination of a configuration set's events: no JSON.
const VALIDATION: &str = "Successfully validated SNS topic for Amazon SES event publishing.";

/// What was inside.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// A notice of a mail.
    Notice(Value),
    /// SES tried out the topic.
    Trial,
}

/// Whether a payload is a notice of SES, as far as its type tells: for whoever must choose between workers.
pub fn is_feedback(payload: Payload<'_>) -> bool {
    open(payload).is_ok()
}

/// What is inside a payload.
pub(crate) fn open(payload: Payload<'_>) -> Result<Content, FeedbackError> {
    match payload {
        Payload::Text(text) => unwrap_text(text, 0),
        Payload::Json(value) => unwrap_value(value, 0),
        Payload::Missing(field) => Err(FeedbackError::NoBody(field)),
    }
}

fn unwrap_text(text: &str, depth: usize) -> Result<Content, FeedbackError> {
    if text.trim() == VALIDATION {
        return Ok(Content::Trial);
    }
    let value =
        serde_json::from_str(text).map_err(|error| FeedbackError::NotJson(error.to_string()))?;
    unwrap_value(&value, depth)
}

fn unwrap_value(value: &Value, depth: usize) -> Result<Content, FeedbackError> {
    if depth >= MAX_ENVELOPES {
        return Err(FeedbackError::TooDeep);
    }
    match SnsEnvelope::of(value) {
        Some(SnsEnvelope::Notification(message)) => {
            let message = message.as_str();
            return unwrap_text(message.ok_or(FeedbackError::NoBody("Message"))?, depth + 1);
        }
        Some(SnsEnvelope::Control) => {
            return Err(FeedbackError::NotFeedback(SnsEnvelope::IS_CONTROL));
        }
        None => {}
    }
    if value["detail-type"].is_string() {
        return if value["source"] == "aws.ses" {
            unwrap_value(&value["detail"], depth + 1)
        } else {
            Err(FeedbackError::NotFeedback(
                "it is an EventBridge event of another source",
            ))
        };
    }
    match type_of(value) {
        // Published when a topic is set for an identity's notifications.
        Some("AmazonSnsSubscriptionSucceeded") => Ok(Content::Trial),
        Some(_) => Ok(Content::Notice(value.clone())),
        None => Err(FeedbackError::NotFeedback(if value.is_object() {
            "it has neither `eventType` nor `notificationType`"
        } else {
            "it is not a JSON object"
        })),
    }
}

/// The type of a notice: `eventType` from a configuration set, `notificationType` from an identity.
pub(crate) fn type_of(notice: &Value) -> Option<&str> {
    notice["eventType"]
        .as_str()
        .or_else(|| notice["notificationType"].as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sns(message: &str) -> String {
        json!({
            "Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:r:1:mail-feedback", "Message": message,
        })
        .to_string()
    }

    fn text(text: &str) -> Result<Content, FeedbackError> {
        open(Payload::Text(text))
    }

    #[test]
    fn a_notice_is_found_in_every_wrapping() {
        let notice = json!({ "eventType": "Send" });
        let bridge = json!({ "detail-type": "Email Sent", "source": "aws.ses", "detail": notice });
        for body in [
            notice.to_string(),
            sns(&notice.to_string()),
            sns(&sns(&notice.to_string())),
            bridge.to_string(),
        ] {
            assert_eq!(text(&body), Ok(Content::Notice(notice.clone())), "{body}");
        }
        assert!(is_feedback(Payload::Json(&bridge)));
        let classic = json!({ "notificationType": "Bounce" });
        assert!(is_feedback(Payload::Text(&sns(&classic.to_string()))));
    }

    #[test]
    fn a_trial_of_the_topic_is_no_notice_and_no_mistake() {
        let classic =
            json!({ "notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have" });
        for body in [
            VALIDATION.to_owned(),
            sns(VALIDATION),
            sns(&classic.to_string()),
        ] {
            assert_eq!(text(&body), Ok(Content::Trial), "{body}");
        }
    }

    #[test]
    fn what_is_no_notice_says_why() {
        let mut deep = json!({ "eventType": "Send" }).to_string();
        for _ in 0..MAX_ENVELOPES {
            deep = sns(&deep);
        }
        let other = json!({ "detail-type": "Object Created", "source": "aws.s3", "detail": {} });
        let control =
            json!({ "Type": "SubscriptionConfirmation", "TopicArn": "t", "Message": "m" });
        let empty = json!({ "Type": "Notification", "TopicArn": "t" });
        for (body, part) in [
            (String::new(), "not JSON"),
            ("null".to_owned(), "not a JSON object"),
            ("{}".to_owned(), "neither"),
            (deep, "too many"),
            (other.to_string(), "another source"),
            (control.to_string(), "control message"),
            (empty.to_string(), "`Message`"),
        ] {
            let error = text(&body).unwrap_err();
            assert!(error.to_string().contains(part), "{body}: {error}");
            assert_eq!(error.fate().kind(), "not-feedback");
        }
        assert_eq!(
            open(Payload::Missing("body")),
            Err(FeedbackError::NoBody("body"))
        );
    }
}
