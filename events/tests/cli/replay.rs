use std::fs;

use serde_json::{Value, json};

use crate::support::{Place, files, messages, photo, subscriber, upload};

/// Three events: an upload, a batch with poison in it, a subscriber.
fn place() -> Place {
    let place = Place::new();
    place.write("events/objects/uploads/cat.jpg", photo());
    place.write("events/objects/uploads/broken.jpg", "\u{fffd}");
    place.event("events/1-upload.json", &upload("cat.jpg"));
    let bodies = [
        "poison",
        &upload("broken.jpg").to_string(),
        &upload("missing.jpg").to_string(),
    ];
    place.event("events/2-batch.json", &messages(&bodies));
    place.event("events/3-subscriber.json", &subscriber("ana@example.com"));
    place
}

fn totals(json: &Value) -> Value {
    let mut totals = json["totals"].clone();
    totals.as_object_mut().unwrap().remove("elapsed_ms");
    totals
}

#[test]
fn events_run_through_their_own_workers() {
    let place = place();
    let ended = place.flotilla(&["replay", "events"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let files = files(&place.path("out"));
    let has = |prefix: &str, suffix: &str| {
        files
            .iter()
            .filter(|file| file.starts_with(prefix) && file.ends_with(suffix))
            .count()
    };
    assert_eq!(
        has(
            "objects/myblog-thumbnails/thumbnails/uploads/cat.jpg=/",
            ".jpg"
        ),
        4,
        "{files:?}"
    );
    assert_eq!(
        has("objects/myblog-thumbnails/manifests/", "cat.jpg.json"),
        1,
        "{files:?}"
    );
    assert_eq!(
        has("objects/myblog-thumbnails/rejected/", ".json"),
        3,
        "{files:?}"
    );
    assert_eq!(has("outbox/", ".eml"), 1, "{files:?}");
}

#[test]
fn replaying_the_same_events_again_has_no_new_effects() {
    let place = place();
    place.flotilla(&["replay", "events"]);
    let before = files(&place.path("out"));
    let ended = place.flotilla(&["replay", "events"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(
        ended.stdout.matches("= no new effects").count(),
        3,
        "{}",
        ended.stdout
    );
    assert_eq!(files(&place.path("out")), before);
    let json = place.flotilla(&["replay", "events", "--json"]).json();
    assert_eq!(json["totals"]["effects"], 0);
    assert_eq!(json["totals"]["done"], 2);

    // The page still shows what the first replay did.
    let report = fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(report.contains("no new effects"), "{report}");
    assert!(report.contains("/256.jpg"), "{report}");
    assert!(report.contains("<iframe sandbox srcdoc="), "{report}");
}

#[test]
fn the_report_links_to_files_that_are_there() {
    let place = place();
    place.flotilla(&["replay", "events"]);
    let report = fs::read_to_string(place.path("out/report.html")).unwrap();
    let links: Vec<&str> = report
        .split(['"'])
        .filter(|text| text.starts_with("./"))
        .collect();
    assert!(links.len() > 10, "{links:?}");
    for link in links {
        assert!(place.path("out").join(link).is_file(), "{link}");
    }
    // A subscriber's name is not markup of the page, nor of the mail in it.
    assert!(!report.contains("Ana <b>"), "{report}");
}

#[test]
fn the_machine_form_is_stable() {
    let place = place();
    let ended = place.flotilla(&["replay", "events", "--json"]);
    let mut json = ended.json();
    for event in json["events"].as_array_mut().unwrap() {
        assert!(event["elapsed_ms"].as_f64().unwrap() > 0.0);
        event["elapsed_ms"] = json!("…");
        for effect in event["effects"].as_array_mut().unwrap() {
            // Sizes and digests change with the encoder and the recipe.
            effect["bytes"] = json!("…");
            for field in ["name", "path"] {
                let text = effect[field].as_str().unwrap();
                let end = text.rsplit('/').next().unwrap();
                let start = text.split('/').take(4).collect::<Vec<_>>().join("/");
                let end = if end.len() > 20 { "…" } else { end };
                effect[field] = json!(format!("{start} … {end}"));
            }
        }
    }
    json["totals"]["elapsed_ms"] = json!("…");
    let objects = json["objects"][0].as_str().unwrap();
    assert!(objects.ends_with("events/objects"), "{objects}");
    json["objects"] = json!("…");
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
}

#[test]
fn what_is_left_to_retry_is_the_exit_status() {
    let place = Place::new();
    // A folder where the source would be: the store fails, and may succeed later.
    place.write("objects/uploads/cat.jpg/x", "");
    place.event("upload.json", &upload("cat.jpg"));
    place.event(
        "batch.json",
        &messages(&[&upload("cat.jpg").to_string(), "poison"]),
    );
    let ended = place.flotilla(&["replay", "batch.json", "upload.json", "--json"]);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let json = ended.json();
    let [batch, upload] = json["events"].as_array().unwrap().as_slice() else {
        panic!("{json}");
    };
    assert_eq!(
        batch["response"],
        json!({ "batchItemFailures": [{ "itemIdentifier": "message-0" }] })
    );
    assert_eq!(upload["response"], Value::Null);
    assert!(
        upload["error"].as_str().unwrap().contains("1 of 1 records"),
        "{upload}"
    );
    assert_eq!(upload["records"][0]["fate"], "retry");
}

#[test]
fn what_is_not_json_is_rejected_and_the_rest_goes_on() {
    let place = Place::new();
    place.write("events/objects/uploads/cat.jpg", photo());
    place.write("events/a.json", "{ not json");
    let lines = [
        upload("cat.jpg").to_string(),
        "{".to_owned(),
        upload("cat.jpg").to_string(),
    ];
    place.write("events/b.jsonl", lines.join("\n"));
    place.write("events/c.json", json!([{ "hello": "world" }]).to_string());
    let ended = place.flotilla(&["replay", "events", "--json"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let json = ended.json();
    let kinds: Vec<&str> = json["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["records"][0]["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["not-json", "applied", "not-json", "duplicate", "no-worker"]
    );
    assert_eq!(json["events"][3]["index"], 2);
}

#[test]
fn a_worker_can_be_chosen() {
    let place = place();
    let ended = place.flotilla(&[
        "replay",
        "events/1-upload.json",
        "--worker",
        "welcome-mail",
        "--json",
    ]);
    let event = &ended.json()["events"][0];
    assert_eq!(event["worker"], "welcome-mail");
    assert_eq!(event["records"][0]["kind"], "not-a-stream-record");
}

#[test]
fn objects_and_outputs_may_lie_anywhere() {
    let place = place();
    // Just the key, without its bucket.
    place.write("mine/dog.jpg", photo());
    place.event("events/4-dog.json", &upload("dog.jpg"));
    let arguments = [
        "replay",
        "events/4-dog.json",
        "--objects",
        "mine",
        "--out",
        "a/b",
        "--json",
    ];
    let json = place.flotilla(&arguments).json();
    assert_eq!(totals(&json)["done"], 1);
    assert_eq!(json["report"], "a/b/report.html");
    assert!(place.path("a/b/report.html").is_file());
    assert!(!place.path("out").exists());
}

#[test]
fn workers_are_configured_as_in_lambda() {
    let place = place();
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_flotilla"))
        .args(["replay", "events/1-upload.json"])
        .current_dir(place.path(""))
        .env_clear()
        .env("THUMBNAILS_BUCKET", "elsewhere")
        .env("THUMBNAIL_SIZES", "64")
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let files = files(&place.path("out/objects/elsewhere"));
    assert!(
        files.iter().any(|file| file.ends_with("/64.jpg")),
        "{files:?}"
    );
    assert!(
        !files.iter().any(|file| file.ends_with("/128.jpg")),
        "{files:?}"
    );
}
