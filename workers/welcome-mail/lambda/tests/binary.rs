//! The binary as Lambda runs it, with canned answers of DynamoDB and SES.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use runtime_stub::canned::{Answer, Canned, Received};
use runtime_stub::{Child, Outcome, RuntimeStub};
use serde_json::{Value, json};

/// Bounds a hang; nothing is measured by it.
const LIMIT: Duration = Duration::from_secs(30);

const SEND_EMAIL: &str = "/v2/email/outbound-emails";

/// SHA-256 of carol@example.com.
const CAROL: &str = "e0d47ca1bc1eb62e650fc1fd660a9bfbf7cba8dc6337d81df7ea9aa9071a24a5";

/// AWS, where every put succeeds and every mail but Bob's is sent.
async fn aws() -> Canned {
    let aws = Canned::start().await.unwrap();
    let json = |status| Answer::status(status).header("content-type", "application/json");
    aws.on(
        |request| request.operation() == "PutItem",
        [json(200).body("{}")],
    );
    let throttled = json(429)
        .header("x-amzn-errortype", "TooManyRequestsException")
        .body(r#"{"message": "Maximum sending rate exceeded."}"#);
    // Carol has complained.
    let complained = r#"{"Item": {"suppressed": {"BOOL": true}, "reason": {"S": "complaint"}}}"#;
    aws.on(
        |request| {
            request.operation() == "GetItem" && body(request)["Key"]["address"]["S"] == json!(CAROL)
        },
        [json(200).body(complained)],
    );
    aws.on(
        |request| request.operation() == "GetItem",
        [json(200).body("{}")],
    );
    aws.on(
        |request| recipients(request) == json!(["bob@example.com"]),
        [throttled],
    );
    aws.on(
        |request| request.path == SEND_EMAIL,
        [json(200).body(r#"{"MessageId": "message-1"}"#)],
    );
    aws
}

fn body(request: &Received) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_default()
}

fn recipients(request: &Received) -> Value {
    body(request)["Destination"]["ToAddresses"].clone()
}

fn environment(lambda: &RuntimeStub, aws: &Canned) -> BTreeMap<String, String> {
    let own = [
        ("AWS_ENDPOINT_URL", aws.url()),
        ("WELCOME_FROM", "MyBlog <hello@blog.example>".to_owned()),
        (
            "UNSUBSCRIBE_URL",
            "https://blog.example/unsubscribe".to_owned(),
        ),
        ("UNSUBSCRIBE_KEY", "0123456789abcdef".to_owned()),
        ("CLAIMS_TABLE", "claims".to_owned()),
        ("REJECTIONS_TABLE", "rejections".to_owned()),
        ("ADDRESSES_TABLE", "addresses".to_owned()),
        ("CONFIGURATION_SET", "welcome".to_owned()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    lambda.environment().into_iter().chain(own).collect()
}

fn worker(environment: &BTreeMap<String, String>) -> Child {
    Child::spawn(env!("CARGO_BIN_EXE_welcome-mail"), environment).unwrap()
}

fn insert(number: u32, image: &Value) -> Value {
    json!({
        "eventID": format!("event-{number}"),
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:000000000000:table/subscribers/stream/1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_700_000_000,
            "Keys": {"email": image["email"]},
            "NewImage": image,
            "SequenceNumber": format!("{number}00000000000000000001"),
            "SizeBytes": 59,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    })
}

#[tokio::test]
async fn a_new_subscriber_gets_one_raw_mail_between_a_claim_and_its_record() {
    let (lambda, aws) = (RuntimeStub::start().await.unwrap(), aws().await);
    let child = worker(&environment(&lambda, &aws));
    assert!(lambda.ready().await);
    let image =
        json!({"email": {"S": "anh@example.com"}, "name": {"S": "Ánh"}, "locale": {"S": "vi-VN"}});
    let outcome = lambda.invoke(json!({"Records": [insert(1, &image)]})).await;
    assert_eq!(outcome, Outcome::Response(json!({"batchItemFailures": []})));

    let [look, claim, send, record] = &aws.received()[..] else {
        panic!("{:?}", aws.received());
    };
    let (look, claim, record) = (body(look), body(claim), body(record));
    assert_eq!(look["TableName"], "addresses");
    assert_eq!(look["ConsistentRead"], true);
    assert_eq!(claim["ConditionExpression"], "attribute_not_exists(#claim)");
    assert_eq!(claim["Item"]["state"], json!({"S": "working"}));
    assert_eq!(record["ConditionExpression"], "#revision = :revision");
    assert_eq!(record["Item"]["state"], json!({"S": "done"}));
    assert_eq!(record["Item"]["receipt"], json!({"S": "message-1"}));
    let key = claim["Item"]["claim"]["S"].clone();
    assert_eq!(record["Item"]["claim"]["S"], key);

    assert_eq!(send.path, SEND_EMAIL);
    let send = body(send);
    assert_eq!(
        send["Destination"],
        json!({"ToAddresses": ["anh@example.com"]})
    );
    assert_eq!(send["ConfigurationSetName"], "welcome");
    assert_eq!(
        send["EmailTags"][1],
        json!({"Name": "idempotency-key", "Value": key})
    );
    let raw = STANDARD
        .decode(send["Content"]["Raw"]["Data"].as_str().unwrap())
        .unwrap();
    let raw = String::from_utf8(raw).unwrap();
    let headers = raw.split("\r\n\r\n").next().unwrap();
    assert!(
        headers.contains("To: =?utf-8?B?w4FuaA==?= <anh@example.com>\r\n"),
        "{headers}"
    );
    assert!(
        headers.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"),
        "{headers}"
    );
    assert!(headers.contains("multipart/alternative"), "{headers}");

    child.terminate().unwrap();
    let exit = child.wait(LIMIT).await.unwrap();
    assert!(exit.status.success(), "{exit:?}");
    let lines = exit.json_lines().unwrap();
    let metrics: Vec<&Value> = lines
        .iter()
        .filter(|line| line["_aws"].is_object())
        .collect();
    assert_eq!(metrics.len(), 1, "{exit:?}");
    assert_eq!(
        (&metrics[0]["MailsSent"], &metrics[0]["Done"]),
        (&json!(1.0), &json!(1))
    );
    let done = lines
        .iter()
        .find(|line| line["message"] == "record done")
        .unwrap();
    assert_eq!(done["span"]["request_id"], RuntimeStub::request_id(1));
    assert_eq!(done["span"]["trace_id"], RuntimeStub::TRACE_ID);
    let output = exit.lines.concat() + &exit.errors;
    for secret in ["anh@", "example.com", "0123456789abcdef"] {
        assert!(!output.contains(secret), "{secret} is in {output}");
    }
}

#[tokio::test]
async fn a_throttled_send_is_the_checkpoint_and_the_others_go_out() {
    let (lambda, aws) = (RuntimeStub::start().await.unwrap(), aws().await);
    let _child = worker(&environment(&lambda, &aws));
    let to = |number, email: &str| insert(number, &json!({"email": {"S": email}}));
    let event = json!({"Records": [
        to(1, "ann@example.com"),
        to(2, "not an address"),
        to(3, "bob@example.com"),
        to(4, "eve@example.com"),
    ]});
    let outcome = lambda.invoke(event).await;
    let failures = json!({"batchItemFailures": [{"itemIdentifier": "300000000000000000001"}]});
    assert_eq!(outcome, Outcome::Response(failures));
    let received = aws.received();
    let sends = received.iter().filter(|request| request.path == SEND_EMAIL);
    // Bob's is tried once: only the stream tries again.
    assert_eq!(sends.count(), 3);
    let kept: Vec<Value> = received
        .iter()
        .map(body)
        .filter(|put| put["Item"]["rejection"].is_object())
        .collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0]["TableName"], "rejections");
    assert_eq!(kept[0]["Item"]["kind"], json!({"S": "invalid-address"}));
    let freed = received
        .iter()
        .map(body)
        .filter(|put| put["Item"]["state"]["S"] == "free");
    assert_eq!(freed.count(), 1);
}

#[tokio::test]
async fn a_suppressed_address_gets_no_mail() {
    let (lambda, aws) = (RuntimeStub::start().await.unwrap(), aws().await);
    let _child = worker(&environment(&lambda, &aws));
    let image = json!({"email": {"S": "Carol@example.com"}});
    let outcome = lambda.invoke(json!({"Records": [insert(1, &image)]})).await;
    assert_eq!(outcome, Outcome::Response(json!({"batchItemFailures": []})));
    let received = aws.received();
    let operations: Vec<&str> = received.iter().map(Received::operation).collect();
    assert_eq!(operations, ["GetItem"]);
}

#[tokio::test]
async fn a_wrong_environment_never_starts() {
    for missing in ["WELCOME_FROM", "UNSUBSCRIBE_KEY", "CLAIMS_TABLE"] {
        let (lambda, aws) = (RuntimeStub::start().await.unwrap(), aws().await);
        let mut environment = environment(&lambda, &aws);
        environment.remove(missing);
        let exit = worker(&environment).wait(LIMIT).await.unwrap();
        assert!(!exit.status.success(), "{exit:?}");
        let [failure] = &lambda.init_errors()[..] else {
            panic!("{:?}", lambda.init_errors());
        };
        assert!(failure.message.contains(missing), "{failure:?}");
        assert!(exit.lines.concat().contains(missing), "{exit:?}");
        assert_eq!(aws.received(), []);
    }
}

#[tokio::test]
async fn an_idle_worker_ends_when_asked() {
    let (lambda, aws) = (RuntimeStub::start().await.unwrap(), aws().await);
    let child = worker(&environment(&lambda, &aws));
    assert!(lambda.ready().await);
    child.terminate().unwrap();
    let exit = child.wait(LIMIT).await.unwrap();
    assert!(exit.status.success(), "{exit:?}");
}
