//! The binary as Lambda runs it, with canned answers of DynamoDB.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use runtime_stub::canned::{Answer, Canned, Received};
use runtime_stub::{Child, Outcome, RuntimeStub};
use serde_json::{Value, json};

/// Bounds a hang; nothing is measured by it.
const LIMIT: Duration = Duration::from_secs(30);

/// DynamoDB, where no photo is known, and the one called `denied.jpg` may not be looked at.
async fn aws() -> Canned {
    let aws = Canned::start().await.unwrap();
    let json = |status| Answer::status(status).header("content-type", "application/x-amz-json-1.0");
    let denied = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#AccessDeniedException", "message": "no",
    });
    aws.on(
        |request| body(request)["Key"]["photo"]["S"] == "uploads/ana/denied.jpg",
        [json(400).body(denied.to_string())],
    );
    aws.always(json(200).body("{}"));
    aws
}

fn body(request: &Received) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_default()
}

fn environment(lambda: &RuntimeStub, aws: &Canned) -> BTreeMap<String, String> {
    let own = [
        ("AWS_ENDPOINT_URL", aws.url()),
        ("CATALOGUE_TABLE", "catalogue".to_owned()),
        ("REJECTIONS_TABLE", "rejections".to_owned()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    lambda.environment().into_iter().chain(own).collect()
}

fn worker(environment: &BTreeMap<String, String>) -> Child {
    Child::spawn(env!("CARGO_BIN_EXE_gallery"), environment).unwrap()
}

fn message(number: u32, body: &str) -> Value {
    json!({
        "eventSource": "aws:sqs", "messageId": number.to_string(), "receiptHandle": "secret", "body": body,
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:gallery",
    })
}

/// An event in SNS's envelope.
fn told(name: &str, key: &str) -> String {
    let event = json!({
        "event": name, "version": 1, "bucket": "uploads", "key": key, "sourceVersion": "v1",
        "sequencer": "0A", "revision": 1, "time": "2026-03-14T09:26:53.589Z",
        "thumbnailsBucket": "thumbs", "manifestKey": "manifests/uploads/a.json",
        "manifest": {
            "source": { "width": 40, "height": 30, "bytes": 5, "type": "image/jpeg" },
            "thumbhash": "hash", "srcset": "/a 128w", "picture": [{ "type": "image/jpeg", "srcset": "/a 128w" }],
        },
    });
    json!({
        "Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:000000000000:photo-ready",
        "Message": event.to_string(),
    })
    .to_string()
}

#[tokio::test]
async fn a_photo_is_listed_a_removed_one_is_not_and_one_failure_comes_back_alone() {
    let (lambda, aws) = (RuntimeStub::start().await.unwrap(), aws().await);
    let child = worker(&environment(&lambda, &aws));
    let event = json!({ "Records": [
        message(1, &told("photo-ready", "ana/cat.jpg")),
        message(2, "poison"),
        message(3, &told("photo-ready", "ana/denied.jpg")),
        message(4, &told("photo-removed", "ana/dog.jpg")),
    ]});
    let outcome = lambda.invoke(event).await;
    let failures = json!({ "batchItemFailures": [{ "itemIdentifier": "3" }] });
    assert_eq!(outcome, Outcome::Response(failures));

    let received = aws.received();
    let puts: Vec<Value> = received
        .iter()
        .filter(|request| request.operation() == "PutItem")
        .map(body)
        .collect();
    let put_of = |table: &str, part: &str| -> &Value {
        puts.iter()
            .find(|put| put["TableName"] == table && put["Item"].to_string().contains(part))
            .unwrap()
    };
    assert_eq!(puts.len(), 3, "{puts:?}");

    let listed = put_of("catalogue", "cat.jpg");
    assert_eq!(
        listed["Item"]["photo"],
        json!({ "S": "uploads/ana/cat.jpg" })
    );
    assert_eq!(listed["Item"]["owner"], json!({ "S": "ana" }));
    assert_eq!(
        listed["Item"]["uploadedAt"],
        json!({ "S": "2026-03-14T09:26:53.589Z" })
    );
    assert_eq!(listed["Item"]["width"], json!({ "N": "40" }));
    assert_eq!(
        listed["Item"]["picture"]["L"][0]["M"]["type"],
        json!({ "S": "image/jpeg" })
    );
    assert_eq!(listed["ConditionExpression"], "attribute_not_exists(#n0)");

    let removed = put_of("catalogue", "dog.jpg");
    assert!(removed["Item"]["expires_at"]["N"].is_string(), "{removed}");
    assert_eq!(removed["Item"]["owner"], Value::Null);

    let kept = put_of("rejections", "not-a-photo-event");
    assert!(!kept.to_string().contains("secret"), "{kept}");

    for get in received
        .iter()
        .filter(|request| request.operation() == "GetItem")
    {
        assert_eq!(body(get)["ConsistentRead"], true);
    }
    child.terminate().unwrap();
    let exit = child.wait(LIMIT).await.unwrap();
    assert!(exit.status.success(), "{exit:?}");
}

#[tokio::test]
async fn a_wrong_environment_is_an_init_error_that_names_the_variable() {
    let (lambda, aws) = (RuntimeStub::start().await.unwrap(), aws().await);
    let mut environment = environment(&lambda, &aws);
    environment.remove("CATALOGUE_TABLE");
    let exit = worker(&environment).wait(LIMIT).await.unwrap();
    assert_eq!(exit.status.code(), Some(1));
    let [error] = &lambda.init_errors()[..] else {
        panic!("Lambda was told once: {:?}", lambda.init_errors());
    };
    assert!(error.message.contains("CATALOGUE_TABLE"), "{error:?}");
}
