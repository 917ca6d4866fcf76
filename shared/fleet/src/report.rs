//! What a function tells of an event when it is asked to: the other half of a replay against a deployed function.
//!
//! An answer to an event source names only what is to be delivered again. Whoever replays an event wants the fate of every
//! record and its reason, so a replay wraps the event: `{"flotillaReplay": 1, "event": ...}`. The function handles what is
//! inside as it handles any event, and answers with a [`Report`], also where its answer to the event source would have
//! been an error.
//!
//! Only a caller of `lambda:InvokeFunction` can wrap an event: event sources put what others write into records, and the
//! wrapping is around those. Lambda's own place for such a wish, the client context, is not passed on by local AWS.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::batch::{Handled, Record};
use crate::metrics::Metric;

/// The member that asks for a report. Its value is [`VERSION`].
const MEMBER: &str = "flotillaReplay";

/// The version of the wrapping and of the report.
const VERSION: u64 = 1;

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// 1: tells a report from the answer of a function that knows of no such wish.
    pub flotilla_replay: u64,
    /// What became of each record, in the order of the event.
    pub records: Vec<ReportedRecord>,
    /// What the worker counted.
    pub counts: Vec<Count>,
    /// What the event source would have been told; `None` when the call would have failed.
    pub response: Option<Value>,
    /// Why the call would have failed.
    pub error: Option<String>,
    /// How long the worker took, in milliseconds.
    pub elapsed_ms: f64,
}

/// What became of one record; see [`Record`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedRecord {
    /// What delivered it.
    pub source: String,
    /// What the source calls it.
    pub id: Option<String>,
    /// What it is about. Never an address.
    pub subject: String,
    /// `done`, `rejected` or `retry`.
    pub fate: String,
    /// [`crate::fate::Fate::kind`].
    pub kind: String,
    /// In words.
    pub reason: String,
}

/// A [`Metric`] with a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// Its name, such as `ThumbnailsWritten`.
    pub name: String,
    /// How much.
    pub value: f64,
}

/// `event`, with the wish for a report around it.
pub fn ask(event: &Value) -> Value {
    json!({ MEMBER: VERSION, "event": event })
}

/// The event to handle, and whether a report of it is wished.
pub fn asked(payload: Value) -> (Value, bool) {
    match payload {
        Value::Object(mut members)
            if members.len() == 2
                && members.get(MEMBER).and_then(Value::as_u64) == Some(VERSION)
                && members.contains_key("event") =>
        {
            (members.remove("event").unwrap_or_default(), true)
        }
        event => (event, false),
    }
}

impl Report {
    /// The report of an event that was handled in `elapsed_ms` milliseconds.
    pub fn new(handled: &Handled, elapsed_ms: f64) -> Self {
        let (response, error) = match handled.response() {
            Ok(response) => (Some(response), None),
            Err(unfinished) => (None, Some(unfinished.to_string())),
        };
        Self {
            flotilla_replay: VERSION,
            records: handled.records.iter().map(ReportedRecord::of).collect(),
            counts: handled.metrics.iter().map(Count::of).collect(),
            response,
            error,
            elapsed_ms,
        }
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        // Strings, numbers and a JSON tree: nothing that could fail to serialise.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The report in a function's answer; `None` when the answer is none.
    pub fn from_json(answer: Value) -> Option<Self> {
        serde_json::from_value(answer)
            .ok()
            .filter(|report: &Self| report.flotilla_replay == VERSION)
    }
}

impl ReportedRecord {
    fn of(record: &Record) -> Self {
        Self {
            source: record.source.to_string(),
            id: record.id.clone(),
            subject: record.subject.clone(),
            fate: record.fate.name().to_owned(),
            kind: record.fate.kind().to_owned(),
            reason: record.fate.reason().to_owned(),
        }
    }
}

impl Count {
    fn of(metric: &Metric) -> Self {
        Self {
            name: metric.name.to_owned(),
            value: metric.value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Source;
    use crate::fate::Fate;

    fn handled(source: Source, fate: Fate) -> Handled {
        Handled {
            records: vec![Record {
                source,
                id: Some("1".to_owned()),
                group: None,
                subject: "s3://b/k".to_owned(),
                fate,
                trace: None,
            }],
            metrics: Vec::new(),
        }
    }

    #[test]
    fn what_was_wrapped_comes_out_as_it_was() {
        for event in [json!({ "Records": [] }), json!(null), json!("poison")] {
            assert_eq!(asked(ask(&event)), (event, true));
        }
    }

    #[test]
    fn only_the_whole_wrapping_asks_for_a_report() {
        for event in [
            json!({ "Records": [], MEMBER: 1 }),
            json!({ MEMBER: 1, "event": {}, "Records": [] }),
            json!({ MEMBER: 2, "event": {} }),
            json!({ "event": {} }),
            json!([1]),
        ] {
            assert_eq!(asked(event.clone()), (event, false));
        }
    }

    #[test]
    fn a_report_tells_each_fate_and_the_answer_to_the_event_source() {
        let report = Report::new(
            &handled(Source::Sqs, Fate::retry("throttled", "busy")),
            12.5,
        );
        insta::assert_json_snapshot!(report.to_json(), @r#"
        {
          "counts": [],
          "elapsedMs": 12.5,
          "error": null,
          "flotillaReplay": 1,
          "records": [
            {
              "fate": "retry",
              "id": "1",
              "kind": "throttled",
              "reason": "busy",
              "source": "sqs",
              "subject": "s3://b/k"
            }
          ],
          "response": {
            "batchItemFailures": [
              {
                "itemIdentifier": "1"
              }
            ]
          }
        }
        "#);
        assert_eq!(Report::from_json(report.to_json()), Some(report));
    }

    #[test]
    fn a_report_tells_that_the_call_would_have_failed() {
        let report = Report::new(&handled(Source::S3, Fate::retry("throttled", "busy")), 1.0);
        assert_eq!(report.response, None);
        let error = report.error.unwrap_or_default();
        assert!(error.contains("1 of 1 records"), "{error}");
    }

    #[test]
    fn an_ordinary_answer_is_no_report() {
        assert_eq!(Report::from_json(json!({ "batchItemFailures": [] })), None);
        assert_eq!(Report::from_json(json!(null)), None);
    }
}
