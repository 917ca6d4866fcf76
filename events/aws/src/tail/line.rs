//! One line for a person, or for a program.

use std::collections::BTreeMap;

use fleet::clock::UnixMillis;
use fleet::date::Utc;
use handover::terminal::{Style, amount, visible};
use serde::Serialize;

use crate::clock::time_of_day;
use crate::logs::{Failure, Record};

/// What became of a record, or what failed.
///
/// It is the output of `flotilla tail --json`. Fields are added, never renamed or removed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// When, in milliseconds since 1970.
    #[serde(skip)]
    pub at: UnixMillis,
    /// When, by ISO 8601 in UTC.
    pub time: String,
    /// Whose.
    pub worker: String,
    /// Which call of the function.
    pub request_id: Option<String>,
    /// What delivered the record: `sqs`, `dynamodb`, ...
    pub source: Option<String>,
    /// What the source calls it.
    pub id: Option<String>,
    /// What it is about.
    pub subject: Option<String>,
    /// `done`, `rejected` or `retry`; `failed` when a call failed and no record's fate is known.
    pub fate: String,
    /// What kind of fate.
    pub kind: Option<String>,
    /// In words.
    pub reason: String,
    /// How many records its event had.
    pub records: usize,
    /// How long the worker took for the event, in milliseconds; `null` when the log does not tell.
    pub elapsed_ms: Option<f64>,
    /// What the worker counted for the event, at its last record: `ThumbnailsWritten`, ...
    pub counts: BTreeMap<String, f64>,
}

impl Line {
    pub(super) fn record(worker: &str, at: UnixMillis, records: usize, record: Record) -> Self {
        Self {
            at,
            time: Utc::at(at).to_string(),
            worker: worker.to_owned(),
            request_id: Some(record.request_id),
            source: Some(record.source),
            id: record.id,
            subject: Some(record.subject),
            fate: record.fate,
            kind: Some(record.kind),
            reason: record.reason,
            records,
            elapsed_ms: None,
            counts: BTreeMap::new(),
        }
    }

    pub(super) fn failure(worker: &str, at: UnixMillis, failure: Failure) -> Self {
        Self {
            at,
            time: Utc::at(at).to_string(),
            worker: worker.to_owned(),
            request_id: failure.request_id,
            source: None,
            id: None,
            subject: None,
            fate: "failed".to_owned(),
            kind: None,
            reason: failure.message,
            records: 0,
            elapsed_ms: None,
            counts: BTreeMap::new(),
        }
    }

    /// As one line of JSON.
    pub fn to_json(&self) -> String {
        // Strings and numbers: nothing that could fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As one line of text.
    pub fn to_text(&self, style: Style) -> String {
        let fate = format!("{:<8}", visible(&self.fate));
        let fate = match self.fate.as_str() {
            "done" => style.green(&fate),
            "retry" => style.yellow(&fate),
            _ => style.red(&fate),
        };
        let about = match (&self.kind, &self.subject) {
            (Some(kind), Some(subject)) => {
                format!("{:<10} {}  ", visible(kind), visible(subject))
            }
            _ => String::new(),
        };
        let mut text = format!(
            "{}  {:<18} {:<8} {fate} {about}{}",
            style.dim(&time_of_day(self.at)),
            visible(&self.worker),
            visible(self.source.as_deref().unwrap_or_default()),
            style.dim(&visible(&self.reason)),
        );
        let mut measured: Vec<String> = self
            .counts
            .iter()
            .map(|(name, value)| format!("{} {}", visible(name), amount(name, *value)))
            .collect();
        if let Some(elapsed_ms) = self.elapsed_ms {
            measured.push(format!("{elapsed_ms:.1} ms"));
        }
        if !measured.is_empty() {
            text.push_str("  ");
            text.push_str(&style.dim(&format!("[{}]", measured.join(", "))));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        let record = Record {
            request_id: "r".to_owned(),
            source: "sqs".to_owned(),
            id: Some("1".to_owned()),
            subject: "s3://uploads/me/cat\x1b[2J.jpg".to_owned(),
            fate: "done".to_owned(),
            kind: "applied".to_owned(),
            reason: "4 thumbnails".to_owned(),
        };
        let mut line = Line::record("thumbnails", 1_773_480_413_589, 1, record);
        line.elapsed_ms = Some(412.34);
        line.counts = [("ThumbnailsWritten", 4.0), ("SourceBytes", 1_234_567.0)]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
        line
    }

    #[test]
    fn a_line_tells_when_who_what_and_how_long_and_steers_no_terminal() {
        insta::assert_snapshot!(line().to_text(Style::plain()), @r"09:26:53.589  thumbnails         sqs      done     applied    s3://uploads/me/cat\u{1b}[2J.jpg  4 thumbnails  [SourceBytes 1.2 MB, ThumbnailsWritten 4, 412.3 ms]");
        let failure = Failure {
            request_id: None,
            message: "the worker could not start".to_owned(),
        };
        let failure = Line::failure("gallery", 0, failure);
        insta::assert_snapshot!(failure.to_text(Style::plain()), @"00:00:00.000  gallery                     failed   the worker could not start");
    }

    #[test]
    fn a_line_for_programs_is_stable() {
        insta::assert_snapshot!(line().to_json(), @r#"{"time":"2026-03-14T09:26:53.589Z","worker":"thumbnails","request_id":"r","source":"sqs","id":"1","subject":"s3://uploads/me/cat\u001b[2J.jpg","fate":"done","kind":"applied","reason":"4 thumbnails","records":1,"elapsed_ms":412.34,"counts":{"SourceBytes":1234567.0,"ThumbnailsWritten":4.0}}"#);
    }
}
