//! The binary as Lambda runs it, with canned answers of DynamoDB.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use runtime_stub::canned::{Answer, Canned, Received};
use runtime_stub::{Child, Outcome, RuntimeStub};
use serde_json::{Value, json};

/// Bounds a hang; nothing is measured by it.
const LIMIT: Duration = Duration::from_secs(30);

/// SHA-256 of ann@example.com.
const ANN: &str = "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476";

/// DynamoDB, where nothing is known of any address, the claim is unknown, and one table denies access.
async fn aws() -> Canned {
    let aws = Canned::start().await.unwrap();
    let json = |status| Answer::status(status).header("content-type", "application/x-amz-json-1.0");
    let code = |name: &str| format!("com.amazonaws.dynamodb.v20120810#{name}");
    let denied = json!({ "__type": code("AccessDeniedException"), "message": "no" });
    aws.on(
        |request| body(request)["TableName"] == "denied",
        [json(400).body(denied.to_string())],
    );
    let stands = json!({
        "__type": code("ConditionalCheckFailedException"),
        "message": "The conditional request failed",
        "Item": {
            "claim": {"S": "welcome-1"}, "state": {"S": "unknown"}, "owner": {"S": "sender"},
            "until_ms": {"N": "1"}, "attempts": {"N": "1"}, "revision": {"N": "2"},
            "expires_at": {"N": "3"},
        },
    });
    aws.on(
        |request| {
            body(request)["ConditionExpression"] == "attribute_not_exists(#claim)"
                && body(request)["TableName"] == "claims"
        },
        [json(400).body(stands.to_string())],
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
        ("ADDRESSES_TABLE", "addresses".to_owned()),
        ("CLAIMS_TABLE", "claims".to_owned()),
        ("REJECTIONS_TABLE", "rejections".to_owned()),
        ("SUBSCRIBERS_TABLE", "subscribers".to_owned()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    lambda.environment().into_iter().chain(own).collect()
}

fn worker(environment: &BTreeMap<String, String>) -> Child {
    Child::spawn(env!("CARGO_BIN_EXE_email-feedback"), environment).unwrap()
}

fn message(number: u32, body: &str) -> Value {
    json!({
        "eventSource": "aws:sqs", "messageId": number.to_string(), "receiptHandle": "secret", "body": body,
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:email-feedback",
    })
}

/// A bounce in SNS's envelope.
fn bounced() -> String {
    let notice = json!({
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Permanent", "bounceSubType": "General", "timestamp": "2026-03-14T09:00:05.000Z",
            "bouncedRecipients": [{ "emailAddress": "ann@example.com" }],
        },
        "mail": {
            "timestamp": "2026-03-14T09:00:00.000Z", "messageId": "message-1",
            "destination": ["ann@example.com"], "tags": { "idempotency-key": ["welcome-1"] },
        },
    });
    json!({
        "Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:000000000000:mail-feedback",
        "Message": notice.to_string(),
    })
    .to_string()
}

#[tokio::test]
async fn a_bounce_suppresses_marks_the_row_and_settles_the_claim() {
    let (lambda, aws) = (RuntimeStub::start().await.unwrap(), aws().await);
    let child = worker(&environment(&lambda, &aws));
    let event = json!({ "Records": [message(1, &bounced()), message(2, "poison")] });
    let outcome = lambda.invoke(event).await;
    assert_eq!(
        outcome,
        Outcome::Response(json!({ "batchItemFailures": [] }))
    );

    let received = aws.received();
    let of = |table: &str| -> Vec<(&str, Value)> {
        received
            .iter()
            .filter(|request| body(request)["TableName"] == table)
            .map(|request| (request.operation(), body(request)))
            .collect()
    };
    let [(look, looked), (note, noted)] = &of("addresses")[..] else {
        panic!("{received:?}");
    };
    assert_eq!((*look, *note), ("GetItem", "UpdateItem"));
    assert_eq!(looked["Key"], json!({ "address": { "S": ANN } }));
    assert_eq!(looked["ConsistentRead"], true);
    assert_eq!(noted["Key"], looked["Key"]);
    let values: Vec<&Value> = noted["ExpressionAttributeValues"]
        .as_object()
        .unwrap()
        .values()
        .collect();
    assert!(values.contains(&&json!({ "BOOL": true })), "{noted}");
    assert!(values.contains(&&json!({ "S": "message-1" })), "{noted}");

    let [(mark, marked)] = &of("subscribers")[..] else {
        panic!("{received:?}");
    };
    assert_eq!(*mark, "UpdateItem");
    assert_eq!(marked["Key"], json!({ "id": { "S": ANN } }));

    let [_, (replace, replaced)] = &of("claims")[..] else {
        panic!("{received:?}");
    };
    assert_eq!(*replace, "PutItem");
    assert_eq!(replaced["Item"]["state"], json!({ "S": "done" }));
    assert_eq!(replaced["Item"]["receipt"], json!({ "S": "message-1" }));
    assert_eq!(replaced["Item"]["owner"], json!({ "S": "sender" }));

    let [(_, kept)] = &of("rejections")[..] else {
        panic!("{received:?}");
    };
    assert_eq!(kept["Item"]["kind"], json!({ "S": "not-feedback" }));
    assert!(!kept.to_string().contains("secret"), "{kept}");

    child.terminate().unwrap();
    let exit = child.wait(LIMIT).await.unwrap();
    assert!(exit.status.success(), "{exit:?}");
    let lines = exit.json_lines().unwrap();
    let metrics = lines.iter().find(|line| line["_aws"].is_object()).unwrap();
    assert_eq!(metrics["AddressesSuppressed"], 1.0);
    assert_eq!(metrics["ClaimsSettled"], 1.0);
    let output = exit.lines.concat() + &exit.errors;
    assert!(!output.contains("example.com"), "{output}");
}

#[tokio::test]
async fn a_table_that_denies_access_is_a_failure_of_its_message_alone() {
    let (lambda, aws) = (RuntimeStub::start().await.unwrap(), aws().await);
    let mut environment = environment(&lambda, &aws);
    environment.insert("ADDRESSES_TABLE".to_owned(), "denied".to_owned());
    let _child = worker(&environment);
    let event = json!({ "Records": [message(1, "poison"), message(2, &bounced())] });
    let failures = json!({ "batchItemFailures": [{ "itemIdentifier": "2" }] });
    assert_eq!(lambda.invoke(event).await, Outcome::Response(failures));
}

#[tokio::test]
async fn a_wrong_environment_never_starts() {
    for (name, value) in [("ADDRESSES_TABLE", ""), ("TRANSIENT_LIMIT", "1")] {
        let (lambda, aws) = (RuntimeStub::start().await.unwrap(), aws().await);
        let mut environment = environment(&lambda, &aws);
        environment.insert(name.to_owned(), value.to_owned());
        let exit = worker(&environment).wait(LIMIT).await.unwrap();
        assert!(!exit.status.success(), "{exit:?}");
        let [failure] = &lambda.init_errors()[..] else {
            panic!("{:?}", lambda.init_errors());
        };
        assert!(failure.message.contains(name), "{failure:?}");
    }
}
