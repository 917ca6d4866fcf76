//! What SES says of mail: A4 of the fleet.

use aws_sdk_dynamodb::types::AttributeValue;
use fleet::digest::hex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::mail::{after_everybody_before, insert, mails_to};
use crate::stack::{Stack, fresh, until, until_true};

/// The key of an address: its SHA-256, of the address alone.
fn key_of(address: &str) -> String {
    hex(&Sha256::digest(address))
}

fn bounce(address: &str) -> Value {
    json!({
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [{ "emailAddress": address, "status": "5.1.1" }],
            "timestamp": "2026-03-14T09:26:53.000Z",
            "feedbackId": fresh("feedback"),
        },
        "mail": {
            "timestamp": "2026-03-14T09:26:50.000Z",
            "messageId": fresh("message"),
            "source": "hello@example.com",
            "destination": [address],
            "tags": {},
        },
    })
}

#[tokio::test]
#[ignore = "needs local AWS: cargo run -- up"]
async fn an_address_that_bounced_is_suppressed_and_gets_no_more_mail() {
    let stack = Stack::running();
    let address = format!("{}@example.com", fresh("gone"));
    let digest = key_of(&address);
    // The row as `flotilla subscribe` writes it, but of somebody who was welcomed long ago.
    let put = stack
        .dynamodb
        .put_item()
        .table_name(stack.output("SubscribersTable"))
        .item("id", AttributeValue::S(digest.clone()))
        .item("email", AttributeValue::S(address.clone()))
        .item("status", AttributeValue::S("pending".to_owned()));
    put.send().await.unwrap();

    stack.publish("MailFeedbackTopic", &bounce(&address)).await;
    let suppressed = until("state of the address", || {
        stack.attribute("AddressesTable", ("address", &digest), "suppressed")
    })
    .await;
    assert_eq!(suppressed, AttributeValue::Bool(true));
    until_true("suppressed subscriber", || async {
        let row = ("id", digest.as_str());
        let suppressed = stack.attribute("SubscribersTable", row, "suppressed").await;
        suppressed == Some(AttributeValue::Bool(true))
    })
    .await;

    insert(&stack, &fresh("id"), &address).await;
    after_everybody_before(&stack).await;
    assert_eq!(mails_to(&stack, &address).await.len(), 0);
}

#[tokio::test]
#[ignore = "needs local AWS: cargo run -- up"]
async fn a_transient_bounce_is_counted_once_and_suppresses_nobody() {
    let stack = Stack::running();
    let address = format!("{}@example.com", fresh("full"));
    let digest = key_of(&address);
    let mut notice = bounce(&address);
    notice["bounce"]["bounceType"] = "Transient".into();
    for _ in 0..3 {
        stack.publish("MailFeedbackTopic", &notice).await;
    }
    // The last of a queue is not the last to be worked, so what comes after is told apart by its address.
    let after = format!("{}@example.com", fresh("after"));
    stack.publish("MailFeedbackTopic", &bounce(&after)).await;
    let after = key_of(&after);
    until("state of the next address", || {
        stack.attribute("AddressesTable", ("address", &after), "suppressed")
    })
    .await;
    until("state of the address", || async {
        let row = ("address", digest.as_str());
        stack
            .attribute("AddressesTable", row, "transientBounces")
            .await
    })
    .await;
    let get = |attribute| stack.attribute("AddressesTable", ("address", &digest), attribute);
    let bounces = get("transientBounces").await;
    assert_eq!(bounces, Some(AttributeValue::N("1".to_owned())));
    assert_ne!(get("suppressed").await, Some(AttributeValue::Bool(true)));
}
