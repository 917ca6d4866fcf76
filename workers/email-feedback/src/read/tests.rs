//! What is read from notices, in both spellings.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn mail() -> Value {
    json!({
        "timestamp": "2026-03-14T09:00:00.000Z",
        "messageId": "0100-abc",
        "source": "hello@example.com",
        "destination": ["ann@example.com"],
        "headersTruncated": false,
        "tags": { "flow": ["welcome"], "idempotency-key": ["welcome-71d4"], "ses:configuration-set": ["mail"] },
    })
}

fn notice(kind: &str, part: &str, content: Value) -> Value {
    let mut notice = json!({ "eventType": kind, "mail": mail() });
    notice[part] = content;
    notice
}

fn bounced(kind: &str, addresses: &[&str]) -> Value {
    let entries: Vec<Value> = addresses
        .iter()
        .map(|address| json!({ "emailAddress": address, "action": "failed", "status": "5.1.1" }))
        .collect();
    notice(
        "Bounce",
        "bounce",
        json!({
            "bounceType": kind, "bounceSubType": "General", "bouncedRecipients": entries,
            "timestamp": "2026-03-14T09:00:05.500Z", "feedbackId": "f-1", "anything": [1, { "new": null }],
        }),
    )
}

fn recipients(addresses: &[&str]) -> BTreeSet<Recipient> {
    addresses
        .iter()
        .map(|address| Recipient::of(address).unwrap())
        .collect()
}

#[test]
fn both_spellings_say_the_same() {
    let published = bounced("Permanent", &["ann@example.com"]);
    let mut classic = published.clone();
    let kind = classic["eventType"].take();
    classic["notificationType"] = kind;
    let feedback = read(&published).unwrap();
    assert_eq!(read(&classic).as_ref(), Ok(&feedback));
    assert_eq!(
        feedback,
        Feedback {
            message_id: "0100-abc".to_owned(),
            event: Event::PermanentBounce("General".to_owned()),
            recipients: recipients(&["ann@example.com"]),
            unreadable_recipients: 0,
            claim: Some("welcome-71d4".to_owned()),
            at: date::parse("2026-03-14T09:00:05.500Z"),
        }
    );
}

#[test]
fn every_type_is_known() {
    let text = str::to_owned;
    let named = json!({ "complainedRecipients": [{ "emailAddress": "ann@example.com" }] });
    let complaint = |fields: Value| {
        let mut complaint = named.clone();
        for (name, value) in fields.as_object().unwrap() {
            complaint[name] = value.clone();
        }
        notice("Complaint", "complaint", complaint)
    };
    for (notice, event) in [
        (notice("Send", "send", json!({})), Event::Send),
        (
            notice(
                "Delivery",
                "delivery",
                json!({ "recipients": ["ann@example.com"] }),
            ),
            Event::Delivery,
        ),
        (
            notice(
                "DeliveryDelay",
                "deliveryDelay",
                json!({ "delayType": "MailboxFull" }),
            ),
            Event::Delay,
        ),
        (
            bounced("Permanent", &["ann@example.com"]),
            Event::PermanentBounce(text("General")),
        ),
        (
            bounced("Transient", &["ann@example.com"]),
            Event::TransientBounce(text("General")),
        ),
        (
            bounced("Undetermined", &["ann@example.com"]),
            Event::TransientBounce(text("General")),
        ),
        (
            complaint(json!({ "complaintFeedbackType": "abuse", "complaintSubType": null })),
            Event::Complaint(text("abuse")),
        ),
        (
            complaint(json!({ "complaintSubType": "OnAccountSuppressionList" })),
            Event::Complaint(text("OnAccountSuppressionList")),
        ),
        (complaint(json!({})), Event::Complaint(text(""))),
        (
            complaint(json!({ "complaintFeedbackType": "not-spam" })),
            Event::NotSpam,
        ),
        (
            notice("Reject", "reject", json!({ "reason": "Bad content" })),
            Event::Reject(text("Bad content")),
        ),
        (
            notice(
                "Rendering Failure",
                "failure",
                json!({ "templateName": "t", "errorMessage": "no such value for ann@example.com" }),
            ),
            Event::RenderingFailure(text("no such value for [address]")),
        ),
        (notice("Open", "open", json!({})), Event::Engagement("open")),
        (
            notice("Click", "click", json!({})),
            Event::Engagement("click"),
        ),
        (
            notice("Subscription", "subscription", json!({})),
            Event::Engagement("subscription"),
        ),
    ] {
        assert_eq!(
            read(&notice).map(|feedback| feedback.event),
            Ok(event),
            "{notice}"
        );
    }
}

#[test]
fn several_recipients_are_told_apart_and_each_counts_once() {
    let mut notice = bounced(
        "Permanent",
        &[
            "ann@example.com",
            "bob@example.com",
            "ANN@example.com",
            "nobody",
        ],
    );
    notice["mail"]["destination"] =
        json!(["ann@example.com", "bob@example.com", "eve@example.com"]);
    let feedback = read(&notice).unwrap();
    assert_eq!(
        feedback.recipients,
        recipients(&["ann@example.com", "bob@example.com"])
    );
    assert_eq!(feedback.unreadable_recipients, 1);
}

#[test]
fn the_only_destination_bounced_whatever_address_is_named() {
    let feedback = read(&bounced("Permanent", &["ann.lee@forwarded.example.com"])).unwrap();
    assert_eq!(
        feedback.recipients,
        recipients(&["ann.lee@forwarded.example.com", "ann@example.com"])
    );
    let feedback = read(&bounced("Permanent", &[])).unwrap();
    assert_eq!(feedback.recipients, recipients(&["ann@example.com"]));
}

#[test]
fn the_time_of_the_mail_stands_in_for_one_that_cannot_be_read() {
    let mut notice = bounced("Permanent", &["ann@example.com"]);
    notice["bounce"]["timestamp"] = json!("yesterday");
    let at = |notice: &Value| read(notice).unwrap().at;
    assert_eq!(at(&notice), date::parse("2026-03-14T09:00:00Z"));
    notice["mail"]["timestamp"].take();
    assert_eq!(at(&notice), None);
}

#[test]
fn a_message_id_may_be_that_of_the_header() {
    let mut notice = notice("Send", "send", json!({}));
    for id in ["0100-abc", "0100-abc@email.amazonses.com"] {
        notice["mail"]["messageId"] = json!(id);
        assert_eq!(read(&notice).unwrap().message_id, id);
    }
}

#[test]
fn a_mail_without_the_tag_was_not_claimed() {
    let mut notice = notice("Send", "send", json!({}));
    notice["mail"]["tags"] = json!({ "flow": ["welcome"] });
    assert_eq!(read(&notice).unwrap().claim, None);
    notice["mail"]["tags"].take();
    assert_eq!(read(&notice).unwrap().claim, None);
}

#[test]
fn what_lacks_what_every_notice_has_names_it() {
    let with = |pointer: &str, value: Value| {
        let mut notice = bounced("Permanent", &["ann@example.com"]);
        *notice.pointer_mut(pointer).unwrap() = value;
        read(&notice).unwrap_err()
    };
    let long = "x".repeat(MAX_TAG_BYTES + 1);
    for (pointer, value, field) in [
        ("/mail/messageId", json!(null), "mail.messageId"),
        ("/mail/messageId", json!(""), "mail.messageId"),
        (
            "/mail/messageId",
            json!("ann@example.com"),
            "mail.messageId",
        ),
        ("/mail/messageId", json!("@amazonses.com"), "mail.messageId"),
        ("/mail/messageId", json!("x".repeat(129)), "mail.messageId"),
        ("/mail", json!(1), "mail.messageId"),
        ("/bounce", json!(null), "bounce.bounceType"),
        (
            "/mail/tags/idempotency-key",
            json!("a"),
            "mail.tags.idempotency-key",
        ),
        (
            "/mail/tags/idempotency-key",
            json!([]),
            "mail.tags.idempotency-key",
        ),
        (
            "/mail/tags/idempotency-key",
            json!(["a", "b"]),
            "mail.tags.idempotency-key",
        ),
        (
            "/mail/tags/idempotency-key",
            json!(["rejected#1"]),
            "mail.tags.idempotency-key",
        ),
        (
            "/mail/tags/idempotency-key",
            json!([long]),
            "mail.tags.idempotency-key",
        ),
    ] {
        let error = with(pointer, value);
        assert_eq!(
            error.to_string(),
            format!("the notice has no valid `{field}`")
        );
        assert_eq!(error.fate().kind(), "malformed");
    }
    let mut nobody = bounced("Permanent", &[]);
    nobody["mail"]["destination"] = json!([]);
    assert_eq!(
        read(&nobody),
        Err(FeedbackError::Field("bouncedRecipients"))
    );
}

#[test]
fn an_unknown_type_is_named_without_an_address() {
    let unknown = notice("Blocked by ann@example.com", "blocked", json!({}));
    assert_eq!(
        read(&unknown),
        Err(FeedbackError::UnknownType(
            "Blocked by [address]".to_owned()
        ))
    );
    let unknown = bounced("Forever", &["ann@example.com"]);
    assert_eq!(
        read(&unknown),
        Err(FeedbackError::UnknownBounceType("Forever".to_owned()))
    );
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(Permanent|Transient|a@b.co|2026-03-14T09:00:00Z|.{0,8})".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map(
                "(emailAddress|bounceType|bouncedRecipients|idempotency-key|.{0,3})",
                inner,
                0..3
            )
            .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_stands_in_a_notice_is_no_panic(
        place in prop_oneof![
            Just("/bounce"), Just("/mail"), Just("/mail/tags"), Just("/mail/destination"),
            Just("/bounce/bouncedRecipients"), Just("/bounce/bounceType"), Just("/eventType"),
        ],
        value in json_value(),
    ) {
        let mut notice = bounced("Permanent", &["ann@example.com"]);
        *notice.pointer_mut(place).unwrap() = value;
        let _ = read(&notice);
    }
}
