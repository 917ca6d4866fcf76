//! The binary as Lambda runs it, with canned answers of S3.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use runtime_stub::canned::{Answer, Canned, Received};
use runtime_stub::{Child, Outcome, RuntimeStub};
use serde_json::{Value, json};

/// Bounds a hang; nothing is measured by it.
const LIMIT: Duration = Duration::from_secs(30);

fn error(status: u16, code: &str) -> Answer {
    Answer::status(status)
        .header("content-type", "application/xml")
        .body(format!("<Error><Code>{code}</Code></Error>"))
}

fn tells_of(request: &Received, key: &str) -> bool {
    body(request)["key"] == key
}

/// S3, where `old.jpg` has its line and lines of `busy.jpg` cannot be written now.
async fn s3() -> Canned {
    let s3 = Canned::start().await.unwrap();
    s3.on(
        |request| tells_of(request, "old.jpg"),
        [error(412, "PreconditionFailed")],
    );
    s3.on(
        |request| tells_of(request, "busy.jpg"),
        [error(403, "AccessDenied")],
    );
    s3.always(Answer::status(200).header("etag", "\"e\""));
    s3
}

/// The JSON in a request; the SDK may wrap the bytes for their checksum.
fn body(request: &Received) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_default()
}

fn environment(lambda: &RuntimeStub, s3: &Canned) -> BTreeMap<String, String> {
    let own = [
        ("AWS_ENDPOINT_URL", s3.url()),
        ("AUDIT_BUCKET", "audit".to_owned()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    lambda.environment().into_iter().chain(own).collect()
}

fn worker(environment: &BTreeMap<String, String>) -> Child {
    Child::spawn(env!("CARGO_BIN_EXE_upload-audit"), environment).unwrap()
}

fn message(id: &str, body: &str) -> Value {
    json!({"eventSource": "aws:sqs", "messageId": id, "receiptHandle": "handle", "body": body})
}

fn created(key: &str) -> String {
    let notice = json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": "2026-03-14T09:26:53.589Z",
        "eventName": "ObjectCreated:Put",
        "requestParameters": { "sourceIPAddress": "192.0.2.17" },
        "s3": {
            "bucket": { "name": "uploads" },
            "object": { "key": key, "size": 1_000, "sequencer": "0A1B2C3D4E5F678901" },
        },
    }] });
    notice.to_string()
}

#[tokio::test]
async fn a_batch_becomes_lines_written_where_none_stands() {
    let (lambda, s3) = (RuntimeStub::start().await.unwrap(), s3().await);
    let child = worker(&environment(&lambda, &s3));
    let event = json!({"Records": [
        message("1", &created("new.jpg")),
        message("2", &created("old.jpg")),
        message("3", "poison"),
        message("4", &created("busy.jpg")),
    ]});
    let outcome = lambda.invoke(event).await;
    let failures = json!({"batchItemFailures": [{"itemIdentifier": "4"}]});
    assert_eq!(outcome, Outcome::Response(failures));

    let received = s3.received();
    assert_eq!(received.len(), 4, "{received:?}");
    for request in &received {
        assert_eq!(request.method, "PUT");
        assert_eq!(request.header("if-none-match"), "*");
    }
    let line = received
        .iter()
        .find(|request| tells_of(request, "new.jpg"))
        .unwrap();
    let hour = "/audit/uploads/year%3D2026/month%3D03/day%3D14/hour%3D09/";
    assert!(line.path.starts_with(hour), "{}", line.path);
    assert_eq!(body(line)["source_address"], "192.0.2.0/24");

    child.terminate().unwrap();
    let exit = child.wait(LIMIT).await.unwrap();
    assert!(exit.status.success(), "{exit:?}");
    let lines = exit.json_lines().unwrap();
    let metrics = lines.iter().find(|line| line["_aws"].is_object()).unwrap();
    assert_eq!(metrics["ChangesRecorded"], json!(1.0));
    let output = exit.lines.concat() + &exit.errors;
    assert!(!output.contains("192.0.2"), "an address is in {output}");
}

#[tokio::test]
async fn without_a_bucket_it_never_starts() {
    let (lambda, s3) = (RuntimeStub::start().await.unwrap(), s3().await);
    let mut environment = environment(&lambda, &s3);
    environment.remove("AUDIT_BUCKET");
    let exit = worker(&environment).wait(LIMIT).await.unwrap();
    assert!(!exit.status.success(), "{exit:?}");
    let [failure] = &lambda.init_errors()[..] else {
        panic!("{:?}", lambda.init_errors());
    };
    assert!(failure.message.contains("AUDIT_BUCKET"), "{failure:?}");
    assert_eq!(s3.received(), []);
}
