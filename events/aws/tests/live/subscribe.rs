use std::time::Duration;

use flotilla_aws::{LiveError, Subscribed, subscribe};
use handover::{Place, Subscribe};
use runtime_stub::canned::{Answer, Canned};
use serde_json::{Value, json};

use crate::place::{aws, json as answer, json_error, place, query};

/// `printf %s ann@example.com | sha256sum`.
const ID: &str = "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476";

fn claim(state: &str) -> Answer {
    answer(
        &json!({ "Item": { "claim": { "S": "x" }, "state": { "S": state }, "receipt": { "S": "m1" } } }),
    )
}

async fn with(put: Answer, claims: Vec<Answer>, address: Value) -> Canned {
    let canned = place().await;
    canned.on(|request| request.operation() == "PutItem", [put]);
    canned.on(|request| query(request).contains("\"claims\""), claims);
    canned.on(
        |request| query(request).contains("\"addresses\""),
        [answer(&address)],
    );
    canned
}

async fn run(canned: &Canned, address: &str, wait: Duration) -> Result<Subscribed, LiveError> {
    let options = Subscribe {
        address: address.to_owned(),
        name: Some("Ann".to_owned()),
        locale: None,
        wait,
        no_wait: false,
        json: false,
        place: Place::default(),
    };
    subscribe(&aws(canned).await, &options).await
}

#[tokio::test]
async fn a_new_subscriber_is_waited_for_until_the_claim_is_done() {
    let claims = vec![answer(&json!({})), claim("working"), claim("done")];
    let canned = with(answer(&json!({})), claims, json!({})).await;
    let subscribed = run(&canned, "Ann@Example.com", Duration::from_secs(30))
        .await
        .unwrap();
    assert!(subscribed.new);
    assert_eq!(subscribed.state, "sent");
    assert_eq!(subscribed.message_id.as_deref(), Some("m1"));
    let received = canned.received();
    let put = received
        .iter()
        .find(|request| request.operation() == "PutItem")
        .unwrap();
    let mut put: Value = serde_json::from_slice(&put.body).unwrap();
    let created = put["Item"]["createdAt"].take();
    assert!(created["S"].as_str().unwrap().ends_with('Z'), "{created}");
    assert_eq!(
        put["Item"],
        json!({
            "id": { "S": ID }, "email": { "S": "Ann@Example.com" }, "name": { "S": "Ann" }, "createdAt": null,
        })
    );
    assert_eq!(put["ConditionExpression"], "attribute_not_exists(#id)");
    let claim = received
        .iter()
        .find(|request| query(request).contains("\"claims\""))
        .unwrap();
    assert!(query(claim).contains(&format!("welcome-{ID}")));
}

#[tokio::test]
async fn somebody_who_is_subscribed_already_keeps_their_row() {
    let refused = json_error(
        "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "the condition failed",
    );
    let canned = with(refused, vec![claim("done")], json!({})).await;
    let subscribed = run(&canned, "ann@example.com", Duration::from_secs(30))
        .await
        .unwrap();
    assert!(!subscribed.new);
    assert_eq!(subscribed.state, "sent");
}

#[tokio::test]
async fn a_suppressed_address_gets_no_mail_and_says_why() {
    let address =
        json!({ "Item": { "suppressed": { "BOOL": true }, "reason": { "S": "bounce" } } });
    let canned = with(answer(&json!({})), vec![answer(&json!({}))], address).await;
    let subscribed = run(&canned, "ann@example.com", Duration::from_secs(30))
        .await
        .unwrap();
    assert_eq!(subscribed.state, "suppressed");
    assert!(subscribed.reason.unwrap().contains("bounce"));
}

#[tokio::test]
async fn a_wait_ends_with_what_is_known() {
    let canned = with(answer(&json!({})), vec![claim("unknown")], json!({})).await;
    let subscribed = run(&canned, "ann@example.com", Duration::from_millis(1))
        .await
        .unwrap();
    assert!(!subscribed.is_finished());
    assert_eq!(subscribed.reason.as_deref(), Some("its claim is unknown"));
}

#[tokio::test]
async fn what_is_no_address_is_refused_before_anything_is_asked() {
    let canned = place().await;
    let error = run(&canned, "ann", Duration::ZERO).await.unwrap_err();
    assert!(error.is_usage());
    assert!(!error.to_string().contains("ann@"), "{error}");
    assert_eq!(canned.received(), []);
}
