//! A folder with events and objects, and the command to run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fixtures::encode::{JpegOptions, jpeg};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder of its own for each test.
pub(crate) struct Place(TempDir);

/// What the command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn event(&self, name: &str, event: &Value) {
        self.write(name, event.to_string());
    }

    pub(crate) fn flotilla(&self, arguments: &[&str]) -> Ended {
        let output = Command::new(env!("CARGO_BIN_EXE_flotilla"))
            .args(arguments)
            .current_dir(self.0.path())
            .env_clear()
            .output()
            .unwrap();
        Ended::of(output)
    }
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A photo of 400 x 300 pixels.
pub(crate) fn photo() -> Vec<u8> {
    jpeg(&fixtures::photo(400, 300, 1), &JpegOptions::default())
}

/// S3's notice of an upload, straight to the function.
pub(crate) fn upload(key: &str) -> Value {
    json!({ "Records": [{
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": { "name": "uploads" },
            "object": { "key": key, "eTag": "0123", "sequencer": "0055AED6DCD90281E5" },
        },
    }] })
}

/// A queue's batch of messages with these bodies.
pub(crate) fn messages(bodies: &[&str]) -> Value {
    let records: Vec<Value> = bodies
        .iter()
        .enumerate()
        .map(|(index, body)| {
            json!({
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:uploads",
                "messageId": format!("message-{index}"),
                "body": body,
            })
        })
        .collect();
    json!({ "Records": records })
}

/// A table's record of a new subscriber.
pub(crate) fn subscriber(email: &str) -> Value {
    json!({ "Records": [{
        "eventSource": "aws:dynamodb",
        "eventID": "1",
        "eventName": "INSERT",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_773_480_000,
            "SequenceNumber": "100",
            "SizeBytes": 100,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            "Keys": { "id": { "S": "1" } },
            "NewImage": { "id": { "S": "1" }, "email": { "S": email }, "name": { "S": "Ana <b>" } },
        },
    }] })
}

/// Every file below a folder, relative to it.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(folder).unwrap();
                found.push(relative.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}
