use fleet::objects::{Condition, Objects as _};
use futures_util::TryStreamExt as _;
use runtime_stub::Loopback;
use runtime_stub::canned::{Answer, Canned};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;

use super::*;
use crate::S3Objects;
use crate::tests::{LIMIT, answering, name, new_object, objects, photo, refused};

/// Bytes 0 to 3 of 10.
fn head() -> Answer {
    Answer::status(206)
        .header("etag", "\"0af1\"")
        .header("content-range", "bytes 0-3/10")
        .header("x-amz-meta-source-version", "v1")
        .body("0123")
}

/// Opens the photo by the first answer, and asks for a part by the second.
async fn part_of(
    opening: Answer,
    answer: Answer,
    range: Range<u64>,
) -> (Canned, Result<Vec<u8>, ObjectsError>) {
    let canned = Canned::start().await.unwrap();
    canned.on(|_| true, [opening, answer]);
    let opened = objects(&canned.url())
        .open(&photo(), 4, LIMIT)
        .await
        .unwrap();
    let read = match opened.parts.part(range).await {
        Ok(chunks) => read(chunks).await,
        Err(error) => Err(error),
    };
    (canned, read)
}

async fn read(chunks: Chunks) -> Result<Vec<u8>, ObjectsError> {
    let chunks: Vec<_> = chunks.try_collect().await?;
    Ok(chunks.concat())
}

#[tokio::test]
async fn an_object_is_opened_by_its_first_bytes() {
    let (canned, objects) = answering(head()).await;
    let opened = objects.open(&photo(), 4, LIMIT).await.unwrap();
    assert_eq!((opened.length, opened.head_end), (10, 4));
    assert_eq!(opened.etag, "0af1");
    assert_eq!(opened.metadata["source-version"], "v1");
    assert_eq!(read(opened.head).await.unwrap(), b"0123");
    assert_eq!(canned.received()[0].header("range"), "bytes=0-3");
}

#[tokio::test]
async fn who_may_take_all_asks_for_all_and_its_checksum_is_checked() {
    let answer = Answer::status(200)
        .header("etag", "\"0af1\"")
        .header("x-amz-checksum-crc32", "AAAAAA==")
        .body("bits");
    let (canned, objects) = answering(answer).await;
    let opened = objects.open(&photo(), u64::MAX, LIMIT).await.unwrap();
    assert_eq!((opened.length, opened.head_end), (4, 4));
    let error = read(opened.head).await.unwrap_err();
    assert_eq!(name(&error), "unavailable");
    assert!(error.to_string().contains("checksum"), "{error}");
    assert_eq!(canned.received()[0].header("range"), "");
}

#[tokio::test]
async fn a_store_that_knows_no_ranges_sends_everything() {
    let answer = Answer::status(200).body("0123456789");
    let (_canned, objects) = answering(answer).await;
    let opened = objects.open(&photo(), 4, LIMIT).await.unwrap();
    assert_eq!((opened.length, opened.head_end), (10, 10));
    assert_eq!(read(opened.head).await.unwrap(), b"0123456789");
}

#[tokio::test]
async fn an_empty_object_is_opened_without_a_range() {
    let canned = Canned::start().await.unwrap();
    let empty = Answer::status(200).header("etag", "\"d41d\"");
    canned.on(|_| true, [refused(416, "InvalidRange"), empty]);
    let opened = objects(&canned.url())
        .open(&photo(), 4, LIMIT)
        .await
        .unwrap();
    assert_eq!((opened.length, opened.head_end), (0, 0));
    assert_eq!(read(opened.head).await.unwrap(), b"");
    assert_eq!(canned.received()[1].header("range"), "");
}

#[tokio::test]
async fn an_object_over_the_limit_is_not_opened() {
    let head = head().header("content-range", "bytes 0-3/1001");
    let (_canned, objects) = answering(head).await;
    let error = objects.open(&photo(), 4, LIMIT).await.unwrap_err();
    assert_eq!(name(&error), "too large");
}

#[tokio::test]
async fn every_refusal_of_an_opening_has_its_meaning() {
    for (status, code, expected) in [
        (404, "NoSuchKey", "not found"),
        (412, "PreconditionFailed", "condition failed"),
        (403, "AccessDenied", "denied"),
        (503, "SlowDown", "throttled"),
        (500, "InternalError", "unavailable"),
        (416, "InvalidRange", "unavailable"),
    ] {
        let (_canned, objects) = answering(refused(status, code)).await;
        let error = objects.open(&photo(), 4, LIMIT).await.unwrap_err();
        assert_eq!(name(&error), expected, "{status} {code}: {error}");
    }
}

#[tokio::test]
async fn a_part_is_asked_for_by_version_and_entity_tag() {
    let part = Answer::status(206)
        .header("etag", "\"0af1\"")
        .header("content-range", "bytes 4-8/10")
        .body("45678");
    let opening = head().header("x-amz-version-id", "v 1");
    let (canned, read) = part_of(opening, part, 4..9).await;
    assert_eq!(read.unwrap(), b"45678");
    let asked = &canned.received()[1];
    assert_eq!(asked.header("range"), "bytes=4-8");
    assert_eq!(asked.header("if-match"), "\"0af1\"");
    assert!(asked.query.contains("versionId=v%201"), "{}", asked.query);
}

#[tokio::test]
async fn a_part_that_is_not_what_was_asked_for_is_refused() {
    let part = |etag: &str, range: &str, body: &'static str| {
        Answer::status(206)
            .header("etag", etag)
            .header("content-range", range)
            .body(body)
    };
    for (answer, expected) in [
        (part("\"0af1\"", "bytes 4-8/10", "45678"), "read"),
        (
            part("\"0af2\"", "bytes 4-8/10", "45678"),
            "condition failed",
        ),
        (part("\"0af1\"", "bytes 0-4/10", "01234"), "unavailable"),
        (part("\"0af1\"", "bytes 4-8/9", "45678"), "unavailable"),
        (part("\"0af1\"", "bytes 4-8/*", "45678"), "unavailable"),
        (part("\"0af1\"", "bytes 4-8/10", "456789"), "unavailable"),
        (part("\"0af1\"", "bytes 4-8/10", "4567"), "truncated"),
        (
            part("\"0af1\"", "bytes 4-8/10", "45").announcing(5),
            "truncated",
        ),
        (
            Answer::status(200).header("etag", "\"0af1\"").body("01234"),
            "unavailable",
        ),
        (refused(416, "InvalidRange"), "condition failed"),
        (refused(412, "PreconditionFailed"), "condition failed"),
        (refused(404, "NoSuchKey"), "not found"),
        (refused(503, "SlowDown"), "throttled"),
    ] {
        let (_canned, read) = part_of(head(), answer.clone(), 4..9).await;
        let got = read.as_ref().map_or_else(name, |_| "read");
        assert_eq!(got, expected, "{answer:?}: {read:?}");
    }
}

#[tokio::test]
async fn a_part_that_ends_early_says_where() {
    let part = Answer::status(206)
        .header("etag", "\"0af1\"")
        .header("content-range", "bytes 4-8/10")
        .body("45")
        .announcing(5);
    let (_canned, read) = part_of(head(), part, 4..9).await;
    let truncated = ObjectsError::Truncated {
        object: "s3://uploads/2024/a b+c.jpg".to_owned(),
        actual: 6,
        expected: 10,
    };
    assert_eq!(read, Err(truncated));
}

#[tokio::test]
async fn an_object_that_could_not_be_known_again_has_no_parts() {
    let opening = Answer::status(206)
        .header("content-range", "bytes 0-3/10")
        .body("0123");
    let (canned, read) = part_of(opening, Answer::status(200), 4..9).await;
    assert_eq!(name(&read.unwrap_err()), "unavailable");
    assert_eq!(canned.received().len(), 1);
}

#[test]
fn a_content_range_is_read_or_refused() {
    assert_eq!(content_range("bytes 0-99/1234"), Some((0..100, 1234)));
    for text in [
        "",
        "bytes */1234",
        "bytes 0-99/*",
        "bytes 0-/10",
        "items 0-99/1234",
        "bytes 0-18446744073709551615/1",
    ] {
        assert_eq!(content_range(text), None, "{text}");
    }
}

/// A server that really reads ranges, with one object of 1,000 different bytes.
async fn server() -> (tempfile::TempDir, Loopback, S3Objects) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("thumbnails")).unwrap();
    let files = s3s_fs::FileSystem::new(directory.path()).unwrap();
    let mut s3 = S3ServiceBuilder::new(files);
    s3.set_auth(SimpleAuth::from_single("test", "test"));
    let server = Loopback::serve(s3.build()).await.unwrap();
    let objects = objects(&server.url());
    (directory, server, objects)
}

static BYTES: [u8; 1_000] = {
    let mut bytes = [0; 1_000];
    let mut index = 0;
    while index < bytes.len() {
        bytes[index] = (index * 7 / 3 % 256).to_le_bytes()[0];
        index += 1;
    }
    bytes
};

#[tokio::test]
async fn a_real_server_sends_each_part_and_none_of_what_came_instead() {
    let (_directory, _server, objects) = server().await;
    let put = |bytes| objects.put(new_object("a", bytes), Condition::None);
    put(&BYTES).await.unwrap();
    let source = ObjectRef::current("thumbnails", "a");
    for (first, head) in [
        (1, 1),
        (300, 300),
        (999, 999),
        (1_000, 1_000),
        (u64::MAX, 1_000),
    ] {
        let opened = objects.open(&source, first, LIMIT).await.unwrap();
        assert_eq!((opened.length, opened.head_end), (1_000, head), "{first}");
        let mut bytes = read(opened.head).await.unwrap();
        if head < 1_000 {
            let rest = opened.parts.part(head..1_000).await.unwrap();
            bytes.extend(read(rest).await.unwrap());
        }
        assert_eq!(bytes, BYTES, "{first}");
    }
    let opened = objects.open(&source, 300, LIMIT).await.unwrap();
    put(&BYTES[..999]).await.unwrap();
    let error = opened.parts.part(300..1_000).await.err();
    assert_eq!(error.map(|error| name(&error)), Some("condition failed"));
}

#[tokio::test]
async fn a_real_server_has_no_part_of_an_empty_object() {
    let (_directory, _server, objects) = server().await;
    let put = objects.put(new_object("a", b""), Condition::None);
    put.await.unwrap();
    let source = ObjectRef::current("thumbnails", "a");
    let opened = objects.open(&source, 4, LIMIT).await.unwrap();
    assert_eq!((opened.length, opened.head_end), (0, 0));
    assert_eq!(read(opened.head).await.unwrap(), b"");
}
