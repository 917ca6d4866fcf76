use std::collections::BTreeMap;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_sns::config::retry::RetryConfig;
use aws_sdk_sns::config::{Credentials, SharedCredentialsProvider};
use fleet::sequencer::Sequencer;
use runtime_stub::canned::{Answer, Canned};

use super::*;

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:photo-ready";

/// One attempt per call, against an endpoint on loopback.
fn topic(url: &str) -> SnsTopic {
    let credentials = Credentials::new("test", "test", None, None, "test");
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new("us-east-1"))
        .retry_config(RetryConfig::disabled())
        .build();
    SnsTopic::new(&sdk, TOPIC.to_owned())
}

fn removed() -> PhotoEvent {
    PhotoEvent {
        event: News::PhotoRemoved,
        version: 1,
        bucket: "uploads".to_owned(),
        key: "mùa hè & 100%.jpg".to_owned(),
        source_version: "v1".to_owned(),
        sequencer: Sequencer::new("0A"),
        revision: 2,
        time: None,
        thumbnails_bucket: "thumbs".to_owned(),
        manifest_key: "manifests/uploads/a.json".to_owned(),
        manifest: None,
    }
}

async fn answered(answer: Answer) -> (Canned, Result<(), AnnounceError>) {
    let canned = Canned::start().await.unwrap();
    canned.always(answer);
    let told = topic(&canned.url()).announce(&removed()).await;
    (canned, told)
}

fn refused(status: u16, code: &str) -> Answer {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>because</Message></Error></ErrorResponse>"
    );
    Answer::status(status)
        .header("content-type", "text/xml")
        .body(body)
}

/// The fields of a form, decoded by hand: `+` is a space.
fn form(body: &[u8]) -> BTreeMap<String, String> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, tail @ ..] = rest {
            if let (b'%', [high, low, tail @ ..]) = (first, tail) {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                rest = tail;
            } else {
                bytes.push(*first);
                rest = tail;
            }
        }
        String::from_utf8(bytes).unwrap()
    };
    let body = std::str::from_utf8(body).unwrap();
    body.split('&')
        .filter_map(|field| field.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

#[tokio::test]
async fn an_event_is_published_with_the_attribute_that_subscriptions_filter_by() {
    let answer = Answer::status(200)
        .header("content-type", "text/xml")
        .body("<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>");
    let (canned, told) = answered(answer).await;
    assert_eq!(told, Ok(()));
    let [request] = &canned.received()[..] else {
        panic!("there was one request");
    };
    let form = form(&request.body);
    assert_eq!(form["Action"], "Publish");
    assert_eq!(form["TopicArn"], TOPIC);
    assert_eq!(form["Message"], removed().to_json());
    assert_eq!(form["MessageAttributes.entry.1.Name"], "event");
    assert_eq!(form["MessageAttributes.entry.1.Value.DataType"], "String");
    assert_eq!(
        form["MessageAttributes.entry.1.Value.StringValue"],
        "photo-removed"
    );
}

#[tokio::test]
async fn every_refusal_has_its_meaning() {
    let name = |error: &AnnounceError| match error {
        AnnounceError::Denied(_) => "denied",
        AnnounceError::Throttled(_) => "throttled",
        AnnounceError::Unavailable(_) => "unavailable",
    };
    for (status, code, expected) in [
        (403, "AuthorizationError", "denied"),
        (404, "NotFound", "denied"),
        (400, "InvalidParameter", "denied"),
        (400, "KMSAccessDenied", "denied"),
        (403, "ExpiredToken", "denied"),
        (400, "KMSThrottling", "throttled"),
        (400, "Throttling", "throttled"),
        (429, "Throttled", "throttled"),
        (500, "InternalError", "unavailable"),
        (503, "ServiceUnavailable", "unavailable"),
    ] {
        let (_canned, told) = answered(refused(status, code)).await;
        let error = told.unwrap_err();
        assert_eq!(name(&error), expected, "{status} {code}: {error}");
        let said = format!("{status} {code}: because");
        assert!(error.to_string().contains(&said), "{error}");
    }
}

#[tokio::test]
async fn a_topic_that_is_out_of_reach_is_unavailable() {
    let canned = Canned::start().await.unwrap();
    let topic = topic(&canned.url());
    drop(canned);
    let error = topic.announce(&removed()).await.unwrap_err();
    assert!(matches!(error, AnnounceError::Unavailable(_)), "{error}");
}
