//! What a new worker can take.

use clap::ValueEnum;
use serde::Serialize;

/// What a new worker takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NewSource {
    /// Messages of a queue of its own
    Sqs,
    /// Uploads, from their topic by a queue of its own
    S3,
    /// Changes of a table of its own
    #[value(name = "dynamodb")]
    DynamoDb,
    /// Records of a stream of its own
    Kinesis,
}

/// The words that a template has for a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Words {
    /// The source, as the command line has it.
    pub(super) source: &'static str,
    /// What the worker does, as a sentence.
    pub(super) summary: &'static str,
    /// What it takes, in a list of workers.
    pub(super) takes: &'static str,
    /// What it calls a record once that is read.
    pub(super) noun: &'static str,
    /// What tells it of one.
    pub(super) told: &'static str,
    /// What the source calls a record.
    pub(super) record: &'static str,
    /// What a record is about.
    pub(super) thing: &'static str,
    /// The fates of the captured poison.
    pub(super) poison: &'static str,
}

impl NewSource {
    /// The words for it.
    pub(super) fn words(self) -> Words {
        match self {
            Self::Sqs => Words {
                source: "sqs",
                summary: "Keeps each message of its queue once.",
                takes: "messages of its own queue",
                noun: "message",
                told: "message",
                record: "message of a queue",
                thing: "message",
                poison: "Not JSON, and a message without an id, behind a good one | applied, two rejected",
            },
            Self::S3 => Words {
                source: "s3",
                summary: "Keeps the newest state of each upload.",
                takes: "S3 notifications by its own queue",
                noun: "change",
                told: "notification",
                record: "notification of S3",
                thing: "object",
                poison: "Not JSON, and a notification without a bucket, behind a good one | applied, two rejected",
            },
            Self::DynamoDb => Words {
                source: "dynamodb",
                summary: "Keeps the newest state of each item of its source table.",
                takes: "records of its own table's DynamoDB stream",
                noun: "change",
                told: "record",
                record: "record of a DynamoDB stream",
                thing: "item",
                poison: "A record without an image, and a key that is a number, behind a good one | applied, two rejected",
            },
            Self::Kinesis => Words {
                source: "kinesis",
                summary: "Keeps the newest state of each partition key of its stream.",
                takes: "records of its own Kinesis stream",
                noun: "change",
                told: "record",
                record: "record of a Kinesis stream",
                thing: "partition key",
                poison: "Not JSON, behind a good one | applied, one rejected",
            },
        }
    }
}
