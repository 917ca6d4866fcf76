use std::time::Duration;

use flotilla_aws::{LiveError, PutSession, put};
use handover::{Place, Put};
use runtime_stub::canned::{Answer, Canned};
use serde_json::json;
use tempfile::TempDir;

use crate::place::{aws, place};

const MANIFEST: &str = "/thumbs/manifests/uploads/ann/cat.jpg.json";

fn manifest(version: &str) -> Answer {
    let output = json!({
        "key": "thumbnails/uploads/ann/cat.jpg/~v1/r/128.jpg", "size": "128", "width": 128, "height": 96, "bytes": 5,
        "type": "image/jpeg", "frames": 1,
    });
    let manifest = json!({
        "manifestVersion": 1, "recipe": "r", "thumbhash": "", "outputs": [output], "srcset": "", "picture": [],
        "source": {
            "bucket": "uploads", "key": "ann/cat.jpg", "version": version, "sequencer": "01", "etag": "e", "bytes": 3,
            "type": "image/jpeg", "width": 4, "height": 3,
        },
    });
    Answer::status(200).body(manifest.to_string())
}

fn missing() -> Answer {
    Answer::status(404).body("<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>")
}

/// The photo's put succeeds, as version 2; the manifest is asked for until the last of these answers.
async fn with(manifests: Vec<Answer>) -> Canned {
    let canned = place().await;
    canned.on(
        |request| request.method == "PUT",
        [Answer::status(200)
            .header("x-amz-version-id", "v2")
            .header("etag", "\"e\"")],
    );
    canned.on(|request| request.path == MANIFEST, manifests);
    canned.on(
        |request| request.path.ends_with("128.jpg"),
        [Answer::status(200).body("bytes")],
    );
    canned
}

async fn run(
    canned: &Canned,
    change: impl FnOnce(&mut Put, &TempDir),
) -> Result<PutSession, LiveError> {
    let folder = tempfile::tempdir().unwrap();
    let photo = folder.path().join("cat.jpg");
    std::fs::write(&photo, b"\xff\xd8\xff").unwrap();
    let mut options = Put {
        photos: vec![photo],
        owner: "ann".to_owned(),
        key: None,
        out: None,
        wait: Duration::from_secs(30),
        no_wait: false,
        json: false,
        place: Place::default(),
    };
    change(&mut options, &folder);
    let session = put(&aws(canned).await, &options, |_| Ok(())).await?;
    for thumbnail in session.photos.iter().flat_map(|photo| &photo.thumbnails) {
        if let Some(saved) = &thumbnail.saved {
            assert_eq!(std::fs::read(saved).unwrap(), b"bytes");
        }
    }
    Ok(session)
}

#[tokio::test]
async fn the_manifest_of_an_earlier_version_is_not_waited_for() {
    let canned = with(vec![missing(), manifest("v1"), manifest("v2")]).await;
    let session = run(&canned, |_, _| {}).await.unwrap();
    assert!(session.is_finished());
    let [photo] = &session.photos[..] else {
        panic!("one photo was put");
    };
    assert_eq!(photo.state, "thumbnails");
    assert_eq!(photo.key, "ann/cat.jpg");
    assert_eq!(photo.thumbnails.len(), 1);
    let received = canned.received();
    let put = received
        .iter()
        .find(|request| request.method == "PUT")
        .unwrap();
    assert_eq!(put.path, "/uploads/ann/cat.jpg");
    assert_eq!(put.header("content-type"), "image/jpeg");
    let asked = received
        .iter()
        .filter(|request| request.path == MANIFEST)
        .count();
    assert_eq!(asked, 3);
}

#[tokio::test]
async fn thumbnails_are_saved_where_they_are_wanted() {
    let canned = with(vec![manifest("v2")]).await;
    let session = run(&canned, |options, folder| {
        options.out = Some(folder.path().join("out"));
    })
    .await
    .unwrap();
    let saved = session.photos[0].thumbnails[0].saved.as_deref().unwrap();
    assert!(saved.ends_with("out/ann/cat.jpg/128.jpg"), "{saved}");
}

#[tokio::test]
async fn a_wait_ends() {
    let canned = with(vec![missing()]).await;
    let session = run(&canned, |options, _| {
        options.wait = Duration::from_millis(1);
    })
    .await
    .unwrap();
    assert_eq!(session.photos[0].state, "waiting");
    assert!(!session.is_finished());
}

#[tokio::test]
async fn nobody_has_to_wait() {
    let canned = with(vec![missing()]).await;
    let session = run(&canned, |options, _| options.no_wait = true)
        .await
        .unwrap();
    assert_eq!(session.photos[0].state, "put");
    assert!(session.is_finished());
}

#[tokio::test]
async fn a_put_that_is_refused_says_why_and_is_no_wrong_command() {
    let canned = place().await;
    canned.always(
        Answer::status(403).body("<Error><Code>AccessDenied</Code><Message>no</Message></Error>"),
    );
    let error = run(&canned, |_, _| {}).await.unwrap_err();
    assert!(!error.is_usage());
    let text = error.to_string();
    assert!(text.contains("putting s3://uploads/ann/cat.jpg"), "{text}");
    assert!(text.contains("may not do that"), "{text}");
}
