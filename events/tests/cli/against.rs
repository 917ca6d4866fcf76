//! Replays against deployed functions, which a script plays.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::{Place, photo};

/// Writes down what it is asked, and gives these answers one after another.
fn deployed(place: &Place, local: bool, answers: &[Value]) {
    let greeting = json!({
        "place": "some AWS", "local": local, "uploads_bucket": "stack-uploads", "thumbnails_bucket": "stack-thumbnails",
        "workers": ["thumbnails"],
    });
    let answers: Vec<String> = answers
        .iter()
        .map(|answer| {
            let asked = "read -r ask || exit 0\nprintf '%s\\n' \"$ask\" >> asks.jsonl";
            format!("{asked}\necho '{answer}'\n")
        })
        .collect();
    let script = format!(
        "echo '{greeting}'\n{}read -r ask && echo 'error: one ask too many' >&2\n",
        answers.concat()
    );
    play(place, &script);
}

fn play(place: &Place, script: &str) {
    place.write("play.sh", script);
}

fn flotilla(place: &Place, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_flotilla"))
        .args(arguments)
        .current_dir(place.path(""))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env(
            "FLOTILLA_AWS",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/play.sh"),
        )
        .output()
        .unwrap()
}

fn asks(place: &Place) -> Vec<Value> {
    let asks = fs::read_to_string(place.path("asks.jsonl")).unwrap_or_default();
    asks.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn upload(bucket: &str, version: &str) -> Value {
    json!({ "Records": [{
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": { "name": bucket },
            "object": { "key": "cat.jpg", "versionId": version, "sequencer": "0055AED6DCD90281E5" },
        },
    }] })
}

fn report(fate: &str, kind: &str) -> Value {
    json!({ "invoke": { "function_error": null, "elapsed_ms": 99.0, "payload": {
        "flotillaReplay": 1, "error": null, "response": { "done": 1 }, "elapsedMs": 12.34,
        "counts": [{ "name": "ThumbnailsWritten", "value": 4.0 }],
        "records": [{ "source": "s3", "id": null, "subject": "s3://uploads/cat.jpg", "fate": fate, "kind": kind,
            "reason": "4 thumbnails written" }],
    } } })
}

fn place() -> Place {
    let place = Place::new();
    place.write("events/objects/uploads/cat.jpg", photo());
    place.event("events/upload.json", &upload("uploads", "v1"));
    place
}

const LOCAL: [&str; 4] = ["replay", "events", "--against", "local"];

#[test]
fn local_aws_gets_the_object_first_and_then_the_same_event() {
    let place = place();
    let put = json!({ "put": { "version": "real-1" } });
    deployed(&place, true, &[put, report("done", "applied")]);
    let output = flotilla(&place, &[&LOCAL[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let [put, invoke] = &asks(&place)[..] else {
        panic!("{:?}", asks(&place));
    };
    assert_eq!(put["put"]["bucket"], "uploads");
    assert_eq!(put["put"]["key"], "cat.jpg");
    assert_eq!(put["put"]["versioned"], true);
    let file = put["put"]["file"].as_str().unwrap();
    assert!(file.ends_with("events/objects/uploads/cat.jpg"), "{file}");
    assert_eq!(invoke["invoke"]["worker"], "thumbnails");
    let payload = &invoke["invoke"]["payload"];
    assert_eq!(payload["flotillaReplay"], 1);
    assert_eq!(payload["event"], upload("uploads", "real-1"));

    let replay = document(&output);
    assert_eq!(replay["against"], "some AWS");
    assert_eq!(replay["report"], "out/local/report.html");
    let event = &replay["events"][0];
    assert_eq!(event["records"][0]["kind"], "applied");
    assert_eq!(event["elapsed_ms"], 12.3);
    assert_eq!(event["counts"][0]["name"], "ThumbnailsWritten");
    let page = fs::read_to_string(place.path("out/local/report.html")).unwrap();
    assert!(page.contains("some AWS"), "{page}");
    assert!(!page.contains("no new effects"), "{page}");
}

#[test]
fn what_a_person_reads_tells_what_the_function_counted() {
    let place = place();
    let put = json!({ "put": { "version": null } });
    deployed(&place, true, &[put, report("done", "applied")]);
    let output = flotilla(&place, &LOCAL);
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap(), @r"
    events/upload.json  thumbnails · s3 · 12.3 ms
      done     applied      s3://uploads/cat.jpg
                            4 thumbnails written
        # counted ThumbnailsWritten 4

    1 event, 1 record: 1 done, 0 rejected, 0 to retry; what changed lies in some AWS; 12.3 ms
    Report: out/local/report.html
    ");
}

#[test]
fn a_function_that_does_not_tell_leaves_its_event_to_retry() {
    for (answer, kind) in [
        (json!({ "failed": "throttled" }), "not-invoked"),
        (
            json!({ "invoke": { "function_error": "Unhandled", "elapsed_ms": 1.0,
                "payload": { "errorMessage": "Task timed out" } } }),
            "function-failed",
        ),
        (
            json!({ "invoke": { "function_error": null, "elapsed_ms": 1.0, "payload": { "batchItemFailures": [] } } }),
            "no-report",
        ),
        (report("unheard-of", "applied"), "applied"),
    ] {
        let place = place();
        deployed(
            &place,
            true,
            &[json!({ "put": { "version": null } }), answer],
        );
        let output = flotilla(&place, &[&LOCAL[..], &["--json"]].concat());
        assert_eq!(output.status.code(), Some(1), "{kind}: {output:?}");
        let replay = document(&output);
        assert_eq!(replay["events"][0]["records"][0]["kind"], kind);
        assert_eq!(replay["totals"]["retry"], 1, "{kind}");
    }
}

#[test]
fn an_object_that_cannot_be_put_is_no_reason_to_invoke() {
    let place = place();
    deployed(&place, true, &[json!({ "failed": "no such bucket" })]);
    let output = flotilla(&place, &[&LOCAL[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(
        document(&output)["events"][0]["records"][0]["kind"],
        "not-put"
    );
}

#[test]
fn a_worker_that_is_not_deployed_is_said_to_be_so() {
    let place = place();
    deployed(&place, true, &[]);
    let arguments = [&LOCAL[..], &["--json", "--worker", "welcome-mail"]].concat();
    let output = flotilla(&place, &arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(
        document(&output)["events"][0]["records"][0]["kind"],
        "not-deployed"
    );
}

#[test]
fn an_account_does_nothing_until_somebody_confirms() {
    let place = place();
    deployed(&place, false, &[report("rejected", "gone")]);
    let account = ["replay", "events", "--against", "aws"];
    let output = flotilla(&place, &account);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("thumbnails 1"), "{complaint}");
    assert!(complaint.contains("--yes"), "{complaint}");
    assert_eq!(asks(&place), [Value::Null; 0]);

    let output = flotilla(&place, &[&account[..], &["--yes"]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("--put-objects"), "{text}");
    let [invoke] = &asks(&place)[..] else {
        panic!("nothing is put unasked: {:?}", asks(&place));
    };
    assert_eq!(
        invoke["invoke"]["payload"]["event"],
        upload("uploads", "v1")
    );
}

#[test]
fn an_account_gets_objects_into_its_own_bucket_when_that_is_wished() {
    let place = place();
    let put = json!({ "put": { "version": "real-1" } });
    deployed(&place, false, &[put, report("done", "superseded")]);
    let arguments = [
        "replay",
        "events",
        "--against",
        "aws",
        "--yes",
        "--put-objects",
    ];
    let output = flotilla(&place, &arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let [put, invoke] = &asks(&place)[..] else {
        panic!("{:?}", asks(&place));
    };
    assert_eq!(put["put"]["bucket"], "stack-uploads");
    let event = &invoke["invoke"]["payload"]["event"];
    assert_eq!(event, &upload("stack-uploads", "real-1"));
}

#[test]
fn where_nothing_is_deployed_the_reason_is_the_error() {
    let place = place();
    play(&place, "echo 'error: local AWS is not up' >&2\nexit 2\n");
    let output = flotilla(&place, &LOCAL);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: local AWS is not up\n"
    );
    assert!(!place.path("out").exists());
}

#[test]
fn a_command_that_talks_to_aws_becomes_the_program_that_does() {
    let place = place();
    play(&place, "printf '%s|' \"$@\"\nexit 7\n");
    let output = flotilla(&place, &["put", "a b.jpg", "--owner", "ann"]);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let words = String::from_utf8(output.stdout).unwrap();
    assert_eq!(words, "put|a b.jpg|--owner|ann|");
}

#[test]
fn a_wrong_command_needs_no_other_program() {
    let place = place();
    for arguments in [
        &["put"][..],
        &["mail", "zero"],
        &["tail", "--since", "5"],
        &["replay", "events", "--stage", "dev"],
        &["replay", "events", "--yes"],
        &["replay", "events", "--against", "moon"],
    ] {
        let output = flotilla(&place, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    }
}
