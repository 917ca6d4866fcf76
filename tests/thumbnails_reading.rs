//! How a photo is read: in how many requests, how much of it, and what becomes of it when the reading fails.

use std::sync::LazyLock;

use fixtures::encode::{self, JpegOptions};
use fleet::batch::Handled;
use fleet::testing::{MemoryObjects, Operation};
use serde_json::json;

use crate::photos::{Desk, UPLOADS, created, fates, jpeg, record, told};

const CAT: &str = "photos/cat.jpg";

/// What is asked for first where a part may do.
const HEAD: u64 = 256 * 1024;

/// Photos of several times the head.
static BASELINE: LazyLock<Vec<u8>> = LazyLock::new(|| large(false));
static PROGRESSIVE: LazyLock<Vec<u8>> = LazyLock::new(|| large(true));

fn large(progressive: bool) -> Vec<u8> {
    let options = JpegOptions {
        quality: 100,
        progressive,
        ..JpegOptions::default()
    };
    let photo = encode::jpeg(&fixtures::photo(1_600, 1_200, 1), &options);
    assert!(length(&photo) > 4 * HEAD, "{} bytes", photo.len());
    photo
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}

/// A worker with one photo in its store.
fn desk(sizes: &str, photo: Vec<u8>) -> Desk {
    let desk = Desk::with(sizes, MemoryObjects::default());
    desk.objects.place(UPLOADS, CAT, Some("v1"), photo);
    desk
}

fn counted(handled: &Handled, name: &str) -> f64 {
    let metric = handled.metrics.iter().find(|metric| metric.name == name);
    metric.unwrap().value
}

#[tokio::test]
async fn a_photo_for_usual_sizes_is_one_request() {
    for photo in [BASELINE.clone(), PROGRESSIVE.clone()] {
        let bytes = length(&photo);
        let desk = desk("128,256,512,1024", photo);
        assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "done/applied");
        assert_eq!(desk.objects.requests(CAT), [[0, bytes]]);
    }
}

#[tokio::test]
async fn a_baseline_photo_for_small_sizes_is_two_requests() {
    let bytes = length(&BASELINE);
    let desk = desk("32", BASELINE.clone());
    assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "done/applied");
    assert_eq!(desk.objects.requests(CAT), [[0, HEAD], [HEAD, bytes]]);
}

#[tokio::test]
async fn a_small_photo_is_one_request() {
    for sizes in ["32", "1024"] {
        let bytes = length(&jpeg(1));
        let desk = desk(sizes, jpeg(1));
        let handled = desk
            .handle(json!({ "Records": [created(CAT, "v1", "01")] }))
            .await;
        assert_eq!(fates(&handled), ["done/applied"]);
        assert_eq!(desk.objects.requests(CAT).len(), 1);
        for name in ["SourceBytes", "DownloadedBytes"] {
            assert_eq!(counted(&handled, name).to_string(), bytes.to_string());
        }
    }
}

#[tokio::test]
async fn a_manifest_says_how_its_photo_was_read() {
    let desk = desk("32", jpeg(1));
    desk.fate(created(CAT, "v1", "01")).await;
    let source = desk.manifest(CAT).unwrap().source;
    assert!(source.path.is_some(), "{source:?}");
    let read = source.bytes_read.unwrap();
    assert!(read > 0 && read <= source.bytes, "{source:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_a_retry_that_leaves_nothing_behind() {
    for (operation, at) in [
        (Operation::Open, 0),
        (Operation::Open, 100_000),
        (Operation::Part, 0),
        (Operation::Part, 100_000),
    ] {
        let desk = desk("32", BASELINE.clone());
        desk.objects.cut_once(operation, CAT, at);
        let fate = desk.fate(created(CAT, "v1", "01")).await;
        assert_eq!(fate, "retry/truncated", "{operation:?} {at}");
        assert_eq!(desk.objects.take_journal(), [""; 0]);
        assert_eq!(desk.fate(created(CAT, "v1", "01")).await, "done/applied");
    }
}

#[tokio::test]
async fn a_photo_that_goes_away_while_it_is_read_is_gone() {
    let desk = desk("32", BASELINE.clone());
    let pause = desk.objects.pause_once(Operation::Part, CAT);
    let remove = async {
        pause.reached().await;
        desk.objects.remove(UPLOADS, CAT);
        pause.resume();
    };
    let (fate, ()) = tokio::join!(desk.fate(created(CAT, "v1", "01")), remove);
    assert_eq!(fate, "rejected/gone");
    assert_eq!(desk.keys("thumbnails/"), [""; 0]);
}

#[tokio::test]
async fn a_photo_that_is_overwritten_while_it_is_read_is_superseded() {
    let desk = desk("32", BASELINE.clone());
    let pause = desk.objects.pause_once(Operation::Part, CAT);
    let overwrite = async {
        pause.reached().await;
        desk.objects.place(UPLOADS, CAT, None, jpeg(2));
        pause.resume();
    };
    let unversioned = record("ObjectCreated:Put", CAT, None, "01");
    let (fate, ()) = tokio::join!(desk.fate(unversioned), overwrite);
    assert_eq!(fate, "done/superseded");
    assert_eq!(desk.objects.take_journal(), [""; 0]);
}

#[tokio::test]
async fn a_version_is_read_to_its_end_whatever_comes_after_it() {
    let desk = desk("32", BASELINE.clone());
    let pause = desk.objects.pause_once(Operation::Part, CAT);
    let overwrite = async {
        pause.reached().await;
        desk.objects.place(UPLOADS, CAT, Some("v2"), jpeg(2));
        pause.resume();
    };
    let (fate, ()) = tokio::join!(desk.fate(created(CAT, "v1", "01")), overwrite);
    assert_eq!(fate, "done/applied");
    assert_eq!(desk.manifest(CAT).unwrap().source.width, 1_600);
}

#[tokio::test]
async fn a_call_that_ends_in_the_middle_leaves_room_for_the_next() {
    let desk = desk("32", BASELINE.clone());
    let pause = desk.objects.pause_once(Operation::Part, CAT);
    let event = json!({ "Records": [created(CAT, "v1", "01")] });
    tokio::select! {
        handled = desk.handle(event.clone()) => panic!("nobody resumed it: {handled:?}"),
        () = pause.reached() => {}
    }
    assert_eq!(fates(&desk.handle(event).await), ["done/applied"]);
}

#[tokio::test]
async fn many_large_photos_at_once_have_each_its_own_bytes() {
    let desk = desk("32", BASELINE.clone());
    let mut messages = Vec::new();
    for number in 0..12_u32 {
        let key = format!("photos/{number}.jpg");
        let photo = fixtures::photo(1_000 + number, 750, number.into());
        let photo = encode::jpeg(&photo, &JpegOptions::default());
        desk.objects.place(UPLOADS, &key, Some("v1"), photo);
        messages.push(told(&number.to_string(), &created(&key, "v1", "01")));
    }
    let handled = desk.handle(json!({ "Records": messages })).await;
    assert_eq!(fates(&handled), ["done/applied"; 12]);
    for number in 0..12_u32 {
        let manifest = desk.manifest(&format!("photos/{number}.jpg")).unwrap();
        assert_eq!(manifest.source.width, 1_000 + number);
    }
}

#[tokio::test]
async fn of_a_progressive_photo_for_small_sizes_only_the_beginning_is_fetched() {
    let bytes = length(&PROGRESSIVE);
    let desk = desk("64,32", PROGRESSIVE.clone());
    let event = json!({ "Records": [created(CAT, "v1", "01")] });
    let handled = desk.handle(event).await;
    assert_eq!(fates(&handled), ["done/applied"]);
    assert_eq!(desk.objects.requests(CAT), [[0, HEAD]]);
    assert_eq!(desk.objects.sent_bytes(CAT), HEAD);
    assert_eq!(
        counted(&handled, "DownloadedBytes").to_string(),
        HEAD.to_string()
    );
    let source = desk.manifest(CAT).unwrap().source;
    assert_eq!(source.bytes, bytes);
    assert_eq!(source.path.as_deref(), Some("planes"));
    assert_eq!(source.scale, Some(1));
    assert!(source.bytes_read.unwrap() < bytes / 10, "{source:?}");
}
