//! One event after the other.

use std::fmt;
use std::io::Write as _;
use std::time::Instant;

use fleet::batch::Unfinished;
use fleet::clock::Clock;
use fleet::report::{self, Report};
use fleet::trace::Trace;
use fleet::worker::{Invocation, Worker};
use fleet::{metrics, telemetry};
use lambda_runtime::{Context, Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::Value;
use tracing::Instrument as _;

use crate::shutdown;

/// Serves the events of a function until Lambda ends the process.
///
/// Each event is handled within [`telemetry::invocation_span`]. Its records are logged, its metrics are one line on
/// standard output, and its answer is [`fleet::batch::Handled::response`]: where that is an error, so is the call, and
/// Lambda delivers an asynchronous event again. A replay that wrapped its event by [`report::ask`] gets a [`Report`]
/// instead, which tells both.
///
/// Returns `Ok` on SIGTERM, and an error when the Runtime API cannot be reached.
pub async fn serve<W: Worker>(worker: W) -> Result<(), Error> {
    let worker = &worker;
    let terminated = shutdown::terminated().await?;
    let events = lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let invocation = invocation(&event.context);
        let span = telemetry::invocation_span(worker.name(), &invocation);
        let function = &event.context.env_config.function_name;
        handle(worker, function, event.payload, &invocation)
            .instrument(span)
            .await
    }));
    tokio::select! {
        biased;
        () = terminated => {
            tracing::info!("shutting down");
            Ok(())
        }
        result = events => result,
    }
}

async fn handle<W: Worker>(
    worker: &W,
    function: &str,
    event: Value,
    invocation: &Invocation,
) -> Result<Value, CallError> {
    let (event, report_wished) = report::asked(event);
    let started = Instant::now();
    let handled = worker.handle(event, invocation).await;
    let elapsed_ms = started.elapsed().as_secs_f64() * 1_000.0;
    handled.log();
    let now = invocation.clock.now();
    let mut line = metrics::embedded(worker.name(), function, &handled, elapsed_ms, now);
    // A property, no dimension: whoever reads the log finds the records that the line sums up.
    line["request_id"] = invocation.request_id.as_str().into();
    // The embedded metric format is a line of its own, not a log event: CloudWatch reads its members at the top level. A
    // closed standard output must not fail the records.
    let _ = writeln!(std::io::stdout(), "{line}");
    if report_wished {
        return Ok(Report::new(&handled, elapsed_ms).to_json());
    }
    Ok(handled.response()?)
}

/// The circumstances of a call as the fleet knows them.
fn invocation(context: &Context) -> Invocation {
    Invocation {
        request_id: context.request_id.clone(),
        deadline: Some(context.deadline),
        trace: context.xray_trace_id.as_deref().and_then(Trace::parse),
        clock: Clock::system(),
    }
}

/// The error of a call, shown in Lambda's own record of it.
#[derive(thiserror::Error)]
#[error(transparent)]
struct CallError(#[from] Unfinished);

impl fmt::Debug for CallError {
    /// The runtime logs the debug form: for people, like every log line.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl From<CallError> for Diagnostic {
    fn from(error: CallError) -> Self {
        Self {
            error_type: "Unfinished".to_owned(),
            error_message: error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use fleet::batch::{Handled, Record};
    use fleet::delivery::{Delivery, Source};
    use fleet::fate::Fate;
    use serde_json::json;

    use super::*;

    /// Says of every event that it must be retried, and what it was.
    struct Retrying;

    impl Worker for Retrying {
        fn name(&self) -> &'static str {
            "retrying"
        }

        async fn handle(&self, event: Value, _: &Invocation) -> Handled {
            let fate = Fate::retry("throttled", event.to_string());
            let delivery = Delivery {
                source: Source::S3,
                record: event,
            };
            Handled {
                records: vec![Record::new(&delivery, "", fate)],
                metrics: Vec::new(),
            }
        }
    }

    #[tokio::test]
    async fn a_replay_gets_a_report_where_an_event_source_gets_an_error() {
        let event = json!({ "Records": [] });
        let invocation = Invocation::local("1");
        let refused = handle(&Retrying, "retrying", event.clone(), &invocation).await;
        assert!(refused.is_err());
        let answer = handle(&Retrying, "retrying", report::ask(&event), &invocation).await;
        let report = Report::from_json(answer.unwrap()).unwrap();
        assert_eq!(report.records[0].reason, r#"{"Records":[]}"#);
        assert!(report.error.is_some());
    }

    #[test]
    fn an_invocation_carries_what_lambda_says_of_the_call() {
        let mut context = Context::default();
        context.request_id = "8476a536".to_owned();
        context.deadline = 1_700_000_000_000;
        context.xray_trace_id =
            Some("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1".to_owned());
        let invocation = invocation(&context);
        assert_eq!(invocation.request_id, "8476a536");
        assert_eq!(invocation.deadline, Some(1_700_000_000_000));
        let trace = invocation.trace.unwrap();
        assert_eq!(trace.id(), "5759e988bd862e3fe1be46a994272793");
    }

    #[test]
    fn a_trace_that_cannot_be_read_is_no_trace() {
        let mut context = Context::default();
        context.xray_trace_id = Some("Root=?".to_owned());
        assert_eq!(invocation(&context).trace, None);
    }

    #[test]
    fn the_error_of_a_call_says_how_many_records_are_left_and_why() {
        let unfinished = Unfinished {
            failed: 1,
            total: 2,
            first: "requests are throttled".to_owned(),
        };
        let diagnostic = Diagnostic::from(CallError(unfinished));
        assert_eq!(diagnostic.error_type, "Unfinished");
        assert_eq!(
            diagnostic.error_message,
            "1 of 2 records are to be retried: requests are throttled"
        );
    }
}
