//! The captured events of this folder, all of them.

use std::path::Path;

use serde_json::Value;

use crate::support::Place;

/// One line for each event: its records' fates, in their order.
fn fates(json: &Value) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let events = json["events"].as_array().unwrap();
    events
        .iter()
        .map(|event| {
            let records = event["records"].as_array().unwrap();
            let fates: Vec<String> = records
                .iter()
                .map(|record| {
                    let text = |name: &str| record[name].as_str().unwrap().to_owned();
                    format!("{}/{}", text("fate"), text("kind"))
                })
                .collect();
            let file = event["file"].as_str().unwrap().trim_start_matches(root);
            format!("{file}: {}", fates.join(" "))
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_captured_event_meets_its_fates_and_a_second_replay_changes_nothing() {
    let place = Place::new();
    let events = Path::new(env!("CARGO_MANIFEST_DIR"));
    let replay = || {
        // What the package holds beside events is no event.
        let folders: Vec<String> = [
            "dynamodb",
            "eventbridge",
            "kinesis",
            "mixed",
            "photo-ready",
            "posts",
            "s3",
            "ses",
            "sns",
            "sqs",
        ]
        .map(|folder| events.join(folder).display().to_string())
        .to_vec();
        let mut arguments = vec!["replay", "--json"];
        arguments.extend(folders.iter().map(String::as_str));
        place.flotilla(&arguments)
    };
    let first = replay();
    assert_eq!(first.status, Some(0), "{}", first.stderr);
    insta::assert_snapshot!("captured_fates", fates(&first.json()));
    let second = replay();
    assert_eq!(second.status, Some(0), "{}", second.stderr);
    assert_eq!(second.json()["totals"]["effects"], 0);
}

#[test]
fn every_captured_upload_and_removal_is_one_line_of_the_audit() {
    let place = Place::new();
    let events = Path::new(env!("CARGO_MANIFEST_DIR"));
    let replay = || {
        let folders = ["eventbridge", "s3", "sns", "sqs"];
        let folders = folders.map(|folder| events.join(folder).display().to_string());
        let mut arguments = vec!["replay", "--json", "--worker", "upload-audit"];
        arguments.extend(folders.iter().map(String::as_str));
        place.flotilla(&arguments)
    };
    let first = replay();
    assert_eq!(first.status, Some(0), "{}", first.stderr);
    insta::assert_snapshot!("upload_audit_fates", fates(&first.json()));
    let second = replay();
    assert_eq!(second.status, Some(0), "{}", second.stderr);
    assert_eq!(second.json()["totals"]["effects"], 0);
}
