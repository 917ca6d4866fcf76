//! The welcome mail: A2 of the fleet.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use crate::stack::{Stack, fresh, until};

/// The mails to an address, as the local outbox has them.
pub(crate) async fn mails_to(stack: &Stack, address: &str) -> Vec<Value> {
    let outbox = stack.flotilla(&["mail", "--json"]).await;
    let mails = outbox["mails"].as_array().unwrap();
    mails
        .iter()
        .filter(|mail| mail["to"].to_string().contains(address))
        .cloned()
        .collect()
}

/// A row of the subscribers table, whoever writes it.
pub(crate) async fn insert(stack: &Stack, id: &str, address: &str) {
    let put = stack
        .dynamodb
        .put_item()
        .table_name(stack.output("SubscribersTable"))
        .item("id", AttributeValue::S(id.to_owned()))
        .item("email", AttributeValue::S(address.to_owned()));
    put.send().await.unwrap();
}

/// Waits for everything that was written before to have been worked: a stream is in order.
pub(crate) async fn after_everybody_before(stack: &Stack) {
    let address = format!("{}@example.com", fresh("last"));
    insert(stack, &fresh("id"), &address).await;
    until("mail of the subscriber behind", || async {
        mails_to(stack, &address).await.pop()
    })
    .await;
}

#[tokio::test]
#[ignore = "needs local AWS: cargo run -- up"]
async fn a_subscriber_gets_one_mail_in_their_language_however_often_they_subscribe() {
    let stack = Stack::running();
    let address = format!("{}@example.com", fresh("hoa"));
    let arguments = [
        "subscribe",
        &address,
        "--name",
        "Hoa",
        "--locale",
        "vi",
        "--json",
    ];
    stack.flotilla(&arguments).await;
    let mail = until("mail", || async { mails_to(&stack, &address).await.pop() }).await;
    let text = mail.to_string();
    assert!(text.contains("Hoa"), "{mail}");
    assert!(text.contains("Chào mừng"), "{mail}");

    // The same again, and the same person under another id and in another case.
    stack.flotilla(&arguments).await;
    insert(&stack, &fresh("id"), &address.to_uppercase()).await;
    after_everybody_before(&stack).await;
    assert_eq!(mails_to(&stack, &address).await.len(), 1);
    assert_eq!(mails_to(&stack, &address.to_uppercase()).await.len(), 0);
}
