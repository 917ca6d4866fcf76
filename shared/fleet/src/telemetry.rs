//! Structured logs.

use tracing::Span;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::MakeWriter;

use crate::env::{self, Variables};
use crate::worker::Invocation;

/// Sends the process's logs to standard output: one JSON object a line, or text when `AWS_LAMBDA_LOG_FORMAT` is `Text`.
///
/// The level is `RUST_LOG`, else `AWS_LAMBDA_LOG_LEVEL`, which Lambda's own log settings set, else `info`. The first is the way to
/// fewer lines: Lambda's own setting drops the metrics too, whose lines have no level and count as `INFO`. Does nothing if
/// the process already has a subscriber.
pub fn init(variables: &impl Variables) {
    let filter = EnvFilter::builder().parse_lossy(level(variables));
    let text = env::optional(variables, "AWS_LAMBDA_LOG_FORMAT")
        .is_some_and(|format| format.eq_ignore_ascii_case("text"));
    // An error means that there is a subscriber already: a test's, or an embedder's.
    let _ = tracing::subscriber::set_global_default(subscriber(filter, text, std::io::stdout));
}

fn level(variables: &impl Variables) -> String {
    env::optional(variables, "RUST_LOG")
        .or_else(|| env::optional(variables, "AWS_LAMBDA_LOG_LEVEL"))
        .map_or_else(|| "info".to_owned(), |level| level.to_ascii_lowercase())
}

fn subscriber<W>(
    filter: EnvFilter,
    text: bool,
    writer: W,
) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // CloudWatch stamps each line, and escape codes are noise there.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(writer);
    if text {
        Box::new(builder.without_time().finish())
    } else {
        Box::new(
            builder
                .json()
                .flatten_event(true)
                .with_span_list(false)
                .with_current_span(true)
                .finish(),
        )
    }
}

/// The span of one invocation: what every log line within it carries.
pub fn invocation_span(worker: &'static str, invocation: &Invocation) -> Span {
    let trace = invocation.trace.as_ref();
    tracing::info_span!(
        "invocation",
        worker,
        request_id = %invocation.request_id,
        trace_id = trace.map(|trace| trace.id().to_owned()),
        xray_trace_id = trace.map(ToString::to_string),
    )
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;
    use crate::trace::Trace;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn fewer_log_lines_need_not_cost_the_metrics() {
        let lambda = ("AWS_LAMBDA_LOG_LEVEL", "INFO");
        assert_eq!(level(&[lambda, ("RUST_LOG", "warn")]), "warn");
        assert_eq!(level(&[lambda]), "info");
        assert_eq!(level(&[("AWS_REGION", "us-east-1")]), "info");
    }

    #[test]
    fn a_log_line_is_json_and_carries_the_trace() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(EnvFilter::new("info"), false, move || writer.clone());
        let mut invocation = Invocation::local("request-1");
        invocation.trace = Trace::parse("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1");
        tracing::subscriber::with_default(subscriber, || {
            let _entered = invocation_span("thumbnails", &invocation).entered();
            tracing::warn!(kind = "corrupt", "rejected a record");
        });
        let line: Value = serde_json::from_slice(&lines.0.lock().unwrap()).unwrap();
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["message"], "rejected a record");
        assert_eq!(line["kind"], "corrupt");
        assert_eq!(line["span"]["request_id"], "request-1");
        assert_eq!(line["span"]["trace_id"], "5759e988bd862e3fe1be46a994272793");
        assert_eq!(line["span"]["worker"], "thumbnails");
    }
}
