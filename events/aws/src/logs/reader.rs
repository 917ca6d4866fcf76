//! New lines of one log group.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;
use fleet::clock::UnixMillis;

use crate::error::{CallError, Trouble};

/// How late a line may come, in milliseconds. Lambda hands its logs on in batches, and `CloudWatch` shows a stream's lines as
/// they arrive; what is later than this is missed.
const LATENESS_MS: u64 = 60_000;

/// A page has up to 10,000 lines. A log with more than this many new pages is read on at the next time.
const MAX_PAGES: usize = 20;

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogLine {
    pub(crate) at: UnixMillis,
    pub(crate) message: String,
}

/// Reads a log group from a moment on, each line once.
#[derive(Debug)]
pub(crate) struct GroupReader {
    client: Client,
    group: String,
    begin: UnixMillis,
    newest: UnixMillis,
    /// What was read of the time in which late lines may come.
    seen: BTreeMap<(UnixMillis, u64), usize>,
}

impl GroupReader {
    /// The log of a function since `begin`.
    pub(crate) fn new(client: Client, function: &str, begin: UnixMillis) -> Self {
        Self {
            client,
            group: format!("/aws/lambda/{function}"),
            begin,
            newest: begin,
            seen: BTreeMap::new(),
        }
    }

    /// The lines that were not there the last time, by their time. A group that is not there yet has none.
    pub(crate) async fn new_lines(&mut self) -> Result<Vec<LogLine>, CallError> {
        let from = self.begin.max(self.newest.saturating_sub(LATENESS_MS));
        let mut lines = Vec::new();
        // As often as a line stands in the log now; a worker may well say the same thing twice in a millisecond.
        let mut counts: BTreeMap<(UnixMillis, u64), usize> = BTreeMap::new();
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .client
                .filter_log_events()
                .log_group_name(&self.group)
                .start_time(i64::try_from(from).unwrap_or(i64::MAX))
                .set_next_token(token)
                .send()
                .await;
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    let error = CallError::new(format!("reading the log {}", self.group), &error);
                    // Lambda makes the group at a function's first call.
                    if error.trouble == Trouble::Missing {
                        return Ok(Vec::new());
                    }
                    return Err(error);
                }
            };
            for event in page.events.unwrap_or_default() {
                let identity = identity(&event);
                let count = counts.entry(identity).or_default();
                *count += 1;
                if *count > self.seen.get(&identity).copied().unwrap_or_default() {
                    lines.push(LogLine {
                        at: identity.0,
                        message: event.message.unwrap_or_default(),
                    });
                }
            }
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        self.remember(counts);
        lines.sort_by_key(|line| line.at);
        Ok(lines)
    }

    fn remember(&mut self, counts: BTreeMap<(UnixMillis, u64), usize>) {
        if let Some(((newest, _), _)) = counts.last_key_value() {
            self.newest = self.newest.max(*newest);
        }
        for (identity, count) in counts {
            let seen = self.seen.entry(identity).or_default();
            *seen = count.max(*seen);
        }
        let forgotten = self.newest.saturating_sub(LATENESS_MS);
        self.seen = self.seen.split_off(&(forgotten, 0));
    }
}

/// When, and which line it is: `CloudWatch` gives each an id, local AWS does not.
fn identity(event: &FilteredLogEvent) -> (UnixMillis, u64) {
    let at = event
        .timestamp
        .and_then(|timestamp| u64::try_from(timestamp).ok())
        .unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    match &event.event_id {
        Some(id) => id.hash(&mut hasher),
        None => (&event.log_stream_name, &event.message).hash(&mut hasher),
    }
    (at, hasher.finish())
}

#[cfg(test)]
mod tests {
    use runtime_stub::canned::{Answer, Canned};
    use serde_json::{Value, json};

    use super::*;
    use crate::aws::Aws;
    use crate::target::{Target, Where};

    async fn reader(canned: &Canned) -> GroupReader {
        let target = Target {
            at: Where::Local {
                endpoint: canned.url(),
                region: "us-east-1".to_owned(),
            },
            stage: "local".to_owned(),
        };
        let aws = Aws::at(target).await.unwrap();
        GroupReader::new(aws.logs(), "flotilla-local-thumbnails", 1_000_000)
    }

    fn page(lines: &[(u64, &str)], next: Option<&str>) -> Answer {
        let events: Vec<Value> = lines
            .iter()
            .map(|(at, message)| json!({ "timestamp": at, "message": message, "logStreamName": "s" }))
            .collect();
        let page = json!({ "events": events, "nextToken": next });
        Answer::status(200)
            .header("content-type", "application/x-amz-json-1.1")
            .body(page.to_string())
    }

    fn messages(lines: Vec<LogLine>) -> Vec<String> {
        lines.into_iter().map(|line| line.message).collect()
    }

    #[tokio::test]
    async fn a_line_is_read_once_however_late_it_comes() {
        let canned = Canned::start().await.unwrap();
        canned.on(
            |_| true,
            [
                page(&[(2_000_000, "b"), (2_000_000, "b")], Some("more")),
                page(&[(2_000_001, "c")], None),
                page(
                    &[
                        (1_999_999, "a"),
                        (2_000_000, "b"),
                        (2_000_000, "b"),
                        (2_000_001, "c"),
                    ],
                    None,
                ),
            ],
        );
        let mut reader = reader(&canned).await;
        assert_eq!(messages(reader.new_lines().await.unwrap()), ["b", "b", "c"]);
        assert_eq!(messages(reader.new_lines().await.unwrap()), ["a"]);
        assert_eq!(messages(reader.new_lines().await.unwrap()), [""; 0]);
        let asked: Vec<Value> = canned
            .received()
            .iter()
            .map(|request| serde_json::from_slice(&request.body).unwrap())
            .collect();
        assert_eq!(
            asked[0]["logGroupName"],
            "/aws/lambda/flotilla-local-thumbnails"
        );
        assert_eq!(asked[0]["startTime"], 1_000_000);
        assert_eq!(asked[1]["nextToken"], "more");
        assert_eq!(asked[2]["startTime"], 2_000_001 - LATENESS_MS);
    }

    #[tokio::test]
    async fn a_function_that_never_ran_has_no_lines() {
        let canned = Canned::start().await.unwrap();
        let missing = json!({ "__type": "ResourceNotFoundException", "message": "no such group" });
        canned.always(Answer::status(400).body(missing.to_string()));
        let mut reader = reader(&canned).await;
        assert_eq!(reader.new_lines().await.unwrap(), []);
    }
}
