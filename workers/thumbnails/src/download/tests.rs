use std::sync::atomic::Ordering;

use fleet::objects::{ObjectRef, Objects as _, ObjectsError};
use fleet::testing::{MemoryObjects, MemoryParts, Operation};
use thumbnailer::{Input as _, InputError, Plan};
use tokio::task::spawn_blocking;

use super::{Arriving, Fetch, begin};

const KEY: &str = "photo";

/// How many bytes the first request asks for here.
const FIRST: u64 = 10_000;

/// A JPEG as far as its header, then zeros.
fn photo(kind: u8, length: usize) -> Vec<u8> {
    let mut photo = vec![0xFF, 0xD8, 0xFF, kind, 0, 11, 8, 0x0B, 0xD0, 0x0F, 0xC0];
    photo.resize(length, 0);
    photo
}

fn progressive(length: usize) -> Vec<u8> {
    photo(0xC2, length)
}

fn baseline(length: usize) -> Vec<u8> {
    photo(0xC0, length)
}

fn store(bytes: Vec<u8>) -> MemoryObjects {
    let objects = MemoryObjects::default();
    objects.place("b", KEY, None, bytes);
    objects
}

fn plan() -> Plan {
    Plan {
        sizes: vec![thumbnailer::Size::square(256)],
        ..Plan::default()
    }
}

async fn download(
    objects: &MemoryObjects,
    first_bytes: u64,
) -> Result<(Arriving, Fetch<MemoryParts>), ObjectsError> {
    let source = ObjectRef::current("b", KEY);
    let opened = objects.open(&source, first_bytes, u64::MAX).await?;
    begin(opened, Vec::new(), &plan()).await
}

/// Reads as a decoder does, each of these ranges in turn, and gives back what there was at its offset at the end.
async fn read(
    objects: &MemoryObjects,
    first_bytes: u64,
    wants: &'static [(usize, usize)],
) -> (Result<Vec<u8>, InputError>, Result<(), ObjectsError>) {
    let (mut arriving, fetch) = download(objects, first_bytes).await.unwrap();
    let reading = spawn_blocking(move || {
        let mut read = Vec::new();
        for (offset, want) in wants {
            read = arriving.from(*offset, *want)?.to_vec();
            assert!(read.len() >= *want || arriving.whole().is_some());
        }
        Ok(read)
    });
    let (read, fetched) = tokio::join!(reading, fetch.run());
    (read.unwrap(), fetched)
}

#[tokio::test]
async fn a_photo_that_is_needed_whole_is_one_request() {
    let bytes = baseline(100_000);
    let objects = store(bytes.clone());
    let (read, fetched) = read(
        &objects,
        u64::MAX,
        &[(0, 10), (50_000, 10), (0, usize::MAX)],
    )
    .await;
    assert_eq!(read.unwrap(), bytes);
    assert_eq!(fetched, Ok(()));
    assert_eq!(objects.requests(KEY), [[0, 100_000]]);
}

#[tokio::test]
async fn the_rest_of_a_baseline_photo_is_one_request_and_nobody_has_to_ask() {
    let objects = store(baseline(100_000));
    let (mut arriving, fetch) = download(&objects, FIRST).await.unwrap();
    let (fetched, ()) = tokio::join!(fetch.run(), arriving.arrived());
    assert_eq!(fetched, Ok(()));
    assert_eq!(arriving.whole().unwrap(), baseline(100_000));
    assert_eq!(objects.requests(KEY), [[0, 10_000], [10_000, 100_000]]);
}

#[tokio::test]
async fn of_a_progressive_photo_no_more_comes_than_is_asked_for() {
    let objects = store(progressive(1_000_000));
    let (read, fetched) = read(&objects, FIRST, &[(0, 100), (9_000, 1_000)]).await;
    assert_eq!(read.unwrap().len(), 1_000);
    assert_eq!(fetched, Ok(()));
    assert_eq!(objects.requests(KEY), [[0, 10_000]]);
    assert_eq!(objects.sent_bytes(KEY), 10_000);
}

#[tokio::test]
async fn what_a_progressive_photo_needs_more_comes_in_few_requests() {
    let bytes = progressive(1_000_000);
    let objects = store(bytes.clone());
    let wants = &[(0, 100), (10_000, 1), (20_000, 1_000), (0, usize::MAX)];
    let (read, _) = read(&objects, FIRST, wants).await;
    assert_eq!(read.unwrap(), bytes);
    let expected = [
        [0, 10_000],
        [10_000, 20_000],
        [20_000, 40_000],
        [40_000, 1_000_000],
    ];
    assert_eq!(objects.requests(KEY), expected);
}

#[tokio::test]
async fn nothing_lies_past_the_end() {
    let objects = store(progressive(20_000));
    let (read, _) = read(
        &objects,
        FIRST,
        &[(19_999, 10), (20_000, 1), (usize::MAX, 1)],
    )
    .await;
    assert_eq!(read.unwrap(), b"");
    let objects = store(Vec::new());
    let (read, fetched) = self::read(&objects, FIRST, &[(0, 1)]).await;
    assert_eq!((read, fetched), (Ok(Vec::new()), Ok(())));
}

#[tokio::test]
async fn a_connection_that_breaks_is_an_error_of_the_read_that_needs_more() {
    for (operation, first_bytes) in [(Operation::Open, u64::MAX), (Operation::Part, FIRST)] {
        let objects = store(baseline(100_000));
        objects.cut_once(operation, KEY, 6_000);
        let (read, fetched) = read(&objects, first_bytes, &[(0, 5_000), (0, 100_000)]).await;
        let error = fetched.unwrap_err();
        assert!(matches!(error, ObjectsError::Truncated { .. }), "{error}");
        assert_eq!(read.unwrap_err().reason, error.to_string());
    }
}

#[tokio::test]
async fn what_came_before_a_break_can_still_be_read() {
    let objects = store(baseline(100_000));
    objects.cut_once(Operation::Part, KEY, 50_000);
    let (mut arriving, fetch) = download(&objects, FIRST).await.unwrap();
    let (fetched, ()) = tokio::join!(fetch.run(), arriving.arrived());
    assert!(fetched.is_err());
    assert_eq!(arriving.whole(), None);
    let read = spawn_blocking(move || {
        let first = arriving.from(0, 60_000).map(<[u8]>::len);
        (first, arriving.from(0, 60_001).map(<[u8]>::len))
    });
    let (first, more) = read.await.unwrap();
    assert_eq!(first, Ok(60_000));
    assert!(
        more.unwrap_err()
            .reason
            .contains("after 60000 of 100000 bytes")
    );
}

#[tokio::test]
async fn a_head_that_breaks_is_the_error_of_the_store() {
    let objects = store(baseline(100_000));
    objects.cut_once(Operation::Open, KEY, 6_000);
    let error = download(&objects, FIRST).await.err().unwrap();
    assert!(matches!(error, ObjectsError::Truncated { .. }), "{error}");
}

#[tokio::test]
async fn a_photo_that_is_overwritten_in_between_is_never_a_mixture() {
    let objects = store(progressive(100_000));
    let (mut arriving, fetch) = download(&objects, FIRST).await.unwrap();
    objects.place("b", KEY, None, vec![1; 100_000]);
    let reading = spawn_blocking(move || arriving.from(0, usize::MAX).map(<[u8]>::len));
    let (read, fetched) = tokio::join!(reading, fetch.run());
    let changed = ObjectsError::ConditionFailed("s3://b/photo".to_owned());
    assert_eq!(fetched, Err(changed));
    assert!(read.unwrap().is_err());
}

#[tokio::test]
async fn a_decoder_that_has_enough_ends_the_transfer() {
    let objects = store(baseline(100_000));
    let (arriving, fetch) = download(&objects, FIRST).await.unwrap();
    let received = fetch.received();
    drop(arriving);
    assert_eq!(fetch.run().await, Ok(()));
    assert_eq!(objects.requests(KEY), [[0, 10_000]]);
    assert_eq!(received.load(Ordering::Relaxed), 10_000);
}

#[tokio::test]
async fn a_transfer_that_is_given_up_ends_the_wait_of_the_decoder() {
    let objects = store(progressive(100_000));
    let (mut arriving, fetch) = download(&objects, FIRST).await.unwrap();
    let reading = spawn_blocking(move || arriving.from(0, usize::MAX).map(<[u8]>::len));
    drop(fetch);
    let error = reading.await.unwrap().unwrap_err();
    assert_eq!(error.reason, "the download was given up");
}

#[tokio::test]
async fn a_buffer_is_used_again_and_what_was_in_it_is_not() {
    let objects = store(baseline(10));
    let source = ObjectRef::current("b", KEY);
    let opened = objects.open(&source, 5, u64::MAX).await.unwrap();
    let buffer = vec![9; 100];
    let memory = buffer.as_ptr();
    let (mut arriving, fetch) = begin(opened, buffer, &plan()).await.unwrap();
    let (fetched, ()) = tokio::join!(fetch.run(), arriving.arrived());
    assert_eq!(fetched, Ok(()));
    assert_eq!(arriving.whole().unwrap(), baseline(10));
    let buffer = arriving.into_buffer();
    assert_eq!(buffer.as_ptr(), memory);
}
