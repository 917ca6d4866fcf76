use std::path::PathBuf;

use flotilla_aws::serve;
use handover::{Answer, Ask, Greeting, InvokeAsk, PutAsk};
use runtime_stub::canned::{Answer as Canned, Canned as Endpoint};
use serde_json::json;

use crate::place::{aws, place};

async fn answers(endpoint: &Endpoint, asks: &[Ask]) -> (Greeting, Vec<Answer>) {
    let asks: String = asks
        .iter()
        .map(|ask| serde_json::to_string(ask).unwrap() + "\n")
        .collect();
    let mut told = Vec::new();
    serve(&aws(endpoint).await, asks.as_bytes(), &mut told)
        .await
        .unwrap();
    let told = String::from_utf8(told).unwrap();
    let mut lines = told.lines();
    let greeting = serde_json::from_str(lines.next().unwrap()).unwrap();
    let answers = lines.map(|line| serde_json::from_str(line).unwrap());
    (greeting, answers.collect())
}

fn invoke(worker: &str) -> Ask {
    Ask::Invoke(InvokeAsk {
        worker: worker.to_owned(),
        payload: json!({ "Records": [] }),
    })
}

#[tokio::test]
async fn a_function_is_invoked_and_its_failure_is_told_apart() {
    let endpoint = place().await;
    endpoint.on(
        |request| request.path.ends_with("/invocations"),
        [
            Canned::status(200).body("{\"batchItemFailures\":[]}"),
            Canned::status(200)
                .header("x-amz-function-error", "Unhandled")
                .body("Task timed out"),
        ],
    );
    let (greeting, answers) = answers(
        &endpoint,
        &[
            invoke("thumbnails"),
            invoke("thumbnails"),
            invoke("gallery"),
        ],
    )
    .await;
    assert!(greeting.local);
    assert_eq!(greeting.uploads_bucket, "uploads");
    assert_eq!(greeting.thumbnails_bucket, "thumbs");
    assert_eq!(greeting.workers, ["thumbnails"]);
    let [
        Answer::Invoke(good),
        Answer::Invoke(bad),
        Answer::Failed(unknown),
    ] = &answers[..]
    else {
        panic!("{answers:?}");
    };
    assert_eq!(good.payload, json!({ "batchItemFailures": [] }));
    assert_eq!(good.function_error, None);
    assert_eq!(bad.payload, json!("Task timed out"));
    assert_eq!(bad.function_error.as_deref(), Some("Unhandled"));
    assert!(unknown.contains("gallery"), "{unknown}");
    let received = endpoint.received();
    let call = received
        .iter()
        .find(|request| request.path.contains("invocations"))
        .unwrap();
    assert!(call.path.contains("/functions/flotilla-local-thumbnails/"));
    assert_eq!(call.body, "{\"Records\":[]}");
}

#[tokio::test]
async fn a_failed_call_is_made_once_and_does_not_stop_the_others() {
    let endpoint = place().await;
    endpoint.on(
        |request| request.path.ends_with("/invocations"),
        [
            Canned::status(500).body("{}"),
            Canned::status(200).body("1"),
        ],
    );
    let (_, answers) = answers(&endpoint, &[invoke("thumbnails"), invoke("thumbnails")]).await;
    let [Answer::Failed(reason), Answer::Invoke(good)] = &answers[..] else {
        panic!("{answers:?}");
    };
    assert!(reason.contains("flotilla-local-thumbnails"), "{reason}");
    assert_eq!(good.payload, json!(1));
}

#[tokio::test]
async fn a_bucket_of_somebody_elses_account_is_made_in_local_aws() {
    let endpoint = place().await;
    let missing =
        Canned::status(404).body("<Error><Code>NoSuchBucket</Code><Message>no</Message></Error>");
    let put = Canned::status(200).header("x-amz-version-id", "v1");
    endpoint.on(
        |request| request.method == "PUT" && request.path == "/myblog-uploads/cat.jpg",
        [missing, put],
    );
    endpoint.on(|request| request.method == "PUT", [Canned::status(200)]);
    let ask = Ask::Put(PutAsk {
        bucket: "myblog-uploads".to_owned(),
        key: "cat.jpg".to_owned(),
        file: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"),
        versioned: true,
    });
    let (_, answers) = answers(&endpoint, &[ask]).await;
    let [Answer::Put(put)] = &answers[..] else {
        panic!("{answers:?}");
    };
    assert_eq!(put.version.as_deref(), Some("v1"));
    let made: Vec<String> = endpoint
        .received()
        .iter()
        .filter(|request| request.method == "PUT" && !request.path.contains("cat.jpg"))
        .map(|request| request.query.clone())
        .collect();
    assert_eq!(made, ["", "versioning"]);
}
