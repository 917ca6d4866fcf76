//! The AWS edge against canned answers.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudfront::config::{Credentials, SharedCredentialsProvider};
use cache_invalidation::{InvalidateError, Invalidated, Invalidation, Invalidator as _};
use runtime_stub::canned::{Answer, Canned, Received};

use super::*;

/// One attempt for each call, against an endpoint on loopback.
fn sdk(url: &str) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new("eu-central-1"))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .build()
}

async fn invalidating(answer: Answer) -> (Vec<Received>, Result<Invalidated, InvalidateError>) {
    let canned = Canned::start().await.unwrap();
    canned.always(answer);
    let invalidation = Invalidation {
        distribution: "E1EXAMPLE".to_owned(),
        paths: vec!["/".to_owned(), "/posts/a&b".to_owned()],
        caller_reference: "abc".to_owned(),
    };
    let answer = CloudFront::new(&sdk(&canned.url()))
        .invalidate(&invalidation)
        .await;
    (canned.received(), answer)
}

fn error(status: u16, code: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
         <Error><Type>Sender</Type><Code>{code}</Code><Message>why</Message></Error>\
         <RequestId>1</RequestId></ErrorResponse>"
    );
    Answer::status(status)
        .header("content-type", "text/xml")
        .body(body)
}

#[tokio::test]
async fn an_invalidation_is_one_request_with_its_reference_and_paths() {
    let body = "<?xml version=\"1.0\"?><Invalidation xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
        <Id>I1EXAMPLE</Id><Status>InProgress</Status><CreateTime>2026-03-14T09:26:53.589Z</CreateTime>\
        <InvalidationBatch><Paths><Quantity>1</Quantity><Items><Path>/</Path></Items></Paths>\
        <CallerReference>abc</CallerReference></InvalidationBatch></Invalidation>";
    let answer = Answer::status(201)
        .header("content-type", "text/xml")
        .body(body);
    let (received, answer) = invalidating(answer).await;
    assert_eq!(answer, Ok(Invalidated::Begun("I1EXAMPLE".to_owned())));
    let [request] = &received[..] else {
        panic!("one request was sent");
    };
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/2020-05-31/distribution/E1EXAMPLE/invalidation")
    );
    let body = std::str::from_utf8(&request.body).unwrap();
    for part in [
        "<Quantity>2</Quantity>",
        "<Path>/</Path><Path>/posts/a&amp;b</Path>",
        "<CallerReference>abc</CallerReference>",
    ] {
        assert!(body.contains(part), "{body}");
    }
}

#[tokio::test]
async fn every_refusal_of_cloudfront_has_its_meaning() {
    for (status, code, expected) in [
        (400, "TooManyInvalidationsInProgress", "throttled"),
        (400, "Throttling", "throttled"),
        (429, "TooManyRequestsException", "throttled"),
        (403, "AccessDenied", "denied"),
        (403, "SignatureDoesNotMatch", "denied"),
        (404, "NoSuchDistribution", "denied"),
        (400, "InvalidArgument", "refused"),
        (413, "BatchTooLarge", "refused"),
        (400, "InconsistentQuantities", "unavailable"),
        (500, "InternalError", "unavailable"),
        (503, "ServiceUnavailable", "unavailable"),
        (400, "SomethingNew", "unavailable"),
    ] {
        let (received, answer) = invalidating(error(status, code)).await;
        let failure = answer.unwrap_err();
        assert_eq!(failure.fate().kind(), expected, "{failure}");
        assert!(failure.to_string().contains(code), "{failure}");
        assert_eq!(received.len(), 1);
    }
}

#[tokio::test]
async fn a_reference_that_is_known_is_an_invalidation_of_before() {
    let (_, answer) = invalidating(error(400, "InvalidationBatchAlreadyExists")).await;
    assert_eq!(answer, Ok(Invalidated::Before));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_tried_again_later() {
    for answer in [
        Answer::status(502).body("<html>bad gateway</html>"),
        Answer::status(201).body("<Inval").announcing(100),
    ] {
        let (_, answer) = invalidating(answer).await;
        assert!(
            matches!(answer, Err(InvalidateError::Unavailable(_))),
            "{answer:?}"
        );
    }
}

#[test]
fn the_rejections_must_have_a_table() {
    assert_eq!(
        rejections_table(&[("REJECTIONS_TABLE", "rejections")]),
        Ok("rejections".to_owned())
    );
    let error = rejections_table(&[]).unwrap_err();
    assert!(error.to_string().contains("REJECTIONS_TABLE"), "{error}");
}
