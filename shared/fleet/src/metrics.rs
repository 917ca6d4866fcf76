//! CloudWatch metrics by the embedded metric format: a log line that CloudWatch turns into metrics, without an API call.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::batch::Handled;
use crate::clock::UnixMillis;

/// The CloudWatch namespace of the fleet.
pub const NAMESPACE: &str = "Flotilla";

/// One number that a worker counted or measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its name, in CloudWatch's style: `ThumbnailsWritten`.
    pub name: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// How much.
    pub value: f64,
}

/// The units of CloudWatch that the fleet uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Bytes => "Bytes",
            Self::Milliseconds => "Milliseconds",
        }
    }
}

/// The log line for one handled event: the fates of its records, each kind of failure, and what the worker counted.
///
/// Alarms need zeros too, so `Done`, `Rejected` and `Retry` are always there. The kinds are properties for searching, not
/// dimensions: each distinct dimension value would be a metric of its own, and billed so. The `function` is a dimension
/// beside the worker, because several stages of a fleet may share an account, and each has its own alarms.
pub fn embedded(
    worker: &str,
    function: &str,
    handled: &Handled,
    elapsed_ms: f64,
    now: UnixMillis,
) -> Value {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for record in &handled.records {
        let kind = format!("{}/{}", record.fate.name(), record.fate.kind());
        *kinds.entry(kind).or_default() += 1;
    }
    let held = kinds.get("retry/held").copied().unwrap_or_default();
    let counts = [
        ("Done", handled.count("done")),
        ("Rejected", handled.count("rejected")),
        ("Retry", handled.count("retry")),
        // What waits for an operator, such as a paused SES account: its own metric, because it has its own alarm.
        ("Held", held),
    ];
    let mut line = json!({ "worker": worker, "function": function, "kinds": kinds });
    let mut definitions = Vec::new();
    let mut add = |name: &str, unit: Unit, value: Value| {
        definitions.push(json!({ "Name": name, "Unit": unit.name() }));
        line[name] = value;
    };
    for (name, count) in counts {
        add(name, Unit::Count, count.into());
    }
    add("HandlingTime", Unit::Milliseconds, elapsed_ms.into());
    for metric in &handled.metrics {
        add(metric.name, metric.unit, metric.value.into());
    }
    line["_aws"] = json!({
        "Timestamp": now,
        "CloudWatchMetrics": [{
            "Namespace": NAMESPACE,
            "Dimensions": [["worker", "function"]],
            "Metrics": definitions,
        }],
    });
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Record;
    use crate::delivery::Source;
    use crate::fate::Fate;

    #[test]
    fn every_metric_that_is_defined_has_a_value() {
        let record = |fate| Record {
            source: Source::Sqs,
            id: None,
            group: None,
            subject: String::new(),
            fate,
            trace: None,
        };
        let handled = Handled {
            records: vec![
                record(Fate::applied("")),
                record(Fate::rejected("corrupt", "")),
                record(Fate::retry("held", "")),
            ],
            metrics: vec![Metric {
                name: "ThumbnailsWritten",
                unit: Unit::Count,
                value: 4.0,
            }],
        };
        let line = embedded(
            "thumbnails",
            "flotilla-dev-thumbnails",
            &handled,
            12.5,
            1_000,
        );
        insta::assert_json_snapshot!(line, @r#"
        {
          "Done": 1,
          "HandlingTime": 12.5,
          "Held": 1,
          "Rejected": 1,
          "Retry": 1,
          "ThumbnailsWritten": 4.0,
          "_aws": {
            "CloudWatchMetrics": [
              {
                "Dimensions": [
                  [
                    "worker",
                    "function"
                  ]
                ],
                "Metrics": [
                  {
                    "Name": "Done",
                    "Unit": "Count"
                  },
                  {
                    "Name": "Rejected",
                    "Unit": "Count"
                  },
                  {
                    "Name": "Retry",
                    "Unit": "Count"
                  },
                  {
                    "Name": "Held",
                    "Unit": "Count"
                  },
                  {
                    "Name": "HandlingTime",
                    "Unit": "Milliseconds"
                  },
                  {
                    "Name": "ThumbnailsWritten",
                    "Unit": "Count"
                  }
                ],
                "Namespace": "Flotilla"
              }
            ],
            "Timestamp": 1000
          },
          "function": "flotilla-dev-thumbnails",
          "kinds": {
            "done/applied": 1,
            "rejected/corrupt": 1,
            "retry/held": 1
          },
          "worker": "thumbnails"
        }
        "#);
    }
}
