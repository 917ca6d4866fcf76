//! The binary as Lambda runs it, with canned answers of CloudFront and DynamoDB.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use runtime_stub::canned::{Answer, Canned, Received};
use runtime_stub::{Child, Outcome, RuntimeStub};
use serde_json::{Value, json};

/// Bounds a hang; nothing is measured by it.
const LIMIT: Duration = Duration::from_secs(30);

const INVALIDATION: &str = "<Invalidation xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
    <Id>I1EXAMPLE</Id><Status>InProgress</Status><CreateTime>2026-03-14T09:26:53.589Z</CreateTime>\
    <InvalidationBatch><Paths><Quantity>0</Quantity></Paths><CallerReference>abc</CallerReference>\
    </InvalidationBatch></Invalidation>";

fn is_invalidation(request: &Received) -> bool {
    request.path == "/2020-05-31/distribution/E1EXAMPLE/invalidation"
}

/// AWS, where CloudFront answers this to everything and every put succeeds.
async fn aws(cloudfront: Answer) -> Canned {
    let aws = Canned::start().await.unwrap();
    aws.on(is_invalidation, [cloudfront]);
    aws.on(
        |request| request.operation() == "PutItem",
        [Answer::status(200)
            .header("content-type", "application/x-amz-json-1.0")
            .body("{}")],
    );
    aws
}

fn taken() -> Answer {
    Answer::status(201)
        .header("content-type", "text/xml")
        .body(INVALIDATION)
}

fn environment(lambda: &RuntimeStub, aws: &Canned) -> BTreeMap<String, String> {
    let own = [
        ("AWS_ENDPOINT_URL", aws.url()),
        ("AWS_MAX_ATTEMPTS", "1".to_owned()),
        ("DISTRIBUTION_ID", "E1EXAMPLE".to_owned()),
        ("REJECTIONS_TABLE", "rejections".to_owned()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    lambda.environment().into_iter().chain(own).collect()
}

fn worker(environment: &BTreeMap<String, String>) -> Child {
    Child::spawn(env!("CARGO_BIN_EXE_cache-invalidation"), environment).unwrap()
}

/// A post is published; or, without a slug, something that is none.
fn published(number: u32, slug: Option<&str>) -> Value {
    let image = slug.map_or(
        json!({ "id": { "S": "1" } }),
        |slug| json!({ "slug": { "S": slug } }),
    );
    json!({
        "eventID": format!("event-{number}"), "eventName": "INSERT", "eventSource": "aws:dynamodb",
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/posts/stream/1",
        "dynamodb": { "Keys": image, "NewImage": image, "SequenceNumber": number.to_string() },
    })
}

#[tokio::test]
async fn a_batch_is_one_invalidation_and_what_is_no_post_is_kept() {
    let (lambda, aws) = (RuntimeStub::start().await.unwrap(), aws(taken()).await);
    let child = worker(&environment(&lambda, &aws));
    let records = [
        published(1, Some("a")),
        published(2, None),
        published(3, Some("b")),
    ];
    let outcome = lambda.invoke(json!({ "Records": records })).await;
    assert_eq!(
        outcome,
        Outcome::Response(json!({ "batchItemFailures": [] }))
    );
    let [invalidation, kept] = &aws.received()[..] else {
        panic!("{:?}", aws.received());
    };
    assert!(is_invalidation(invalidation));
    let asked = std::str::from_utf8(&invalidation.body).unwrap();
    assert!(
        asked.contains("<Path>/posts/a</Path>") && asked.contains("<Path>/posts/b</Path>"),
        "{asked}"
    );
    let kept: Value = serde_json::from_slice(&kept.body).unwrap();
    assert_eq!(kept["TableName"], "rejections");
    assert_eq!(kept["Item"]["kind"], json!({ "S": "invalid-post" }));

    child.terminate().unwrap();
    let exit = child.wait(LIMIT).await.unwrap();
    assert!(exit.status.success(), "{exit:?}");
    let lines = exit.json_lines().unwrap();
    let metrics = lines.iter().find(|line| line["_aws"].is_object()).unwrap();
    assert_eq!(
        (&metrics["Invalidations"], &metrics["Done"]),
        (&json!(1.0), &json!(2))
    );
}

#[tokio::test]
async fn a_cache_that_cannot_is_the_checkpoint_of_the_batch() {
    let (lambda, aws) = (
        RuntimeStub::start().await.unwrap(),
        aws(Answer::status(503)).await,
    );
    let _child = worker(&environment(&lambda, &aws));
    let records = [
        published(1, None),
        published(2, Some("a")),
        published(3, Some("b")),
    ];
    let outcome = lambda.invoke(json!({ "Records": records })).await;
    let failures = json!({ "batchItemFailures": [{ "itemIdentifier": "2" }] });
    assert_eq!(outcome, Outcome::Response(failures));
}

#[tokio::test]
async fn a_wrong_environment_never_starts() {
    for missing in ["DISTRIBUTION_ID", "REJECTIONS_TABLE"] {
        let (lambda, aws) = (RuntimeStub::start().await.unwrap(), aws(taken()).await);
        let mut environment = environment(&lambda, &aws);
        environment.remove(missing);
        let exit = worker(&environment).wait(LIMIT).await.unwrap();
        assert!(!exit.status.success(), "{exit:?}");
        let [failure] = &lambda.init_errors()[..] else {
            panic!("{:?}", lambda.init_errors());
        };
        assert!(failure.message.contains(missing), "{failure:?}");
    }
}
