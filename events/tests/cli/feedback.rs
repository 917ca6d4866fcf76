//! What SES told of a mail decides about the next one.

use std::path::Path;

use serde_json::Value;

use crate::support::Place;

/// Replays captured events into one place, and returns the last one's only record and how many mails were sent.
fn last_of(events: &[&str]) -> (String, String, Value) {
    let place = Place::new();
    let mut json = Value::Null;
    for event in events {
        let event = Path::new(env!("CARGO_MANIFEST_DIR")).join(event);
        let ended = place.flotilla(&["replay", "--json", &event.display().to_string()]);
        assert_eq!(ended.status, Some(0), "{}", ended.stderr);
        json = ended.json();
    }
    let record = &json["events"][0]["records"][0];
    let text = |name: &str| record[name].as_str().unwrap().to_owned();
    (
        text("kind"),
        text("reason"),
        json["totals"]["mails_sent"].clone(),
    )
}

#[test]
fn who_bounced_for_good_gets_no_mail_however_they_subscribe_again() {
    let insert = "dynamodb/insert-english.json";
    let (kind, _, sent) = last_of(&[insert]);
    assert_eq!((kind.as_str(), sent), ("applied", 1.into()));
    let (kind, reason, sent) = last_of(&["ses/bounce-permanent.json", insert]);
    assert_eq!((kind.as_str(), sent), ("skipped", 0.into()));
    assert!(reason.ends_with("addresses table: bounce"), "{reason}");
}
