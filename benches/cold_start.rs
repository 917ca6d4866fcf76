//! The cold start of each worker: from the start of its process to its first poll, and what it holds after its first event.
//!
//! `benches/cold-start` builds the workers as they are deployed and runs this. The endpoint beside it is the Runtime API
//! as the tests use it, and an AWS that says yes to everything, both in this process on loopback, so the figures leave out
//! what Lambda itself does before the process starts.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fixtures::encode::JpegOptions;
use runtime_stub::canned::{Answer, Canned, Received};
use runtime_stub::{Child, Outcome, RuntimeStub};
use serde_json::{Value, json};

type Failure = Box<dyn Error>;

/// How long a process may take to end.
const END: Duration = Duration::from_secs(10);

/// What the workers require of their environment, together. Each takes its own.
const ENVIRONMENT: [(&str, &str); 15] = [
    ("ADDRESSES_TABLE", "addresses"),
    ("AUDIT_BUCKET", "audit"),
    ("BLOG_URL", "https://example.com/"),
    ("CATALOGUE_TABLE", "catalogue"),
    ("CLAIMS_TABLE", "claims"),
    ("DISTRIBUTION_ID", "EDFDVBD6EXAMPLE"),
    (
        "PHOTO_READY_TOPIC",
        "arn:aws:sns:us-east-1:123456789012:photo-ready",
    ),
    ("REJECTIONS_TABLE", "rejections"),
    ("SUBSCRIBERS_TABLE", "subscribers"),
    ("THUMBNAILS_BUCKET", "thumbnails"),
    ("UNSUBSCRIBE_KEY", "for measuring only, not a secret"),
    ("UNSUBSCRIBE_URL", "https://example.com/unsubscribe"),
    ("VIEWS_TABLE", "views"),
    ("WELCOME_FROM", "MyBlog <hello@example.com>"),
    // The system's roots are read once: from the file, where both are set from both.
    ("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"),
];

/// The first event of each worker, below `events/`. A worker that is not listed gets an event without records.
const FIRST_EVENTS: [(&str, &str); 7] = [
    ("cache-invalidation", "posts/publish.json"),
    ("email-feedback", "ses/bounce-permanent.json"),
    ("gallery", "photo-ready/ready-1-in-an-envelope.json"),
    ("page-views", "kinesis/views-of-two-posts.json"),
    ("thumbnails", "s3/put-jpeg.json"),
    ("upload-audit", "s3/put-jpeg.json"),
    ("welcome-mail", "dynamodb/insert-english.json"),
];

/// A worker, measured.
struct Figures {
    name: String,
    bytes: u64,
    starts_ms: Vec<f64>,
    ready_rss_mib: f64,
    first_event_ms: f64,
    event_rss_mib: f64,
    first_fates: String,
}

fn main() -> Result<(), Failure> {
    let mut runs = 30;
    let mut as_json = false;
    let mut binaries = PathBuf::from("target/release");
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => as_json = true,
            "--runs" => runs = arguments.next().ok_or("--runs takes a number")?.parse()?,
            "--binaries" => {
                binaries = arguments.next().ok_or("--binaries takes a folder")?.into();
            }
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let figures = runtime.block_on(measure(&binaries, runs))?;
    let mut stdout = std::io::stdout().lock();
    if as_json {
        let rows: Vec<Value> = figures.iter().map(Figures::json).collect();
        writeln!(stdout, "{}", serde_json::to_string_pretty(&rows)?)?;
    } else {
        writeln!(
            stdout,
            "| worker | MB on disk | start to first poll, ms: median (least, most) | RSS then, MiB | first event, ms | RSS after it, MiB | its fates |"
        )?;
        writeln!(stdout, "|---|---|---|---|---|---|---|")?;
        for row in &figures {
            writeln!(stdout, "{}", row.line())?;
        }
    }
    Ok(())
}

/// Measures every worker, interleaved: a machine that is busy for a while is then busy for all of them.
async fn measure(binaries: &Path, runs: usize) -> Result<Vec<Figures>, Failure> {
    let mut figures = Vec::new();
    for name in workers()? {
        let binary = binaries.join(&name);
        let bytes = fs::metadata(&binary)
            .map_err(|error| {
                format!(
                    "{}: {error}; benches/cold-start builds it",
                    binary.display()
                )
            })?
            .len();
        figures.push(Figures {
            name,
            bytes,
            starts_ms: Vec::new(),
            ready_rss_mib: 0.0,
            first_event_ms: 0.0,
            event_rss_mib: 0.0,
            first_fates: String::new(),
        });
    }
    for run in 0..runs {
        for row in &mut figures {
            let binary = binaries.join(&row.name);
            start(&binary, row, run == 0).await?;
        }
    }
    Ok(figures)
}

/// The names of the workers: the folders with a Lambda edge.
fn workers() -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = fs::read_dir("workers")?
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("lambda").is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

async fn start(binary: &Path, row: &mut Figures, with_event: bool) -> Result<(), Failure> {
    let runtime = RuntimeStub::start().await?;
    let aws = agreeable().await?;
    let mut environment: BTreeMap<String, String> = runtime.environment();
    environment.insert("AWS_ENDPOINT_URL".to_owned(), aws.url());
    for (name, value) in ENVIRONMENT {
        environment.insert(name.to_owned(), value.to_owned());
    }
    let begin = Instant::now();
    let child = Child::spawn(binary, environment)?;
    if !runtime.ready().await {
        return Err(format!("{} did not ask for an event", row.name).into());
    }
    row.starts_ms.push(milliseconds(begin));
    if with_event {
        row.ready_rss_mib = rss_mib(child.id())?;
        let event = first_event(&row.name)?;
        let begin = Instant::now();
        let outcome = runtime.invoke(event).await;
        row.first_event_ms = milliseconds(begin);
        row.event_rss_mib = rss_mib(child.id())?;
        row.first_fates = match outcome {
            Outcome::Response(answer) => answer.to_string(),
            other => format!("{other:?}"),
        };
    }
    child.terminate()?;
    child.wait(END).await?;
    Ok(())
}

fn first_event(worker: &str) -> Result<Value, Failure> {
    let Some((_, path)) = FIRST_EVENTS.iter().find(|(name, _)| *name == worker) else {
        return Ok(json!({ "Records": [] }));
    };
    let path = Path::new("events").join(path);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

/// An AWS that holds one photo under every key of the uploads, nothing elsewhere, and takes whatever it is given.
async fn agreeable() -> Result<Canned, Failure> {
    let photo = fixtures::photo(1_600, 1_200, 1);
    let photo = fixtures::encode::jpeg(&photo, &JpegOptions::default());
    let aws = Canned::start().await?;
    aws.on(
        |request: &Received| request.method == "GET" && request.path.starts_with("/myblog-uploads"),
        [Answer::status(200)
            .header("content-type", "image/jpeg")
            .header("etag", "\"0\"")
            .body(photo)],
    );
    aws.on(
        |request: &Received| request.method == "GET",
        [Answer::status(404)
            .header("content-type", "application/xml")
            .body("<Error><Code>NoSuchKey</Code><Message>nothing</Message></Error>")],
    );
    aws.on(
        |request: &Received| request.path.ends_with("/outbound-emails"),
        [Answer::status(200)
            .header("content-type", "application/json")
            .body(json!({ "MessageId": "message-1" }).to_string())],
    );
    aws.on(
        |request: &Received| request.path.contains("/invalidation"),
        [Answer::status(201)
            .header("content-type", "application/xml")
            .body("<Invalidation><Id>I1</Id><Status>InProgress</Status></Invalidation>")],
    );
    aws.on(
        |request: &Received| request.path == "/" && request.operation().is_empty(),
        [Answer::status(200)
            .header("content-type", "text/xml")
            .body("<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>")],
    );
    aws.always(
        Answer::status(200)
            .header("etag", "\"1\"")
            .header("content-type", "application/x-amz-json-1.0")
            .body("{}"),
    );
    Ok(aws)
}

/// The resident memory of a process: `VmRSS` of proc(5), which Linux alone has.
fn rss_mib(process: Option<u32>) -> Result<f64, Failure> {
    let process = process.ok_or("the worker has ended")?;
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next())
        .ok_or("no VmRSS in /proc")?
        .parse()?;
    Ok(kib / 1_024.0)
}

fn milliseconds(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1_000.0
}

impl Figures {
    /// Least, median and most.
    fn starts(&self) -> (f64, f64, f64) {
        let mut sorted = self.starts_ms.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        (
            at(0),
            at(sorted.len() / 2),
            at(sorted.len().saturating_sub(1)),
        )
    }

    /// Megabytes of 1,000,000 bytes.
    fn megabytes(&self) -> f64 {
        // Binaries are far below the 2^52 bytes that a double counts exactly.
        #[expect(
            clippy::cast_precision_loss,
            reason = "a file size, shown with one decimal"
        )]
        let bytes = self.bytes as f64;
        bytes / 1e6
    }

    fn line(&self) -> String {
        let (least, median, most) = self.starts();
        format!(
            "| {} | {:.1} | {median:.1} ({least:.1}, {most:.1}) | {:.1} | {:.1} | {:.1} | `{}` |",
            self.name,
            self.megabytes(),
            self.ready_rss_mib,
            self.first_event_ms,
            self.event_rss_mib,
            self.first_fates,
        )
    }

    fn json(&self) -> Value {
        let (least, median, most) = self.starts();
        json!({
            "worker": self.name,
            "bytes": self.bytes,
            "start_ms": { "least": least, "median": median, "most": most, "runs": self.starts_ms.len() },
            "ready_rss_mib": self.ready_rss_mib,
            "first_event_ms": self.first_event_ms,
            "event_rss_mib": self.event_rss_mib,
        })
    }
}
