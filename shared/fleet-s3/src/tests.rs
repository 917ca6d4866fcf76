use std::collections::BTreeMap;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use runtime_stub::Loopback;
use runtime_stub::canned::{Answer, Canned};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;

use super::*;

pub(crate) const LIMIT: u64 = 1_000;

/// One attempt per call, against an endpoint on loopback.
pub(crate) fn objects(url: &str) -> S3Objects {
    let credentials = Credentials::new("test", "test", None, None, "test");
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new("us-east-1"))
        .retry_config(RetryConfig::disabled())
        .build();
    S3Objects::new(&sdk)
}

/// An endpoint that says `answer` to everything, and a client of it.
pub(crate) async fn answering(answer: Answer) -> (Canned, S3Objects) {
    let canned = Canned::start().await.unwrap();
    canned.always(answer);
    let objects = objects(&canned.url());
    (canned, objects)
}

pub(crate) fn refused(status: u16, code: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>because</Message></Error>");
    Answer::status(status)
        .header("content-type", "application/xml")
        .body(body)
}

pub(crate) fn photo() -> ObjectRef {
    ObjectRef::current("uploads", "2024/a b+c.jpg")
}

pub(crate) fn new_object(key: &str, bytes: &'static [u8]) -> NewObject {
    NewObject {
        bucket: "thumbnails".to_owned(),
        key: key.to_owned(),
        bytes: bytes.into(),
        content_type: "image/webp".to_owned(),
        cache_control: Some("public, max-age=31536000, immutable".to_owned()),
        metadata: BTreeMap::from([("source-version".to_owned(), "v1".to_owned())]),
    }
}

/// The variant, for tables.
pub(crate) fn name(error: &ObjectsError) -> &'static str {
    match error {
        ObjectsError::NotFound(_) => "not found",
        ObjectsError::ConditionFailed(_) => "condition failed",
        ObjectsError::TooLarge { .. } => "too large",
        ObjectsError::Truncated { .. } => "truncated",
        ObjectsError::Denied { .. } => "denied",
        ObjectsError::Throttled { .. } => "throttled",
        ObjectsError::Unavailable { .. } => "unavailable",
    }
}

#[tokio::test]
async fn every_refusal_of_a_read_has_its_meaning() {
    for (status, code, expected) in [
        (404, "NoSuchKey", "not found"),
        (404, "NoSuchVersion", "not found"),
        (405, "MethodNotAllowed", "not found"),
        (412, "PreconditionFailed", "condition failed"),
        (404, "NoSuchBucket", "denied"),
        (403, "AccessDenied", "denied"),
        (403, "InvalidObjectState", "denied"),
        (400, "ExpiredToken", "denied"),
        (400, "KMS.DisabledException", "denied"),
        (301, "PermanentRedirect", "denied"),
        (400, "KMS.ThrottlingException", "throttled"),
        (503, "SlowDown", "throttled"),
        (503, "ServiceUnavailable", "throttled"),
        (429, "TooManyRequests", "throttled"),
        (500, "InternalError", "unavailable"),
        (400, "InvalidArgument", "unavailable"),
        (404, "SomethingNew", "unavailable"),
    ] {
        let (_canned, objects) = answering(refused(status, code)).await;
        let error = objects.get(&photo(), LIMIT).await.unwrap_err();
        assert_eq!(name(&error), expected, "{status} {code}: {error}");
    }
}

#[tokio::test]
async fn every_refusal_of_a_write_has_its_meaning() {
    for (status, code, expected) in [
        (412, "PreconditionFailed", "condition failed"),
        (409, "ConditionalRequestConflict", "condition failed"),
        (404, "NoSuchKey", "condition failed"),
        (409, "OperationAborted", "unavailable"),
        (404, "NoSuchBucket", "denied"),
        (403, "AccessDenied", "denied"),
        (503, "SlowDown", "throttled"),
        (500, "InternalError", "unavailable"),
    ] {
        let (_canned, objects) = answering(refused(status, code)).await;
        let condition = Condition::Unchanged("0af1".to_owned());
        let error = objects.put(new_object("a", b"a"), condition).await;
        let error = error.unwrap_err();
        assert_eq!(name(&error), expected, "{status} {code}: {error}");
    }
}

#[tokio::test]
async fn an_object_that_somebody_is_about_to_write_is_not_there_yet() {
    for (status, code, expected) in [
        (412, "PreconditionFailed", "condition failed"),
        (409, "ConditionalRequestConflict", "unavailable"),
    ] {
        let (_canned, objects) = answering(refused(status, code)).await;
        let error = objects.put(new_object("a", b"a"), Condition::Absent).await;
        assert_eq!(name(&error.unwrap_err()), expected, "{status} {code}");
    }
}

#[tokio::test]
async fn an_error_names_the_object_and_says_what_s3_said() {
    let (_canned, objects) = answering(refused(403, "AccessDenied")).await;
    let error = objects.get(&photo(), LIMIT).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "access to s3://uploads/2024/a b+c.jpg was refused: 403 AccessDenied: because"
    );
    let error = objects.list("thumbnails", "a/").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "access to s3://thumbnails/a/ was refused: 403 AccessDenied: because"
    );
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_unavailable_and_the_cause_is_told() {
    let (canned, objects) = answering(Answer::status(200)).await;
    drop(canned);
    let error = objects.get(&photo(), LIMIT).await.unwrap_err();
    assert_eq!(name(&error), "unavailable");
    assert!(error.to_string().contains("onnect"), "{error}");
}

#[tokio::test]
async fn a_body_that_ends_early_is_truncated() {
    let answer = Answer::status(200).body("half").announcing(8);
    let (_canned, objects) = answering(answer).await;
    let error = objects.get(&photo(), LIMIT).await.unwrap_err();
    let truncated = ObjectsError::Truncated {
        object: "s3://uploads/2024/a b+c.jpg".to_owned(),
        actual: 4,
        expected: 8,
    };
    assert_eq!(error, truncated);
}

#[tokio::test]
async fn a_body_that_is_not_what_its_checksum_says_is_unavailable() {
    let answer = Answer::status(200)
        .header("x-amz-checksum-crc32", "AAAAAA==")
        .body("bits");
    let (_canned, objects) = answering(answer).await;
    let error = objects.get(&photo(), LIMIT).await.unwrap_err();
    assert_eq!(name(&error), "unavailable");
    assert!(error.to_string().contains("checksum"), "{error}");
}

#[tokio::test]
async fn an_object_over_the_limit_is_refused_before_its_body_is_read() {
    // The body never comes whole: reading it would be the other error.
    let answer = Answer::status(200).body("x").announcing(1_001);
    let (_canned, objects) = answering(answer).await;
    let error = objects.get(&photo(), LIMIT).await.unwrap_err();
    let too_large = ObjectsError::TooLarge {
        object: "s3://uploads/2024/a b+c.jpg".to_owned(),
        actual: 1_001,
        limit: LIMIT,
    };
    assert_eq!(error, too_large);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_read_up_to_the_limit() {
    let answer = |bytes: usize| {
        GetObjectOutput::builder()
            .body(vec![0; bytes].into())
            .build()
    };
    let object = read("a".to_owned(), answer(1_000), LIMIT).await.unwrap();
    assert_eq!(object.bytes.len(), 1_000);
    let error = read("a".to_owned(), answer(1_001), LIMIT)
        .await
        .unwrap_err();
    assert_eq!(name(&error), "too large");
}

#[tokio::test]
async fn a_read_asks_for_the_version_or_the_entity_tag() {
    let (canned, objects) = answering(
        Answer::status(200)
            .header("etag", "\"0af1\"")
            .header("x-amz-meta-source-version", "v1")
            .body("bits"),
    )
    .await;
    let source = ObjectRef {
        version: Some("v 1".to_owned()),
        ..photo()
    };
    let object = objects.get(&source, LIMIT).await.unwrap();
    assert_eq!(&object.bytes[..], b"bits");
    assert_eq!(object.etag, "0af1");
    assert_eq!(object.metadata["source-version"], "v1");
    let source = ObjectRef {
        etag: Some("0af1".to_owned()),
        ..photo()
    };
    objects.get(&source, LIMIT).await.unwrap();
    let [by_version, by_etag] = &canned.received()[..] else {
        panic!("there were two reads");
    };
    assert_eq!(by_version.path, "/uploads/2024/a%20b%2Bc.jpg");
    assert!(by_version.query.contains("versionId=v%201"));
    assert_eq!(by_version.header("if-match"), "");
    assert!(!by_etag.query.contains("versionId"));
    assert_eq!(by_etag.header("if-match"), "\"0af1\"");
}

#[tokio::test]
async fn a_bucket_is_in_the_path_where_the_host_has_no_subdomains() {
    let canned = Canned::start().await.unwrap();
    canned.always(Answer::status(200));
    let objects = objects(&canned.url().replace("127.0.0.1", "localhost"));
    objects.get(&photo(), LIMIT).await.unwrap();
    assert_eq!(canned.received()[0].path, "/uploads/2024/a%20b%2Bc.jpg");
}

#[tokio::test]
async fn a_write_carries_its_headers_its_condition_and_a_checksum() {
    let (canned, objects) = answering(Answer::status(200).header("etag", "\"0af1\"")).await;
    for condition in [
        Condition::None,
        Condition::Absent,
        Condition::Unchanged("0af0".to_owned()),
    ] {
        let etag = objects.put(new_object("a", b"bits"), condition).await;
        assert_eq!(etag.unwrap(), "0af1");
    }
    let received = canned.received();
    let conditions: Vec<_> = received
        .iter()
        .map(|put| (put.header("if-none-match"), put.header("if-match")))
        .collect();
    assert_eq!(conditions, [("", ""), ("*", ""), ("", "\"0af0\"")]);
    for put in &received {
        assert_eq!(put.header("content-type"), "image/webp");
        assert_eq!(
            put.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(put.header("x-amz-meta-source-version"), "v1");
        assert_ne!(put.header("x-amz-checksum-crc32"), "");
        assert_eq!(&put.body[..], b"bits");
    }
}

#[tokio::test]
async fn a_listing_follows_its_pages_and_has_an_end() {
    let page = |key: &str| {
        let body = format!(
            "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>{key}\
             </NextContinuationToken><Contents><Key>{key}</Key></Contents></ListBucketResult>"
        );
        Answer::status(200).body(body)
    };
    let last = "<ListBucketResult><Contents><Key>c</Key></Contents></ListBucketResult>";
    let canned = Canned::start().await.unwrap();
    canned.on(
        |_| true,
        [page("a"), page("b"), Answer::status(200).body(last)],
    );
    let keys = objects(&canned.url()).list("thumbnails", "").await;
    assert_eq!(keys.unwrap(), ["a", "b", "c"]);
    assert!(canned.received()[2].query.contains("continuation-token=b"));

    let canned = Canned::start().await.unwrap();
    canned.on(|_| true, (0..=MAX_PAGES).map(|n| page(&n.to_string())));
    let error = objects(&canned.url()).list("thumbnails", "").await;
    assert_eq!(name(&error.unwrap_err()), "unavailable");
    assert_eq!(canned.received().len(), MAX_PAGES);
}

#[tokio::test]
async fn deleting_what_is_not_there_succeeds() {
    let (_canned, objects) = answering(refused(404, "NoSuchKey")).await;
    assert_eq!(objects.delete("thumbnails", "a").await, Ok(()));
    let (_canned, objects) = answering(refused(404, "NoSuchBucket")).await;
    let error = objects.delete("thumbnails", "a").await.unwrap_err();
    assert_eq!(name(&error), "denied");
}

#[tokio::test]
async fn a_real_server_keeps_what_was_written_and_the_conditions() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("thumbnails")).unwrap();
    let files = s3s_fs::FileSystem::new(directory.path()).unwrap();
    let mut s3 = S3ServiceBuilder::new(files);
    s3.set_auth(SimpleAuth::from_single("test", "test"));
    let server = Loopback::serve(s3.build()).await.unwrap();
    let objects = objects(&server.url());

    let put = |bytes, condition| objects.put(new_object("a/1.webp", bytes), condition);
    let first = put(b"one", Condition::Absent).await.unwrap();
    let again = put(b"two", Condition::Absent).await.unwrap_err();
    assert_eq!(name(&again), "condition failed");
    let unchanged = || Condition::Unchanged(first.clone());
    let second = put(b"two", unchanged()).await.unwrap();
    let stale = put(b"three", unchanged()).await.unwrap_err();
    assert_eq!(name(&stale), "condition failed");

    let written = ObjectRef::current("thumbnails", "a/1.webp");
    let object = objects.get(&written, LIMIT).await.unwrap();
    assert_eq!((&object.bytes[..], object.etag), (&b"two"[..], second));
    assert_eq!(object.metadata["source-version"], "v1");
    let error = objects.get(&written, 2).await.unwrap_err();
    assert_eq!(name(&error), "too large");

    assert_eq!(
        objects.list("thumbnails", "a/").await.unwrap(),
        ["a/1.webp"]
    );
    objects.delete("thumbnails", "a/1.webp").await.unwrap();
    objects.delete("thumbnails", "a/1.webp").await.unwrap();
    let error = objects.get(&written, LIMIT).await.unwrap_err();
    assert_eq!(name(&error), "not found");
    assert_eq!(objects.list("thumbnails", "a/").await.unwrap(), [""; 0]);
}
