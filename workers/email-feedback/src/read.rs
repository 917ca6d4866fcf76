//! From the JSON of SES to a [`Feedback`].
//!
//! Read field by field, not as one typed structure: SES adds fields, and one that is odd must not hide a complaint. The
//! names are those of "Contents of event data that Amazon SES publishes to Amazon SNS" and of the notifications of an
//! identity, in the Amazon SES Developer Guide.

use std::collections::BTreeSet;

use fleet::date;
use serde_json::Value;

use crate::envelope::type_of;
use crate::feedback::{Event, Feedback, FeedbackError};
use crate::recipient::Recipient;
use crate::words::without_addresses;

/// The tag by which a mail carries the claim under which it was sent.
const CLAIM_TAG: &str = "idempotency-key";

/// A tag's name and value have at most 256 letters, digits, hyphens and underscores, says SES's `MessageTag`.
const MAX_TAG_BYTES: usize = 256;

/// SES's own are about 60 long.
const MAX_MESSAGE_ID_BYTES: usize = 128;

/// Reads a notice.
pub(crate) fn read(notice: &Value) -> Result<Feedback, FeedbackError> {
    let kind = type_of(notice).unwrap_or_default();
    let (event, part, named) = match kind {
        "Send" => (Event::Send, "send", Named::Nobody),
        "Delivery" => (Event::Delivery, "delivery", Named::Plain("recipients")),
        "DeliveryDelay" => (Event::Delay, "deliveryDelay", Named::Nobody),
        "Bounce" => (
            bounce(&notice["bounce"])?,
            "bounce",
            Named::Entries("bouncedRecipients"),
        ),
        "Complaint" => (
            complaint(&notice["complaint"]),
            "complaint",
            Named::Entries("complainedRecipients"),
        ),
        "Reject" => (
            Event::Reject(words(&notice["reject"]["reason"])),
            "reject",
            Named::Nobody,
        ),
        "Rendering Failure" | "RenderingFailure" => (
            Event::RenderingFailure(words(&notice["failure"]["errorMessage"])),
            "failure",
            Named::Nobody,
        ),
        "Open" => (Event::Engagement("open"), "open", Named::Nobody),
        "Click" => (Event::Engagement("click"), "click", Named::Nobody),
        "Subscription" => (
            Event::Engagement("subscription"),
            "subscription",
            Named::Nobody,
        ),
        other => return Err(FeedbackError::UnknownType(without_addresses(other))),
    };
    let mail = &notice["mail"];
    let mut feedback = Feedback {
        message_id: message_id(&mail["messageId"])?,
        claim: claim(&mail["tags"])?,
        at: [&notice[part]["timestamp"], &mail["timestamp"]]
            .into_iter()
            .find_map(|timestamp| date::parse(timestamp.as_str()?)),
        event,
        recipients: BTreeSet::new(),
        unreadable_recipients: 0,
    };
    named.read(&notice[part], &mut feedback);
    if matches!(named, Named::Entries(_)) {
        sole_destination(&mail["destination"], &mut feedback);
    }
    let names_nobody = feedback.recipients.is_empty() && feedback.unreadable_recipients == 0;
    match named {
        Named::Plain(field) | Named::Entries(field) if names_nobody => {
            Err(FeedbackError::Field(field))
        }
        Named::Plain(_) | Named::Entries(_) | Named::Nobody => Ok(feedback),
    }
}

/// Where a notice names its recipients.
#[derive(Clone, Copy)]
enum Named {
    /// It is about the whole mail.
    Nobody,
    /// A list of addresses.
    Plain(&'static str),
    /// A list of objects with an `emailAddress`.
    Entries(&'static str),
}

impl Named {
    fn read(self, part: &Value, feedback: &mut Feedback) {
        let (field, is_entry) = match self {
            Self::Nobody => return,
            Self::Plain(field) => (field, false),
            Self::Entries(field) => (field, true),
        };
        for named in part[field].as_array().into_iter().flatten() {
            let address = if is_entry {
                &named["emailAddress"]
            } else {
                named
            };
            match address.as_str().and_then(Recipient::of) {
                Some(recipient) => {
                    feedback.recipients.insert(recipient);
                }
                None => feedback.unreadable_recipients += 1,
            }
        }
    }
}

/// The only address that a mail went to is one that bounced or complained, also when the notice names another: a bounce
/// names the end of a chain of forwarding, and a list that left out the beginning would leave it to be mailed again.
fn sole_destination(destination: &Value, feedback: &mut Feedback) {
    if let Some([address]) = destination.as_array().map(Vec::as_slice)
        && let Some(recipient) = address.as_str().and_then(Recipient::of)
    {
        feedback.recipients.insert(recipient);
    }
}

fn bounce(bounce: &Value) -> Result<Event, FeedbackError> {
    let sub_type = words(&bounce["bounceSubType"]);
    match bounce["bounceType"].as_str() {
        Some("Permanent") => Ok(Event::PermanentBounce(sub_type)),
        Some("Transient" | "Undetermined") => Ok(Event::TransientBounce(sub_type)),
        Some(other) => Err(FeedbackError::UnknownBounceType(without_addresses(other))),
        None => Err(FeedbackError::Field("bounce.bounceType")),
    }
}

fn complaint(complaint: &Value) -> Event {
    // The sub-type tells that SES itself held the mail back, because of an earlier complaint; null otherwise.
    let sub_type = words(&complaint["complaintSubType"]);
    match complaint["complaintFeedbackType"].as_str() {
        Some("not-spam") => Event::NotSpam,
        Some(kind) if sub_type.is_empty() => Event::Complaint(without_addresses(kind)),
        _ => Event::Complaint(sub_type),
    }
}

fn words(value: &Value) -> String {
    value.as_str().map(without_addresses).unwrap_or_default()
}

fn message_id(value: &Value) -> Result<String, FeedbackError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_id = |id: &&str| {
        // Some programs take the header's form of it: the id at a domain of SES.
        let (id, domain) = id.split_once('@').unwrap_or((id, "amazonses.com"));
        !id.is_empty()
            && domain.ends_with("amazonses.com")
            && id.bytes().chain(domain.bytes()).all(allowed)
    };
    value
        .as_str()
        .filter(|id| id.len() <= MAX_MESSAGE_ID_BYTES)
        .filter(is_id)
        .map(str::to_owned)
        .ok_or(FeedbackError::Field("mail.messageId"))
}

/// Each tag has a list of values. Only a configuration set's events carry tags.
fn claim(tags: &Value) -> Result<Option<String>, FeedbackError> {
    let Some(values) = tags.get(CLAIM_TAG) else {
        return Ok(None);
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    match values.as_array().map(Vec::as_slice) {
        Some([Value::String(key)])
            if (1..=MAX_TAG_BYTES).contains(&key.len()) && key.bytes().all(allowed) =>
        {
            Ok(Some(key.clone()))
        }
        _ => Err(FeedbackError::Field("mail.tags.idempotency-key")),
    }
}

#[cfg(test)]
mod tests;
