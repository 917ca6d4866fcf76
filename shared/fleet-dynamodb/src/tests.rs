//! The tables against canned answers.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use fleet::claim::{Claim, ClaimError, ClaimTable as _, Replaced, State};
use fleet::fate::Rejected;
use fleet::rejection::{Rejection, Rejections as _};
use fleet::table::{Condition, Item, Key, Table as _, TableError, Write, Written};
use runtime_stub::canned::{Answer, Canned};
use serde_json::{Value, json};

use super::*;

/// One attempt for each call, against an endpoint on loopback.
fn sdk(url: &str) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new("us-east-1"))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .build()
}

fn dynamo_error(code: &str) -> Answer {
    let body =
        json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "because"});
    Answer::status(400)
        .header("content-type", "application/x-amz-json-1.0")
        .body(body.to_string())
}

fn condition_failed(item: &Value) -> Answer {
    let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    let body = json!({"__type": kind, "message": "The conditional request failed", "Item": item});
    Answer::status(400)
        .header("content-type", "application/x-amz-json-1.0")
        .body(body.to_string())
}

fn written() -> Answer {
    Answer::status(200)
        .header("content-type", "application/x-amz-json-1.0")
        .body("{}")
}

/// An endpoint that says `answer` to everything, and a client of it.
async fn dynamo(answer: Answer) -> (Canned, Client) {
    let canned = Canned::start().await.unwrap();
    canned.always(answer);
    let client = Client::new(&sdk(&canned.url()));
    (canned, client)
}

fn request(canned: &Canned, operation: &str) -> Value {
    let [request] = &canned.received()[..] else {
        panic!("one request was sent");
    };
    assert_eq!(request.operation(), operation);
    serde_json::from_slice(&request.body).unwrap()
}

fn claim() -> Claim {
    Claim {
        state: State::Done,
        owner: "request-1/0/5/0".to_owned(),
        until_ms: 1_700_000_000_123,
        attempts: 2,
        receipt: Some("message-1".to_owned()),
        revision: 4,
        expires_at: 1_731_536_000,
    }
}

fn item() -> Value {
    json!({
        "claim": {"S": "welcome-1"},
        "state": {"S": "done"},
        "owner": {"S": "request-1/0/5/0"},
        "until_ms": {"N": "1700000000123"},
        "attempts": {"N": "2"},
        "receipt": {"S": "message-1"},
        "revision": {"N": "4"},
        "expires_at": {"N": "1731536000"},
    })
}

#[tokio::test]
async fn a_claim_is_put_only_where_none_stands() {
    let (canned, client) = dynamo(written()).await;
    let claims = DynamoClaims::new(client, "claims");
    assert_eq!(claims.insert("welcome-1", &claim()).await, Ok(None));
    assert_eq!(
        request(&canned, "PutItem"),
        json!({
            "TableName": "claims",
            "Item": item(),
            "ConditionExpression": "attribute_not_exists(#claim)",
            "ExpressionAttributeNames": {"#claim": "claim"},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        })
    );
}

#[tokio::test]
async fn a_claim_is_replaced_only_at_its_revision() {
    let (canned, client) = dynamo(written()).await;
    let claims = DynamoClaims::new(client, "claims");
    assert_eq!(
        claims.replace("welcome-1", 3, &claim()).await,
        Ok(Replaced::Yes)
    );
    let request = request(&canned, "PutItem");
    assert_eq!(request["ConditionExpression"], "#revision = :revision");
    assert_eq!(
        request["ExpressionAttributeNames"],
        json!({"#revision": "revision"})
    );
    assert_eq!(
        request["ExpressionAttributeValues"],
        json!({":revision": {"N": "3"}})
    );
    assert_eq!(request["Item"], item());
}

#[tokio::test]
async fn a_claim_that_stands_comes_back_as_it_was_written() {
    for (state, word) in [
        (State::Working, "working"),
        (State::Unknown, "unknown"),
        (State::Done, "done"),
        (State::Free, "free"),
    ] {
        let mut stored = item();
        stored["state"] = json!({"S": word});
        stored.as_object_mut().unwrap().remove("receipt");
        let standing = Claim {
            state,
            receipt: None,
            ..claim()
        };
        let (_canned, client) = dynamo(condition_failed(&stored)).await;
        let claims = DynamoClaims::new(client, "claims");
        assert_eq!(
            claims.insert("welcome-1", &claim()).await,
            Ok(Some(standing.clone()))
        );
        assert_eq!(
            claims.replace("welcome-1", 3, &claim()).await,
            Ok(Replaced::No(Some(standing)))
        );
    }
}

#[tokio::test]
async fn a_claim_that_has_gone_is_not_replaced() {
    let (_canned, client) = dynamo(dynamo_error("ConditionalCheckFailedException")).await;
    let claims = DynamoClaims::new(client, "claims");
    assert_eq!(
        claims.replace("welcome-1", 3, &claim()).await,
        Ok(Replaced::No(None))
    );
    let inserted = claims.insert("welcome-1", &claim()).await;
    assert!(
        matches!(inserted, Err(ClaimError::Unavailable(_))),
        "{inserted:?}"
    );
}

#[tokio::test]
async fn an_item_that_is_no_claim_names_the_attribute() {
    for attribute in [
        "state",
        "owner",
        "until_ms",
        "attempts",
        "revision",
        "expires_at",
    ] {
        let mut stored = item();
        stored[attribute] = json!({"S": "x"});
        if attribute == "owner" {
            stored[attribute] = json!({"N": "1"});
        }
        let (_canned, client) = dynamo(condition_failed(&stored)).await;
        let claims = DynamoClaims::new(client, "claims");
        let error = claims.insert("welcome-1", &claim()).await.unwrap_err();
        assert!(error.to_string().contains(attribute), "{error}");
    }
}

#[tokio::test]
async fn every_refusal_of_the_table_has_its_meaning() {
    for (code, expected) in [
        ("ProvisionedThroughputExceededException", "throttled"),
        ("RequestLimitExceeded", "throttled"),
        ("ThrottlingException", "throttled"),
        ("ResourceNotFoundException", "denied"),
        ("AccessDeniedException", "denied"),
        ("UnrecognizedClientException", "denied"),
        ("ValidationException", "denied"),
        ("InternalServerError", "unavailable"),
        ("TransactionConflictException", "throttled"),
        ("SomethingNew", "unavailable"),
    ] {
        let (_canned, client) = dynamo(dynamo_error(code)).await;
        let claims = DynamoClaims::new(client, "claims");
        let error = claims.insert("welcome-1", &claim()).await.unwrap_err();
        assert_eq!(error.fate().kind(), expected, "{error}");
        assert!(error.to_string().contains(code), "{error}");
    }
}

fn rejection() -> Rejection {
    let rejected = Rejected {
        kind: "invalid-address",
        reason: "the attribute email is missing".to_owned(),
    };
    Rejection::new(
        "welcome-mail",
        "event 1",
        &rejected,
        json!({"eventID": "1"}),
    )
}

#[tokio::test]
async fn a_rejection_is_kept_once_and_never_expires() {
    let (canned, client) = dynamo(written()).await;
    let rejections = DynamoRejections::new(client, "claims");
    assert_eq!(rejections.keep("abc", &rejection()).await, Ok(()));
    let request = request(&canned, "PutItem");
    assert_eq!(request["Item"]["claim"], json!({"S": "rejected#abc"}));
    assert_eq!(
        request["Item"]["rejection"],
        json!({"S": rejection().to_json()})
    );
    assert_eq!(request["Item"]["expires_at"], Value::Null);
    assert_eq!(
        request["ConditionExpression"],
        "attribute_not_exists(#claim)"
    );
    let (_canned, client) = dynamo(dynamo_error("ConditionalCheckFailedException")).await;
    let rejections = DynamoRejections::new(client, "claims");
    assert_eq!(rejections.keep("abc", &rejection()).await, Ok(()));
    let (_canned, client) = dynamo(dynamo_error("ThrottlingException")).await;
    let rejections = DynamoRejections::new(client, "claims");
    assert!(rejections.keep("abc", &rejection()).await.is_err());
}

fn attributes(json: Value) -> Item {
    serde_json::from_value(json).unwrap()
}

fn views(client: Client) -> DynamoTable {
    DynamoTable::new(client, "views", "post", Some("hour"))
}

fn update(condition: Condition) -> Write {
    Write::Update {
        key: Key::sorted("hello", "2026-03-14T09"),
        set: attributes(json!({ "status": "a" })),
        add: [("views".to_owned(), 3)].into(),
        condition,
    }
}

fn put(condition: Condition) -> Write {
    Write::Put {
        key: Key::sorted("#checkpoint", "shard-0"),
        item: attributes(
            json!({ "last": "4959", "recent": ["a", "b"], "n": 7, "deep": { "yes": true, "no": null } }),
        ),
        condition,
    }
}

#[tokio::test]
async fn an_item_is_read_consistently_and_without_its_key() {
    let body = json!({ "Item": {
        "post": { "S": "hello" }, "hour": { "S": "2026-03-14T09" },
        "views": { "N": "42" }, "tags": { "SS": ["a", "b"] }, "live": { "BOOL": true },
    } });
    let (canned, client) = dynamo(Answer::status(200).body(body.to_string())).await;
    let item = views(client)
        .get(&Key::sorted("hello", "2026-03-14T09"))
        .await;
    let expected = attributes(json!({ "views": 42, "tags": ["a", "b"], "live": true }));
    assert_eq!(item, Ok(Some(expected)));
    assert_eq!(
        request(&canned, "GetItem"),
        json!({
            "TableName": "views",
            "Key": { "post": { "S": "hello" }, "hour": { "S": "2026-03-14T09" } },
            "ConsistentRead": true,
        })
    );
}

#[tokio::test]
async fn one_write_is_a_request_of_its_own() {
    let (canned, client) = dynamo(Answer::status(200).body("{}")).await;
    let revision = Condition::Equal("revision".to_owned(), json!(4));
    let answer = views(client).write(vec![update(revision)]).await;
    assert_eq!(answer, Ok(Written::Yes));
    assert_eq!(
        request(&canned, "UpdateItem"),
        json!({
            "TableName": "views",
            "Key": { "post": { "S": "hello" }, "hour": { "S": "2026-03-14T09" } },
            "ConditionExpression": "#n0 = :v0",
            "UpdateExpression": "SET #n1 = :v1 ADD #n2 :v2",
            "ExpressionAttributeNames": { "#n0": "revision", "#n1": "status", "#n2": "views" },
            "ExpressionAttributeValues": {
                ":v0": { "N": "4" }, ":v1": { "S": "a" }, ":v2": { "N": "3" },
            },
        })
    );
}

#[tokio::test]
async fn several_writes_are_one_transaction() {
    let (canned, client) = dynamo(Answer::status(200).body("{}")).await;
    let writes = vec![put(Condition::Absent), update(Condition::None)];
    assert_eq!(views(client).write(writes).await, Ok(Written::Yes));
    let mut request = request(&canned, "TransactWriteItems");
    assert!(request["ClientRequestToken"].take().is_string());
    let [put, update] = &request["TransactItems"].as_array().unwrap()[..] else {
        panic!("two writes were sent: {request}");
    };
    assert_eq!(
        put["Put"]["ConditionExpression"],
        "attribute_not_exists(#n0)"
    );
    assert_eq!(
        put["Put"]["ExpressionAttributeNames"],
        json!({ "#n0": "post" })
    );
    assert_eq!(
        put["Put"]["Item"],
        json!({
            "post": { "S": "#checkpoint" }, "hour": { "S": "shard-0" },
            "last": { "S": "4959" }, "n": { "N": "7" },
            "recent": { "L": [{ "S": "a" }, { "S": "b" }] },
            "deep": { "M": { "yes": { "BOOL": true }, "no": { "NULL": true } } },
        })
    );
    assert_eq!(
        update["Update"]["UpdateExpression"],
        "SET #n0 = :v0 ADD #n1 :v1"
    );
    assert_eq!(update["Update"]["ConditionExpression"], Value::Null);
}

#[tokio::test]
async fn a_condition_that_does_not_hold_is_an_answer_and_no_failure() {
    let (_canned, client) = dynamo(dynamo_error("ConditionalCheckFailedException")).await;
    for write in [put(Condition::Absent), update(Condition::Present)] {
        let answer = views(client.clone()).write(vec![write]).await;
        assert_eq!(answer, Ok(Written::Refused));
    }
}

/// A transaction that was cancelled for these reasons.
async fn cancelled(codes: &[&str]) -> Result<Written, TableError> {
    let reasons: Vec<Value> = codes.iter().map(|code| json!({ "Code": code })).collect();
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "Transaction cancelled",
        "CancellationReasons": reasons,
    });
    let (_canned, client) = dynamo(Answer::status(400).body(body.to_string())).await;
    let writes = vec![put(Condition::Absent), update(Condition::None)];
    views(client).write(writes).await
}

#[tokio::test]
async fn a_cancelled_transaction_says_by_its_reasons_whether_another_try_helps() {
    assert_eq!(
        cancelled(&["ConditionalCheckFailed", "None"]).await,
        Ok(Written::Refused)
    );
    for (codes, expected) in [
        (["None", "TransactionConflict"], "throttled"),
        (["ConditionalCheckFailed", "ThrottlingError"], "throttled"),
        (["None", "ProvisionedThroughputExceeded"], "throttled"),
        (["TransactionConflict", "ValidationError"], "invalid"),
        (["None", "None"], "unavailable"),
    ] {
        let error = cancelled(&codes).await.unwrap_err();
        assert_eq!(variant(&error), expected, "{codes:?}: {error}");
    }
}

fn variant(error: &TableError) -> &'static str {
    match error {
        TableError::Denied(_) => "denied",
        TableError::Throttled(_) => "throttled",
        TableError::Unavailable(_) => "unavailable",
        TableError::Invalid(_) => "invalid",
    }
}

#[tokio::test]
async fn every_refusal_of_an_item_has_its_meaning() {
    for (code, message, expected) in [
        (
            "ValidationException",
            "Item size has exceeded the maximum allowed size",
            "invalid",
        ),
        (
            "ValidationException",
            "One of the required keys was not given a value",
            "denied",
        ),
        ("ResourceNotFoundException", "no such table", "denied"),
        ("AccessDeniedException", "not yours", "denied"),
        (
            "ProvisionedThroughputExceededException",
            "slower",
            "throttled",
        ),
        ("InternalServerError", "sorry", "unavailable"),
        ("SomethingNew", "?", "unavailable"),
    ] {
        let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message });
        let (_canned, client) = dynamo(Answer::status(400).body(body.to_string())).await;
        let table = views(client);
        let key = Key::sorted("hello", "hour");
        let get = table.get(&key).await.unwrap_err();
        let write = table.write(vec![put(Condition::None)]).await.unwrap_err();
        assert_eq!(
            (variant(&get), variant(&write)),
            (expected, expected),
            "{code}: {message}"
        );
    }
}
