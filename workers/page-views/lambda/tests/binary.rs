//! The binary as Lambda runs it, with canned answers of `DynamoDB`.
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

/// 2026-03-14T09:26:53Z.
const NOW_SECONDS: u64 = 1_773_480_413;

fn answer(status: u16, body: &Value) -> Answer {
    Answer::status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .body(body.to_string())
}

/// `DynamoDB` with empty tables, whose transactions meet `transaction`.
async fn dynamodb(transaction: Answer) -> Canned {
    let dynamodb = Canned::start().await.unwrap();
    dynamodb.on(
        |request| request.operation() == "TransactWriteItems",
        [transaction],
    );
    dynamodb.always(answer(200, &json!({})));
    dynamodb
}

fn body(request: &Received) -> Value {
    serde_json::from_slice(&request.body).unwrap_or_default()
}

fn environment(lambda: &RuntimeStub, dynamodb: &Canned) -> BTreeMap<String, String> {
    let own = [
        ("AWS_ENDPOINT_URL", dynamodb.url()),
        ("VIEWS_TABLE", "views".to_owned()),
        ("REJECTIONS_TABLE", "rejections".to_owned()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    lambda.environment().into_iter().chain(own).collect()
}

fn worker(environment: &BTreeMap<String, String>) -> Child {
    Child::spawn(env!("CARGO_BIN_EXE_page-views"), environment).unwrap()
}

fn record(sequence: u32, data: &str) -> Value {
    json!({
        "eventSource": "aws:kinesis",
        "eventID": format!("shardId-000000000000:{sequence}"),
        "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/page-views",
        "kinesis": {
            "sequenceNumber": sequence.to_string(),
            "approximateArrivalTimestamp": NOW_SECONDS,
            "data": STANDARD.encode(data),
        },
    })
}

fn view(sequence: u32, post: &str) -> Value {
    let data =
        json!({"id": format!("reader-{sequence}"), "post": post, "at": "2026-03-14T09:26:52Z"});
    record(sequence, &data.to_string())
}

#[tokio::test]
async fn a_batch_is_one_read_and_one_transaction() {
    let dynamodb = dynamodb(answer(200, &json!({}))).await;
    let lambda = RuntimeStub::start().await.unwrap();
    let child = worker(&environment(&lambda, &dynamodb));
    let event = json!({"Records": [view(8, "a"), record(9, "reader secret"), view(10, "a"), view(11, "b")]});
    let outcome = lambda.invoke(event).await;
    assert_eq!(outcome, Outcome::Response(json!({"batchItemFailures": []})));

    let received = dynamodb.received();
    let of = |operation: &str| {
        let mut bodies = received
            .iter()
            .filter(|request| request.operation() == operation)
            .map(body);
        let first = bodies.next().unwrap();
        assert_eq!(bodies.next(), None, "{operation} once");
        first
    };
    assert_eq!(received.len(), 3, "{received:?}");
    let read = of("GetItem");
    assert_eq!(read["ConsistentRead"], true);
    let shard = "page-views/shardId-000000000000";
    let key = json!({"post": {"S": "#checkpoint"}, "hour": {"S": shard}});
    assert_eq!(read["Key"], key);
    let transaction = of("TransactWriteItems");
    let items = transaction["TransactItems"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    let checkpoint = &items[0]["Put"];
    assert_eq!(checkpoint["Item"]["sequence"], json!({"S": "11"}));
    assert_eq!(
        checkpoint["ConditionExpression"],
        "attribute_not_exists(#n0)"
    );
    let counter = &items[1]["Update"];
    let key = json!({"post": {"S": "a"}, "hour": {"S": format!("2026-03-14T09#{shard}")}});
    assert_eq!(counter["Key"], key);
    let amounts = counter["ExpressionAttributeValues"].as_object().unwrap();
    assert!(amounts.values().eq([&json!({"N": "2"})]), "{amounts:?}");
    let kept = of("PutItem");
    assert_eq!(kept["TableName"], "rejections");
    assert_eq!(kept["Item"]["kind"], json!({"S": "not-a-view"}));

    child.terminate().unwrap();
    let exit = child.wait(LIMIT).await.unwrap();
    assert!(exit.status.success(), "{exit:?}");
    let lines = exit.json_lines().unwrap();
    let metrics = lines.iter().find(|line| line["_aws"].is_object()).unwrap();
    assert_eq!(metrics["ViewsCounted"], json!(3.0));
    assert_eq!(metrics["ItemsWritten"], json!(3.0));
    let output = exit.lines.concat() + &exit.errors;
    assert!(!output.contains("reader"), "a reader is in {output}");
}

#[tokio::test]
async fn a_throttled_table_hands_the_shard_back_from_its_first_view() {
    let throttled =
        json!({"__type": "ProvisionedThroughputExceededException", "message": "slow down"});
    let dynamodb = dynamodb(answer(400, &throttled)).await;
    let lambda = RuntimeStub::start().await.unwrap();
    let mut environment = environment(&lambda, &dynamodb);
    environment.insert("AWS_MAX_ATTEMPTS".to_owned(), "1".to_owned());
    let _child = worker(&environment);
    let event = json!({"Records": [view(8, "a"), view(9, "b")]});
    let outcome = lambda.invoke(event).await;
    let failures = json!({"batchItemFailures": [{"itemIdentifier": "8"}]});
    assert_eq!(outcome, Outcome::Response(failures));
}

#[tokio::test]
async fn a_wrong_environment_never_starts() {
    for missing in ["VIEWS_TABLE", "REJECTIONS_TABLE"] {
        let dynamodb = dynamodb(answer(200, &json!({}))).await;
        let lambda = RuntimeStub::start().await.unwrap();
        let mut environment = environment(&lambda, &dynamodb);
        environment.remove(missing);
        let exit = worker(&environment).wait(LIMIT).await.unwrap();
        assert!(!exit.status.success(), "{exit:?}");
        let [failure] = &lambda.init_errors()[..] else {
            panic!("{:?}", lambda.init_errors());
        };
        assert!(failure.message.contains(missing), "{failure:?}");
        assert_eq!(dynamodb.received(), []);
    }
}
