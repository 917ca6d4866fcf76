//! The workers of the fleet, as a replay knows them.
//!
//! A new worker is one more file here, and one more line in [`WORKERS`]: `flotilla new worker` writes both.

mod cache_invalidation;
mod email_feedback;
mod gallery;
mod page_views;
mod thumbnails;
mod upload_audit;
mod welcome_mail;

use std::future::Future;
use std::pin::Pin;

use fleet::batch::Handled;
use fleet::delivery::{Delivery, Source};
use fleet::notice;
use fleet::worker::{Invocation, Worker};
use serde_json::Value;

use super::environment::ReplayEnvironment;
use crate::stand_ins::StandIns;

/// One worker: what it takes, and how to start it over stand-ins.
#[derive(Debug, Clone, Copy)]
pub struct WorkerEntry {
    /// Its name, as `--worker` takes it.
    pub name: &'static str,
    /// What it takes, for people.
    pub takes: &'static str,
    /// Whether a record is surely for it.
    recognises: fn(&Delivery) -> bool,
    /// The sources whose records it takes when no worker recognises them: a poison body must meet a worker too.
    takes_the_rest_of: &'static [Source],
    /// What stands where the process's environment does not set a variable that the worker requires in Lambda: names of
    /// things that exist nowhere, and keys that are no secrets.
    pub(super) environment: &'static [(&'static str, &'static str)],
    start: Start,
}

/// Starts a worker, or says what is wrong with its environment.
type Start = fn(&StandIns, &ReplayEnvironment) -> Result<Box<dyn AnyWorker>, String>;

/// Every worker, in the order in which they are asked.
pub const WORKERS: &[WorkerEntry] = &[
    // What a command made is asked first: it knows its own by where it comes from, and the others by what it says.
    // New workers go below this line.
    cache_invalidation::ENTRY,
    email_feedback::ENTRY,
    gallery::ENTRY,
    page_views::ENTRY,
    upload_audit::ENTRY,
    thumbnails::ENTRY,
    welcome_mail::ENTRY,
];

/// A [`Worker`] behind a pointer, so that workers of several types stand in one table.
pub trait AnyWorker: Send + Sync {
    /// [`Worker::handle`].
    fn handle<'a>(
        &'a self,
        event: Value,
        invocation: &'a Invocation,
    ) -> Pin<Box<dyn Future<Output = Handled> + Send + 'a>>;
}

impl<W: Worker> AnyWorker for W {
    fn handle<'a>(
        &'a self,
        event: Value,
        invocation: &'a Invocation,
    ) -> Pin<Box<dyn Future<Output = Handled> + Send + 'a>> {
        Box::pin(Worker::handle(self, event, invocation))
    }
}

/// Every worker, started.
pub struct Fleet(Vec<(WorkerEntry, Box<dyn AnyWorker>)>);

impl Fleet {
    /// Starts every worker over `stand_ins`; fails like a worker in Lambda when its environment is wrong.
    pub fn start(stand_ins: &StandIns) -> Result<Self, String> {
        WORKERS
            .iter()
            .map(|entry| {
                let worker = (entry.start)(stand_ins, &ReplayEnvironment::of(entry))?;
                Ok((*entry, worker))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The worker of that name.
    pub fn get(&self, name: &str) -> Option<&dyn AnyWorker> {
        self.0
            .iter()
            .find(|(entry, _)| entry.name == name)
            .map(|(_, worker)| worker.as_ref())
    }
}

impl std::fmt::Debug for Fleet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.0.iter().map(|(entry, _)| entry.name);
        formatter.debug_list().entries(names).finish()
    }
}

/// The name of the worker that takes an event with these records; `None` when none does.
///
/// The first record that any worker recognises decides, since an event comes from one source; then the first source.
pub(crate) fn worker_of(deliveries: &[Delivery]) -> Option<&'static str> {
    let recognised = deliveries
        .iter()
        .find_map(|delivery| WORKERS.iter().find(|entry| (entry.recognises)(delivery)));
    let by_source = || {
        let source = deliveries.first()?.source;
        WORKERS
            .iter()
            .find(|entry| entry.takes_the_rest_of.contains(&source))
    };
    recognised.or_else(by_source).map(|entry| entry.name)
}

/// The wrappings of an event, outermost first, such as `sqs/sns/s3`: those of the first record that tells.
pub(crate) fn route_of(deliveries: &[Delivery]) -> String {
    let Some(first) = deliveries.first() else {
        return Source::Unknown.to_string();
    };
    let inner = deliveries
        .iter()
        .filter_map(|delivery| notice::read(delivery.payload()).ok())
        .map(|notice| notice.route)
        .find(|route| !route.is_empty());
    let source = first.source.to_string();
    match inner {
        Some(inner) if inner != source => format!("{source}/{inner}"),
        _ => source,
    }
}

#[cfg(test)]
mod tests {
    use fleet::delivery::deliveries;
    use serde_json::json;

    use super::*;

    fn detected(event: Value) -> (Option<&'static str>, String) {
        let deliveries = deliveries(event);
        (worker_of(&deliveries), route_of(&deliveries))
    }

    fn s3() -> Value {
        json!({ "Records": [{
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": { "bucket": { "name": "b" }, "object": { "key": "k", "sequencer": "1" } },
        }] })
    }

    fn sqs(body: impl Into<String>) -> Value {
        let body: String = body.into();
        json!({ "eventSource": "aws:sqs", "messageId": "1", "body": body })
    }

    #[test]
    fn a_notice_of_s3_is_for_thumbnails_by_every_route() {
        let wrapped =
            json!({ "Type": "Notification", "TopicArn": "t", "Message": s3().to_string() });
        let eventbridge = json!({
            "detail-type": "Object Created", "source": "aws.s3",
            "detail": { "bucket": { "name": "b" }, "object": { "key": "k" } },
        });
        let sns = json!({ "EventSource": "aws:sns", "Sns": { "Message": s3().to_string() } });
        let cases = [
            (s3(), "s3"),
            (json!({ "Records": [sns] }), "sns/s3"),
            (json!({ "Records": [sqs(s3().to_string())] }), "sqs/s3"),
            (
                json!({ "Records": [sqs("poison"), sqs(s3().to_string())] }),
                "sqs/s3",
            ),
            (
                json!({ "Records": [sqs(wrapped.to_string())] }),
                "sqs/sns/s3",
            ),
            (
                json!({ "Records": [sqs(eventbridge.to_string())] }),
                "sqs/eventbridge",
            ),
            (eventbridge, "eventbridge"),
            (json!({ "Event": "s3:TestEvent" }), "s3"),
        ];
        for (event, route) in cases {
            assert_eq!(detected(event), (Some("thumbnails"), route.to_owned()));
        }
    }

    #[test]
    fn poison_meets_the_worker_of_its_source() {
        let event = json!({ "Records": [sqs("poison")] });
        assert_eq!(detected(event), (Some("thumbnails"), "sqs".to_owned()));
        let event = json!({ "detail-type": "EC2 Instance State-change", "source": "aws.ec2" });
        assert_eq!(
            detected(event),
            (Some("thumbnails"), "eventbridge".to_owned())
        );
    }

    #[test]
    fn a_record_of_a_table_is_for_welcome_mail() {
        let event = json!({ "Records": [{ "eventSource": "aws:dynamodb", "dynamodb": {} }] });
        assert_eq!(
            detected(event),
            (Some("welcome-mail"), "dynamodb".to_owned())
        );
    }

    #[test]
    fn a_record_of_a_post_is_for_cache_invalidation() {
        let by_key = json!({ "eventSource": "aws:dynamodb", "dynamodb": { "Keys": { "slug": { "S": "a" } } } });
        let by_table = json!({
            "eventSource": "aws:dynamodb", "eventSourceARN": "arn:aws:dynamodb:r:1:table/posts/stream/1",
        });
        for record in [by_key, by_table] {
            assert_eq!(
                detected(json!({ "Records": [record] })),
                (Some("cache-invalidation"), "dynamodb".to_owned())
            );
        }
    }

    #[test]
    fn a_notice_of_ses_is_for_email_feedback_by_every_route() {
        let notice = json!({ "eventType": "Send", "mail": {} });
        let wrapped =
            json!({ "Type": "Notification", "TopicArn": "t", "Message": notice.to_string() });
        let eventbridge =
            json!({ "detail-type": "Email Sent", "source": "aws.ses", "detail": notice });
        let sns = json!({ "EventSource": "aws:sns", "Sns": { "Message": notice.to_string() } });
        for (event, source) in [
            (json!({ "Records": [sqs(notice.to_string())] }), "sqs"),
            (
                json!({ "Records": [sqs("poison"), sqs(wrapped.to_string())] }),
                "sqs",
            ),
            (json!({ "Records": [sns] }), "sns"),
            (eventbridge, "eventbridge"),
        ] {
            assert_eq!(detected(event), (Some("email-feedback"), source.to_owned()));
        }
    }

    #[test]
    fn a_record_of_a_kinesis_stream_is_for_page_views() {
        let event = json!({ "Records": [{ "eventSource": "aws:kinesis", "kinesis": {} }] });
        assert_eq!(detected(event), (Some("page-views"), "kinesis".to_owned()));
    }

    #[test]
    fn what_no_worker_takes_is_said_to_be_so() {
        for event in [
            json!({ "hello": 1 }),
            json!({ "Records": [] }),
            json!(1),
            json!(null),
        ] {
            assert_eq!(detected(event), (None, "unknown".to_owned()));
        }
    }
}
