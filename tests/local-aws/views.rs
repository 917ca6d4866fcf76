//! Page views: A6 of the fleet.

use std::time::SystemTime;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use serde_json::json;

use crate::stack::{Stack, fresh, until_true};

/// The views of a post, over all of its counters.
async fn views(stack: &Stack, post: &str) -> u64 {
    let query = stack
        .dynamodb
        .query()
        .table_name(stack.output("ViewsTable"))
        .key_condition_expression("post = :post")
        .expression_attribute_values(":post", AttributeValue::S(post.to_owned()))
        .consistent_read(true);
    let items = query.send().await.unwrap().items.unwrap_or_default();
    items
        .iter()
        .map(|item| item["views"].as_n().unwrap().parse::<u64>().unwrap())
        .sum()
}

#[tokio::test]
#[ignore = "needs local AWS: cargo run -- up"]
async fn every_view_counts_once_though_its_producer_sends_it_twice() {
    let stack = Stack::running();
    let kinesis = aws_sdk_kinesis::Client::new(&stack.sdk);
    let post = fresh("post");
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let entry = |view: usize| {
        let view = json!({ "id": format!("{post}-{view}"), "post": post, "at": now.as_millis() });
        PutRecordsRequestEntry::builder()
            .data(Blob::new(view.to_string()))
            .partition_key(&post)
            .build()
            .unwrap()
    };
    let poison = PutRecordsRequestEntry::builder()
        .data(Blob::new("poison"))
        .partition_key(&post)
        .build()
        .unwrap();
    let mut records: Vec<_> = (0..200).map(entry).collect();
    records.push(poison);
    // A producer that got no answer sends all of it again.
    for _ in 0..2 {
        let put = kinesis
            .put_records()
            .stream_name(stack.output("PageViewsStream"));
        put.set_records(Some(records.clone())).send().await.unwrap();
    }
    let last = PutRecordsRequestEntry::builder()
        .data(Blob::new(
            json!({ "id": fresh("v"), "post": format!("{post}-last"), "at": now.as_millis() })
                .to_string(),
        ))
        .partition_key(&post)
        .build()
        .unwrap();
    let put = kinesis
        .put_records()
        .stream_name(stack.output("PageViewsStream"));
    put.records(last).send().await.unwrap();
    // The same partition key is the same shard, which is worked in order.
    until_true("view of the last record", || async {
        views(&stack, &format!("{post}-last")).await == 1
    })
    .await;
    assert_eq!(views(&stack, &post).await, 200);
}
