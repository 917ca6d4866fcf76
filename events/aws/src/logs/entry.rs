//! What one line of a log means.
//!
//! The lines are those of `fleet::batch::Handled::log`, one for each record; of `fleet::metrics::embedded`, one for each
//! event; and those of Lambda itself, as text or as JSON: "Lambda function logs" in the Lambda developer guide.

use serde_json::Value;

/// A line that tells something.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    /// What became of a record.
    Record(Record),
    /// What became of the event as a whole.
    Sum(Sum),
    /// Something failed.
    Failure(Failure),
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) request_id: String,
    pub(crate) source: String,
    pub(crate) id: Option<String>,
    pub(crate) subject: String,
    pub(crate) fate: String,
    pub(crate) kind: String,
    pub(crate) reason: String,
}

/// What became of an event: how long it took, and what the worker counted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sum {
    pub(crate) request_id: String,
    pub(crate) elapsed_ms: f64,
    pub(crate) counts: Vec<(String, f64)>,
}

/// A failure that no record's fate tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) request_id: Option<String>,
    pub(crate) message: String,
}

/// Counted for alarms, and said by the records already.
const FATES: [&str; 5] = ["Done", "Rejected", "Retry", "Held", "HandlingTime"];

/// Reads a line; `None` when it tells nothing.
pub(crate) fn read(message: &str) -> Option<Entry> {
    match serde_json::from_str::<Value>(message) {
        Ok(line) => {
            if line["fate"].is_string() && line["subject"].is_string() {
                record(&line).map(Entry::Record)
            } else if line["_aws"].is_object() {
                sum(&line).map(Entry::Sum)
            } else {
                failure(&line).map(Entry::Failure)
            }
        }
        Err(_) => text_failure(message).map(Entry::Failure),
    }
}

fn record(line: &Value) -> Option<Record> {
    let text = |name: &str| Some(line.get(name)?.as_str()?.to_owned());
    let subject = text("subject")?;
    let reason = text("reason").unwrap_or_default();
    // Many reasons name what they are about, which stands beside them here.
    let reason = match reason.strip_prefix(&subject) {
        Some(rest) => rest.trim_start_matches([':', ' ']).to_owned(),
        None => reason,
    };
    Some(Record {
        request_id: line["span"]["request_id"].as_str()?.to_owned(),
        source: text("source")?,
        id: text("id"),
        subject,
        fate: text("fate")?,
        kind: text("kind").unwrap_or_default(),
        reason,
    })
}

fn sum(line: &Value) -> Option<Sum> {
    let metrics = line["_aws"]["CloudWatchMetrics"].as_array()?;
    let counts = metrics
        .iter()
        .filter_map(|metric| metric["Metrics"].as_array())
        .flatten()
        .filter_map(|metric| metric["Name"].as_str())
        .filter(|name| !FATES.contains(name))
        .filter_map(|name| Some((name.to_owned(), line.get(name)?.as_f64()?)))
        .filter(|(_, value)| *value != 0.0)
        .collect();
    Some(Sum {
        request_id: line["request_id"].as_str()?.to_owned(),
        elapsed_ms: line["HandlingTime"].as_f64()?,
        counts,
    })
}

fn failure(line: &Value) -> Option<Failure> {
    // Lambda's own lines, where its log format is JSON.
    let platform = &line["record"];
    if line["type"] == "platform.report" && platform["status"] != "success" {
        let status = platform["status"].as_str()?;
        let error = platform["errorType"].as_str().unwrap_or("no error type");
        return Some(Failure {
            request_id: platform["requestId"].as_str().map(str::to_owned),
            message: format!("the call ended as {status}: {error}"),
        });
    }
    if line["level"] != "ERROR" {
        return None;
    }
    let message = line["message"].as_str()?;
    let error = line["error"].as_str().unwrap_or_default();
    Some(Failure {
        request_id: line["span"]["request_id"].as_str().map(str::to_owned),
        message: if error.is_empty() || message.contains(error) {
            message.to_owned()
        } else {
            format!("{message}: {error}")
        },
    })
}

/// Lambda's own lines, where its log format is text.
fn text_failure(message: &str) -> Option<Failure> {
    let request_id = message
        .split_once("RequestId: ")
        .and_then(|(_, rest)| rest.split_ascii_whitespace().next());
    let failed = [
        "Task timed out after",
        "Runtime exited",
        "Runtime.ExitError",
    ]
    .iter()
    .any(|text| message.contains(text));
    // A report tells again what was told before it.
    (failed && !message.starts_with("REPORT")).then(|| Failure {
        request_id: request_id.map(str::to_owned),
        message: message.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_read_with_its_request() {
        let line = json!({
            "timestamp": "2026-03-14T09:26:53.589Z", "level": "WARN", "message": "record rejected",
            "source": "sqs", "id": "1", "subject": "s3://b/k", "fate": "rejected", "kind": "corrupt", "reason": "s3://b/k: cut",
            "target": "fleet::batch", "span": { "name": "invocation", "request_id": "r", "worker": "thumbnails" },
        });
        assert_eq!(
            read(&line.to_string()),
            Some(Entry::Record(Record {
                request_id: "r".to_owned(),
                source: "sqs".to_owned(),
                id: Some("1".to_owned()),
                subject: "s3://b/k".to_owned(),
                fate: "rejected".to_owned(),
                kind: "corrupt".to_owned(),
                reason: "cut".to_owned(),
            }))
        );
    }

    #[test]
    fn a_metrics_line_is_the_time_and_what_was_counted() {
        let metric = |name| json!({ "Name": name, "Unit": "Count" });
        let line = json!({
            "worker": "thumbnails", "request_id": "r", "Done": 1, "HandlingTime": 12.5, "ThumbnailsWritten": 4.0,
            "PhotosWorked": 0.0,
            "_aws": { "CloudWatchMetrics": [{ "Metrics": [
                metric("Done"), metric("HandlingTime"), metric("ThumbnailsWritten"), metric("PhotosWorked"),
            ] }] },
        });
        assert_eq!(
            read(&line.to_string()),
            Some(Entry::Sum(Sum {
                request_id: "r".to_owned(),
                elapsed_ms: 12.5,
                counts: vec![("ThumbnailsWritten".to_owned(), 4.0)],
            }))
        );
    }

    fn failure_of(message: &str) -> Option<(Option<String>, String)> {
        match read(message)? {
            Entry::Failure(failure) => Some((failure.request_id, failure.message)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_no_record_tells_of_is_a_failure() {
        let error = json!({ "level": "ERROR", "message": "the worker could not start", "error": "X is not set" });
        let report = json!({ "type": "platform.report", "record": { "requestId": "r", "status": "timeout" } });
        for (line, request_id, message) in [
            (
                error.to_string(),
                None,
                "the worker could not start: X is not set",
            ),
            (
                report.to_string(),
                Some("r"),
                "the call ended as timeout: no error type",
            ),
            (
                "2026-03-14T09:26:53.589Z r Task timed out after 60.00 seconds\n".to_owned(),
                None,
                "2026-03-14T09:26:53.589Z r Task timed out after 60.00 seconds",
            ),
            (
                "RequestId: r Error: Runtime exited with error: exit status 1".to_owned(),
                Some("r"),
                "RequestId: r Error: Runtime exited with error: exit status 1",
            ),
        ] {
            let expected = (request_id.map(str::to_owned), message.to_owned());
            assert_eq!(failure_of(&line), Some(expected), "{line}");
        }
    }

    #[test]
    fn other_lines_tell_nothing() {
        for line in [
            "START RequestId: r Version: $LATEST".to_owned(),
            "REPORT RequestId: r\tDuration: 1 ms\tStatus: error\tError Type: Runtime.ExitError".to_owned(),
            json!({ "level": "INFO", "message": "shutting down" }).to_string(),
            json!({ "type": "platform.report", "record": { "requestId": "r", "status": "success" } }).to_string(),
            json!({ "fate": "done" }).to_string(),
            json!({ "fate": "done", "subject": "s" }).to_string(),
            "[1,2]".to_owned(),
            "null".to_owned(),
            String::new(),
        ] {
            assert_eq!(read(&line), None, "{line}");
        }
    }
}
