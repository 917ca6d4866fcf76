//! The AWS edge against canned answers.

use std::net::{Ipv4Addr, TcpListener};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use runtime_stub::canned::{Answer, Canned};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use welcome_mail::{Mail, Mailer as _, SendFailure};

use super::*;

/// One attempt for each call, against an endpoint on loopback.
fn sdk(url: &str) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    bare(url)
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

fn bare(url: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new("us-east-1"))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .build()
}

fn mail() -> Mail {
    Mail {
        from: "\"MyBlog\" <hello@example.com>".to_owned(),
        to: "ann@example.com".to_owned(),
        subject: "Welcome".to_owned(),
        text: "Hello".to_owned(),
        html: "<p>Hello</p>".to_owned(),
        mime: "From: x\r\n\r\nHello".into(),
        configuration_set: Some("welcome".to_owned()),
        tags: vec![("flow".to_owned(), "welcome".to_owned())],
        locale: "en".to_owned(),
    }
}

/// An error as the REST JSON protocol of SES has it.
fn ses_error(status: u16, code: &str, message: &str) -> Answer {
    Answer::status(status)
        .header("x-amzn-errortype", code)
        .header("content-type", "application/json")
        .body(json!({ "message": message }).to_string())
}

async fn sending(answer: Answer) -> (Canned, Result<String, SendFailure>) {
    let canned = Canned::start().await.unwrap();
    canned.always(answer);
    let sent = SesMailer::new(&sdk(&canned.url())).send(&mail()).await;
    (canned, sent)
}

/// The variant, for tables.
fn name(failure: &SendFailure) -> String {
    match failure {
        SendFailure::Throttled(_) => "throttled".to_owned(),
        SendFailure::QuotaExceeded(_) => "quota".to_owned(),
        SendFailure::NotSent(_) => "not sent".to_owned(),
        SendFailure::Ambiguous(_) => "ambiguous".to_owned(),
        SendFailure::Held(hold, _) => format!("{hold:?}"),
        SendFailure::Rejected(_) => "rejected".to_owned(),
        SendFailure::Denied(_) => "denied".to_owned(),
    }
}

#[tokio::test]
async fn a_mail_is_sent_raw_with_its_tags_and_configuration_set() {
    let answer = Answer::status(200).body(json!({"MessageId": "message-1"}).to_string());
    let (canned, sent) = sending(answer).await;
    assert_eq!(sent, Ok("message-1".to_owned()));
    let [request] = &canned.received()[..] else {
        panic!("one request was sent");
    };
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/v2/email/outbound-emails")
    );
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        body,
        json!({
            "FromEmailAddress": "\"MyBlog\" <hello@example.com>",
            "Destination": {"ToAddresses": ["ann@example.com"]},
            "Content": {"Raw": {"Data": STANDARD.encode("From: x\r\n\r\nHello")}},
            "EmailTags": [{"Name": "flow", "Value": "welcome"}],
            "ConfigurationSetName": "welcome",
        })
    );
}

#[tokio::test]
async fn every_refusal_of_ses_has_its_meaning_and_is_tried_once() {
    let unverified =
        "Email address is not verified. The following identities failed: ann@example.com";
    for (status, code, message, expected) in [
        (400, "AccountSuspendedException", "", "AccountSuspended"),
        (400, "SendingPausedException", "", "SendingPaused"),
        (
            400,
            "MailFromDomainNotVerifiedException",
            "",
            "MailFromDomainNotVerified",
        ),
        (
            404,
            "NotFoundException",
            "Configuration set <welcome> does not exist.",
            "ConfigurationSetNotFound",
        ),
        (
            400,
            "BadRequestException",
            "Configuration set does not exist",
            "ConfigurationSetNotFound",
        ),
        (400, "LimitExceededException", "", "quota"),
        (
            429,
            "TooManyRequestsException",
            "Daily message quota exceeded.",
            "quota",
        ),
        (
            429,
            "TooManyRequestsException",
            "Maximum sending rate exceeded.",
            "throttled",
        ),
        (400, "ThrottlingException", "", "throttled"),
        (429, "SomethingNew", "", "throttled"),
        (400, "MessageRejected", unverified, "IdentityNotVerified"),
        (400, "MessageRejected", "Email contains a virus", "rejected"),
        (
            400,
            "BadRequestException",
            "Missing final '@domain'",
            "rejected",
        ),
        (413, "SomethingNew", "", "rejected"),
        (403, "AccessDeniedException", "not authorized", "denied"),
        (403, "SomethingNew", "", "denied"),
        (400, "ExpiredTokenException", "", "denied"),
        (404, "SomethingNew", "", "not sent"),
        (408, "RequestTimeout", "", "ambiguous"),
        (500, "InternalFailure", "", "ambiguous"),
        (503, "ServiceUnavailable", "", "ambiguous"),
    ] {
        let (canned, sent) = sending(ses_error(status, code, message)).await;
        let failure = sent.unwrap_err();
        assert_eq!(name(&failure), expected, "{status} {code}: {failure}");
        assert_eq!(canned.received().len(), 1, "{status} {code}");
        assert!(failure.to_string().contains(code), "{failure}");
        assert!(!failure.to_string().contains("ann@"), "{failure}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_ambiguous_unless_its_status_says_no() {
    for (answer, expected) in [
        (Answer::status(200).body("<html>"), "ambiguous"),
        (
            Answer::status(502).body("<html>bad gateway</html>"),
            "ambiguous",
        ),
        (Answer::status(403).body("<html>forbidden</html>"), "denied"),
        (
            Answer::status(200).body("{\"Mess").announcing(100),
            "ambiguous",
        ),
    ] {
        let (_canned, sent) = sending(answer.clone()).await;
        let failure = sent.unwrap_err();
        assert_eq!(name(&failure), expected, "{answer:?}: {failure}");
    }
}

#[tokio::test]
async fn a_mail_that_met_no_listener_was_not_sent() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for url in [url.as_str(), "http://no-such-host.invalid"] {
        let failure = SesMailer::new(&sdk(url)).send(&mail()).await.unwrap_err();
        assert_eq!(name(&failure), "not sent", "{url}: {failure}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_leaves_doubt() {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let breaking = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let read = stream.read(&mut [0; 1_024]).await.unwrap();
        assert!(read > 0);
    };
    let mailer = SesMailer::new(&sdk(&url));
    let mail = mail();
    let (sent, ()) = tokio::join!(mailer.send(&mail), breaking);
    let failure = sent.unwrap_err();
    assert_eq!(name(&failure), "ambiguous", "{failure}");
}

#[tokio::test]
async fn without_credentials_nothing_is_sent() {
    let canned = Canned::start().await.unwrap();
    let sdk = bare(&canned.url())
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(NoCredentials))
        .build();
    let failure = SesMailer::new(&sdk).send(&mail()).await.unwrap_err();
    assert_eq!(name(&failure), "denied", "{failure}");
    assert_eq!(canned.received(), []);
}

#[derive(Debug)]
struct NoCredentials;

impl aws_credential_types::provider::ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(
        &'a self,
    ) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let error =
            aws_credential_types::provider::error::CredentialsError::not_loaded("none here");
        aws_credential_types::provider::future::ProvideCredentials::ready(Err(error))
    }
}

#[test]
fn one_table_keeps_claims_and_rejections_unless_another_is_named() {
    let claims = ("CLAIMS_TABLE", "claims");
    assert_eq!(
        Tables::from_env(&[claims]),
        Ok(Tables {
            claims: "claims".to_owned(),
            rejections: "claims".to_owned(),
            addresses: None,
        })
    );
    let variables = [
        claims,
        ("REJECTIONS_TABLE", "rejections"),
        ("ADDRESSES_TABLE", "addresses"),
    ];
    assert_eq!(
        Tables::from_env(&variables),
        Ok(Tables {
            claims: "claims".to_owned(),
            rejections: "rejections".to_owned(),
            addresses: Some("addresses".to_owned()),
        })
    );
    let error = Tables::from_env(&[("CLAIMS_TABLE", " ")]).unwrap_err();
    assert!(error.to_string().contains("CLAIMS_TABLE"), "{error}");
}
