//! Splits any Lambda event into its deliveries.
//!
//! The event is read as a JSON tree, not as one typed structure: a typed batch fails as a whole when one record in it is
//! malformed, and then every good record in it is redelivered until the bad one expires.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::trace::Trace;

/// What invoked the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// An SQS event source mapping.
    Sqs,
    /// A DynamoDB Streams event source mapping.
    DynamoDb,
    /// A Kinesis event source mapping.
    Kinesis,
    /// An SNS subscription: asynchronous.
    Sns,
    /// An S3 notification straight to the function: asynchronous.
    S3,
    /// An EventBridge rule: asynchronous.
    EventBridge,
    /// Nothing known: a test event of the console, a direct invocation, garbage.
    Unknown,
}

impl Source {
    /// Whether records have sequence numbers and the lowest failed one is the checkpoint.
    pub fn is_stream(self) -> bool {
        matches!(self, Self::DynamoDb | Self::Kinesis)
    }

    fn of_record(record: &Value) -> Self {
        // SNS alone spells the field with a capital.
        let name = record["eventSource"]
            .as_str()
            .or_else(|| record["EventSource"].as_str());
        match name {
            Some("aws:sqs") => Self::Sqs,
            Some("aws:dynamodb") => Self::DynamoDb,
            Some("aws:kinesis") => Self::Kinesis,
            Some("aws:sns") => Self::Sns,
            Some("aws:s3") => Self::S3,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Sqs => "sqs",
            Self::DynamoDb => "dynamodb",
            Self::Kinesis => "kinesis",
            Self::Sns => "sns",
            Self::S3 => "s3",
            Self::EventBridge => "eventbridge",
            Self::Unknown => "unknown",
        })
    }
}

/// One record of an event: the unit that is done, rejected or retried.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// What delivered it.
    pub source: Source,
    /// The record as it came.
    pub record: Value,
}

/// What a delivery carries for its worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Payload<'a> {
    /// Text that should be JSON: an SQS body, an SNS message.
    Text(&'a str),
    /// JSON in place.
    Json(&'a Value),
    /// The named field that should carry it is missing or is not text.
    Missing(&'static str),
}

impl<'a> Payload<'a> {
    fn text(value: &'a Value, field: &'static str) -> Self {
        value.as_str().map_or(Self::Missing(field), Self::Text)
    }
}

/// How many wrappings whoever reads a payload takes off before giving up. SNS in SQS in EventBridge is three; more is
/// garbage or an attack.
pub const MAX_ENVELOPES: usize = 4;

/// What SNS puts around a message on its way to a queue, unless the subscription delivers it raw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SnsEnvelope<'a> {
    /// The message, which is text.
    Notification(&'a Value),
    /// SNS itself has something to say, such as that a subscription is to be confirmed. Nothing is lost by refusing it: SQS
    /// subscriptions in the same account are confirmed without it.
    Control,
}

impl<'a> SnsEnvelope<'a> {
    /// Why there is no message in [`SnsEnvelope::Control`].
    pub const IS_CONTROL: &'static str =
        "it is an SNS control message, such as a subscription confirmation";

    /// The envelope that `value` is, if it is one.
    pub fn of(value: &'a Value) -> Option<Self> {
        let kind = value["Type"].as_str()?;
        value["TopicArn"].as_str()?;
        Some(if kind == "Notification" {
            Self::Notification(&value["Message"])
        } else {
            Self::Control
        })
    }
}

/// The deliveries of `event`, in order. What is no known event is one delivery of [`Source::Unknown`].
pub fn deliveries(mut event: Value) -> Vec<Delivery> {
    if let Some(Value::Array(records)) = event.get_mut("Records").map(Value::take) {
        return records
            .into_iter()
            .map(|record| Delivery {
                source: Source::of_record(&record),
                record,
            })
            .collect();
    }
    let source = if event["detail-type"].is_string() {
        Source::EventBridge
    } else if event["Event"] == "s3:TestEvent" {
        Source::S3
    } else {
        Source::Unknown
    };
    vec![Delivery {
        source,
        record: event,
    }]
}

impl Delivery {
    /// What it carries.
    pub fn payload(&self) -> Payload<'_> {
        match self.source {
            Source::Sqs => Payload::text(&self.record["body"], "body"),
            Source::Sns => Payload::text(&self.record["Sns"]["Message"], "Sns.Message"),
            Source::DynamoDb
            | Source::Kinesis
            | Source::S3
            | Source::EventBridge
            | Source::Unknown => Payload::Json(&self.record),
        }
    }

    /// What the source calls the record in a partial failure: an SQS message id, a stream's sequence number.
    pub fn id(&self) -> Option<&str> {
        match self.source {
            Source::Sqs => self.record["messageId"].as_str(),
            Source::DynamoDb => self.record["dynamodb"]["SequenceNumber"].as_str(),
            Source::Kinesis => self.record["kinesis"]["sequenceNumber"].as_str(),
            Source::Sns => self.record["Sns"]["MessageId"].as_str(),
            Source::EventBridge => self.record["id"].as_str(),
            Source::S3 | Source::Unknown => None,
        }
        .filter(|id| !id.is_empty())
    }

    /// The message group, when the queue is FIFO: its messages must not overtake each other.
    pub fn group(&self) -> Option<&str> {
        let fifo = self.record["eventSourceARN"]
            .as_str()
            .is_some_and(|arn| arn.rsplit('.').next() == Some("fifo"));
        if self.source == Source::Sqs && fifo {
            self.record["attributes"]["MessageGroupId"].as_str()
        } else {
            None
        }
    }

    /// The trace of whoever sent it.
    pub fn trace(&self) -> Option<Trace> {
        match self.source {
            Source::Sqs => Trace::of_sqs_message(&self.record),
            _ => None,
        }
    }

    /// What makes two deliveries the same record, whatever they are called: the text of a message, since a redriven one has
    /// another id; what the stream calls a change; otherwise the record itself.
    pub fn identity(&self) -> String {
        match self.payload() {
            Payload::Text(text) => text.to_owned(),
            Payload::Json(_) | Payload::Missing(_) => self.record["eventID"]
                .as_str()
                .map_or_else(|| self.scrubbed().to_string(), str::to_owned),
        }
    }

    /// The record without what must not be kept: an SQS receipt handle is a capability to delete the message.
    pub fn scrubbed(&self) -> Value {
        let mut record = self.record.clone();
        if let Some(fields) = record.as_object_mut() {
            fields.remove("receiptHandle");
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_source_is_known_by_its_record() {
        let cases = [
            (
                json!({"Records": [{"eventSource": "aws:sqs"}]}),
                Source::Sqs,
            ),
            (
                json!({"Records": [{"EventSource": "aws:sns"}]}),
                Source::Sns,
            ),
            (json!({"Records": [{"eventSource": "aws:s3"}]}), Source::S3),
            (
                json!({"Records": [{"eventSource": "aws:dynamodb"}]}),
                Source::DynamoDb,
            ),
            (
                json!({"Records": [{"eventSource": "aws:kinesis"}]}),
                Source::Kinesis,
            ),
            (
                json!({"detail-type": "Object Created", "detail": {}}),
                Source::EventBridge,
            ),
            (
                json!({"Service": "Amazon S3", "Event": "s3:TestEvent"}),
                Source::S3,
            ),
            (json!({"key1": "value1"}), Source::Unknown),
            (json!([1, 2]), Source::Unknown),
        ];
        for (event, source) in cases {
            let deliveries = deliveries(event.clone());
            assert_eq!(deliveries.len(), 1, "{event}");
            assert_eq!(deliveries[0].source, source, "{event}");
        }
    }

    #[test]
    fn a_message_without_a_body_is_one_bad_record() {
        let event = json!({"Records": [
            {"eventSource": "aws:sqs", "messageId": "1"},
            {"eventSource": "aws:sqs", "messageId": "2", "body": "{}"},
        ]});
        let deliveries = deliveries(event);
        assert_eq!(deliveries[0].payload(), Payload::Missing("body"));
        assert_eq!(deliveries[1].payload(), Payload::Text("{}"));
        assert_eq!(deliveries[1].id(), Some("2"));
    }

    #[test]
    fn only_a_fifo_queue_has_groups() {
        let message = |queue: &str| Delivery {
            source: Source::Sqs,
            record: json!({"eventSourceARN": queue, "attributes": {"MessageGroupId": "g"}}),
        };
        // SQS also hands out MessageGroupId on standard queues (fair queues), where order means nothing.
        assert_eq!(message("arn:aws:sqs:r:1:q").group(), None);
        assert_eq!(message("arn:aws:sqs:r:1:q.fifo").group(), Some("g"));
    }

    #[test]
    fn only_what_sns_wraps_is_an_envelope() {
        let message = json!({"Type": "Notification", "TopicArn": "t", "Message": "m"});
        let text = json!("m");
        assert_eq!(
            SnsEnvelope::of(&message),
            Some(SnsEnvelope::Notification(&text))
        );
        let control = json!({"Type": "SubscriptionConfirmation", "TopicArn": "t", "Message": "m"});
        assert_eq!(SnsEnvelope::of(&control), Some(SnsEnvelope::Control));
        for other in [
            json!({"Type": "Notification", "Message": "m"}),
            json!({"TopicArn": "t", "Message": "m"}),
            json!({"Type": 1, "TopicArn": "t"}),
            json!("m"),
        ] {
            assert_eq!(SnsEnvelope::of(&other), None, "{other}");
        }
    }

    #[test]
    fn a_kept_record_has_no_receipt_handle() {
        let delivery = Delivery {
            source: Source::Sqs,
            record: json!({"receiptHandle": "secret", "body": "x"}),
        };
        assert_eq!(delivery.scrubbed(), json!({"body": "x"}));
    }

    proptest! {
        #[test]
        fn any_json_is_split_without_a_panic(text in "[\\[\\]{}\":,a-zA-Z0-9 ]{0,80}") {
            if let Ok(event) = serde_json::from_str::<Value>(&text) {
                for delivery in deliveries(event) {
                    let _ = (delivery.payload(), delivery.id(), delivery.group(), delivery.trace(), delivery.scrubbed());
                }
            }
        }
    }

    #[test]
    fn a_redriven_message_is_the_same_record_though_its_id_is_another() {
        let message = |id: &str, body: Value| {
            let record = json!({ "eventSource": "aws:sqs", "messageId": id, "receiptHandle": id, "body": body });
            deliveries(json!({ "Records": [record] }))
                .remove(0)
                .identity()
        };
        assert_eq!(message("1", "text".into()), message("2", "text".into()));
        assert_ne!(message("1", "text".into()), message("1", "other".into()));
        // Without a text there is nothing better than the record, and a receipt handle is kept nowhere.
        assert!(!message("1", json!(7)).contains("receiptHandle"));
        let change = json!({ "eventSource": "aws:dynamodb", "eventID": "e1", "dynamodb": {} });
        let change = deliveries(json!({ "Records": [change] })).remove(0);
        assert_eq!(change.identity(), "e1");
    }
}
