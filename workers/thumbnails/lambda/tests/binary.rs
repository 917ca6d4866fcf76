//! The worker's binary, as Lambda runs it: against a Runtime API endpoint and an S3 server on loopback.

#![expect(
    clippy::unwrap_used,
    reason = "a failed set-up of a test is a failed test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use fixtures::encode::JpegOptions;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response, body::Incoming};
use runtime_stub::canned::{Answer, Canned};
use runtime_stub::{Child, Exit, Loopback, Outcome, RuntimeStub};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;

/// More than any of the tests takes; what hangs fails after it.
const LIMIT: Duration = Duration::from_mins(1);

const UPLOADS: &str = "uploads";
const THUMBNAILS: &str = "thumbnails";

/// A bucket whose every read and write is throttled.
const BUSY: &str = "busy";

/// The worker's process between its two services.
struct World {
    runtime: RuntimeStub,
    store: TempDir,
    /// Serves as long as it lives.
    _s3: Loopback,
    worker: Child,
}

impl World {
    async fn start() -> Self {
        Self::around(RuntimeStub::start().await.unwrap()).await
    }

    async fn around(runtime: RuntimeStub) -> Self {
        Self::with(runtime, &[]).await
    }

    /// With these variables too.
    async fn with(runtime: RuntimeStub, variables: &[(&str, &str)]) -> Self {
        let store = tempfile::tempdir().unwrap();
        for bucket in [UPLOADS, THUMBNAILS] {
            fs::create_dir(store.path().join(bucket)).unwrap();
        }
        let s3 = s3(store.path()).await;
        let mut environment = environment(&runtime);
        environment.insert("AWS_ENDPOINT_URL".to_owned(), s3.url());
        for (name, value) in variables {
            environment.insert((*name).to_owned(), (*value).to_owned());
        }
        let worker = Child::spawn(env!("CARGO_BIN_EXE_thumbnails"), environment).unwrap();
        Self {
            runtime,
            store,
            _s3: s3,
            worker,
        }
    }

    /// Puts a photo into the uploads bucket, behind the worker's back.
    fn upload(&self, key: &str) {
        let photo = fixtures::photo(64, 48, 1);
        let bytes = fixtures::encode::jpeg(&photo, &JpegOptions::default());
        fs::write(self.store.path().join(UPLOADS).join(key), bytes).unwrap();
    }

    /// The keys in the thumbnails bucket.
    fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        collect(&self.store.path().join(THUMBNAILS), "", &mut keys);
        keys.sort_unstable();
        keys
    }

    /// Ends the worker as Lambda does.
    async fn end(self) -> Exit {
        self.worker.terminate().unwrap();
        self.worker.wait(LIMIT).await.unwrap()
    }
}

fn collect(directory: &Path, prefix: &str, keys: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let key = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{key}/"), keys);
        } else {
            keys.push(key);
        }
    }
}

/// S3 over a directory; requests for the busy bucket are refused before they reach it.
async fn s3(directory: &Path) -> Loopback {
    let files = s3s_fs::FileSystem::new(directory).unwrap();
    let mut s3 = S3ServiceBuilder::new(files);
    s3.set_auth(SimpleAuth::from_single("test", "test"));
    let s3 = s3.build();
    let service = service_fn(move |request: Request<Incoming>| {
        let busy = request.uri().path().starts_with(&format!("/{BUSY}/"));
        let answer = Service::call(&s3, request);
        async move {
            if busy {
                let error =
                    "<Error><Code>SlowDown</Code><Message>reduce your rate</Message></Error>";
                let mut response = Response::new(s3s::Body::from(error.to_owned()));
                *response.status_mut() = hyper::StatusCode::SERVICE_UNAVAILABLE;
                return Ok(response);
            }
            answer.await
        }
    });
    Loopback::serve(service).await.unwrap()
}

fn environment(runtime: &RuntimeStub) -> BTreeMap<String, String> {
    let mut environment = runtime.environment();
    for (name, value) in [("THUMBNAILS_BUCKET", THUMBNAILS), ("THUMBNAIL_SIZES", "32")] {
        environment.insert(name.to_owned(), value.to_owned());
    }
    environment
}

/// An S3 notification of one new object.
fn created(bucket: &str, key: &str) -> Value {
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": "2026-01-02T03:04:05.678Z",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": { "name": bucket },
            "object": { "key": key, "size": 1_000, "sequencer": "0A1B2C3D4E5F678901" },
        },
    }] })
}

/// A batch of SQS messages, named 1, 2, 3, ...
fn batch(bodies: impl IntoIterator<Item = String>) -> Value {
    let records: Vec<Value> = bodies
        .into_iter()
        .zip(1..)
        .map(|(body, number)| {
            json!({
                "messageId": number.to_string(),
                "receiptHandle": "handle",
                "body": body,
                "attributes": { "ApproximateReceiveCount": "1" },
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:uploads",
            })
        })
        .collect();
    json!({ "Records": records })
}

fn failures(ids: &[&str]) -> Outcome {
    let failures: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "itemIdentifier": id }))
        .collect();
    Outcome::Response(json!({ "batchItemFailures": failures }))
}

/// The log lines of the records, as `fate/kind`.
fn fates(lines: &[Value]) -> Vec<String> {
    lines
        .iter()
        .filter_map(|line| {
            let (fate, kind) = (line["fate"].as_str()?, line["kind"].as_str()?);
            Some(format!("{fate}/{kind}"))
        })
        .collect()
}

#[tokio::test]
async fn photos_become_thumbnails_and_what_never_will_is_kept() {
    let world = World::start().await;
    world.upload("good.jpg");
    let event = batch([
        created(UPLOADS, "good.jpg").to_string(),
        "poison".to_owned(),
        created(UPLOADS, "missing.jpg").to_string(),
    ]);
    assert_eq!(world.runtime.invoke(event).await, failures(&[]));

    let keys = world.keys();
    let under = |prefix: &str| {
        let keys = keys.iter().filter(|key| key.starts_with(prefix));
        keys.cloned().collect::<Vec<_>>()
    };
    let [thumbnail] = &under("thumbnails/uploads/good.jpg/")[..] else {
        panic!("one size was asked for: {keys:?}");
    };
    let bytes = fs::read(world.store.path().join(THUMBNAILS).join(thumbnail)).unwrap();
    assert!(bytes.starts_with(&[0xff, 0xd8, 0xff]));
    assert_eq!(under("manifests/"), ["manifests/uploads/good.jpg.json"]);
    let rejected = under("rejected/thumbnails/");
    let kinds: Vec<Value> = rejected
        .iter()
        .map(|key| {
            let bytes = fs::read(world.store.path().join(THUMBNAILS).join(key)).unwrap();
            let kept: Value = serde_json::from_slice(&bytes).unwrap();
            kept["kind"].clone()
        })
        .collect();
    assert_eq!(kinds.len(), 2, "{kinds:?}");
    assert!(kinds.contains(&json!("gone")), "{kinds:?}");

    let lines = world.end().await.json_lines().unwrap();
    let fates = fates(&lines);
    assert_eq!(fates[0], "done/applied");
    assert!(fates[1].starts_with("rejected/"), "{fates:?}");
    assert_eq!(fates[2], "rejected/gone");
}

#[tokio::test]
async fn a_photo_that_is_ready_is_told_to_the_topic_and_not_again() {
    let sns = Canned::start().await.unwrap();
    let published = "<PublishResponse><PublishResult/></PublishResponse>";
    sns.always(Answer::status(200).body(published));
    let topic = "arn:aws:sns:us-east-1:000000000000:photo-ready";
    let variables = [
        ("PHOTO_READY_TOPIC", topic),
        ("AWS_ENDPOINT_URL_SNS", &sns.url()),
    ];
    let world = World::with(RuntimeStub::start().await.unwrap(), &variables).await;
    world.upload("good.jpg");
    for _ in 0..2 {
        let event = batch([created(UPLOADS, "good.jpg").to_string()]);
        assert_eq!(world.runtime.invoke(event).await, failures(&[]));
    }
    let lines = world.end().await.json_lines().unwrap();
    assert_eq!(fates(&lines), ["done/applied", "done/duplicate"]);
    let [published] = &sns.received()[..] else {
        panic!("it was told once: {:?}", sns.received());
    };
    let body = String::from_utf8_lossy(&published.body).into_owned();
    assert!(body.contains("photo-ready"), "{body}");
}

#[tokio::test]
async fn every_log_line_of_a_call_carries_its_request_and_its_trace() {
    let world = World::start().await;
    let event = batch(["poison".to_owned()]);
    world.runtime.invoke(event).await;
    let lines = world.end().await.json_lines().unwrap();

    let records: Vec<&Value> = lines
        .iter()
        .filter(|line| line["fate"].is_string())
        .collect();
    assert_eq!(records.len(), 1, "{lines:?}");
    for line in records {
        assert_eq!(line["span"]["worker"], "thumbnails");
        assert_eq!(line["span"]["request_id"], RuntimeStub::request_id(1));
        assert_eq!(line["span"]["trace_id"], RuntimeStub::TRACE_ID);
    }
    let metrics: Vec<&Value> = lines
        .iter()
        .filter(|line| line["_aws"].is_object())
        .collect();
    assert_eq!(metrics.len(), 1, "{lines:?}");
    assert_eq!(metrics[0]["Rejected"], 1);
    assert_eq!(
        metrics[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"],
        "Flotilla"
    );
}

#[tokio::test]
async fn a_partial_failure_names_just_the_messages_to_deliver_again() {
    let world = World::start().await;
    world.upload("good.jpg");
    let event = batch([
        created(BUSY, "a.jpg").to_string(),
        created(UPLOADS, "good.jpg").to_string(),
        created(BUSY, "b.jpg").to_string(),
    ]);
    let outcome = world.runtime.invoke(event).await;
    assert_eq!(outcome, failures(&["1", "3"]));
    let lines = world.end().await.json_lines().unwrap();
    assert_eq!(
        fates(&lines),
        ["retry/throttled", "done/applied", "retry/throttled"]
    );
}

#[tokio::test]
async fn an_asynchronous_event_that_fails_is_an_error_of_the_call() {
    let world = World::start().await;
    let outcome = world.runtime.invoke(created(BUSY, "a.jpg")).await;
    let Outcome::Error {
        error_type,
        message,
    } = outcome
    else {
        panic!("the event is lost: {outcome:?}");
    };
    assert_eq!(error_type, "Unfinished");
    assert_eq!(
        message,
        "1 of 1 records are to be retried: requests for s3://busy/a.jpg are throttled: 503 SlowDown: reduce your rate"
    );
    // The next call finds the worker in good health.
    world.upload("good.jpg");
    let outcome = world.runtime.invoke(created(UPLOADS, "good.jpg")).await;
    let done = json!({ "records": 1, "done": 1, "rejected": 0 });
    assert_eq!(outcome, Outcome::Response(done));
}

#[tokio::test]
async fn an_event_of_any_shape_is_answered() {
    let world = World::start().await;
    for event in [
        Value::Null,
        json!([]),
        json!("text"),
        json!({ "Records": 1 }),
    ] {
        let outcome = world.runtime.invoke(event.clone()).await;
        assert!(
            matches!(outcome, Outcome::Response(_)),
            "{event}: {outcome:?}"
        );
    }
    assert!(world.end().await.status.success());
}

#[tokio::test]
async fn a_wrong_environment_is_an_init_error_that_names_the_variable() {
    let runtime = RuntimeStub::start().await.unwrap();
    let mut environment = environment(&runtime);
    environment.insert("THUMBNAIL_SIZES".to_owned(), "huge".to_owned());
    let worker = Child::spawn(env!("CARGO_BIN_EXE_thumbnails"), environment).unwrap();
    let exit = worker.wait(LIMIT).await.unwrap();
    assert_eq!(exit.status.code(), Some(1));
    let [line] = &exit.json_lines().unwrap()[..] else {
        panic!("one line says it: {:?}", exit.lines);
    };
    assert_eq!(line["level"], "ERROR");
    let message = line["message"].as_str().unwrap();
    assert!(message.contains("THUMBNAIL_SIZES"), "{message}");
    let [error] = &runtime.init_errors()[..] else {
        panic!("Lambda was told once: {:?}", runtime.init_errors());
    };
    assert_eq!(error.error_type, "InitError");
    assert!(error.message.contains("THUMBNAIL_SIZES"), "{error:?}");
}

#[tokio::test]
async fn outside_of_lambda_the_worker_says_so() {
    let worker = Child::spawn(env!("CARGO_BIN_EXE_thumbnails"), [("A", "b")]).unwrap();
    let exit = worker.wait(LIMIT).await.unwrap();
    assert_eq!(exit.status.code(), Some(1));
    let lines = exit.json_lines().unwrap();
    assert_eq!(lines[0]["message"], "this program is started by AWS Lambda");
    assert_eq!(exit.errors, "");
}

#[tokio::test]
async fn the_worker_ends_by_itself_when_lambda_says_so() {
    let world = World::start().await;
    assert!(world.runtime.ready().await);
    assert_eq!(world.runtime.extensions(), ["fleet-shutdown"]);
    let exit = world.end().await;
    assert!(exit.status.success(), "{exit:?}");
    let lines = exit.json_lines().unwrap();
    assert_eq!(lines.last().unwrap()["message"], "shutting down");
    assert_eq!(exit.errors, "");
}

#[tokio::test]
async fn the_worker_runs_where_there_is_no_extensions_api() {
    let runtime = RuntimeStub::start_without_extensions().await.unwrap();
    let world = World::around(runtime).await;
    world.upload("good.jpg");
    let outcome = world.runtime.invoke(created(UPLOADS, "good.jpg")).await;
    assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
    assert!(world.end().await.status.success());
}
