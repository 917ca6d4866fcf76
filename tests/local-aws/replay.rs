//! Captured events through the deployed functions.

use crate::stack::Stack;

#[tokio::test]
#[ignore = "needs local AWS: cargo run -- up"]
async fn a_captured_event_meets_the_deployed_worker_and_the_same_fate_as_on_a_desk() {
    let stack = Stack::running();
    let out = tempfile::tempdir().unwrap();
    let out = out.path().to_str().unwrap();
    let events = [
        "events/s3/put-jpeg.json",
        "events/s3/put-text-named-jpg.json",
        "events/s3/test-event.json",
        "events/dynamodb/insert-invalid-address.json",
        "events/dynamodb/modify.json",
    ];
    let fates = |report: &serde_json::Value| -> Vec<(String, String)> {
        let events = report["events"].as_array().unwrap();
        let records = events
            .iter()
            .flat_map(|event| event["records"].as_array().unwrap());
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        records
            .map(|record| (text(&record["fate"]), text(&record["kind"])))
            .collect()
    };
    let mut arguments = vec!["replay", "--json", "--out", out];
    arguments.extend(events);
    let desk = fates(&stack.flotilla(&arguments).await);
    arguments.extend(["--against", "local"]);
    let deployed = fates(&stack.flotilla(&arguments).await);
    assert_eq!(desk.len(), deployed.len());
    for ((desk, deployed), event) in desk.iter().zip(&deployed).zip(events) {
        // Whoever ran this before has applied it already.
        if desk.0 != "done" {
            assert_eq!(desk, deployed, "{event}");
        }
        assert_eq!(desk.0, deployed.0, "{event}");
    }
}
