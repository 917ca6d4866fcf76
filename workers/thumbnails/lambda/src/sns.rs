//! One operation of SNS: the worker's result events go to a topic.

#[cfg(test)]
mod tests;

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::http::HttpResponse;
use aws_sdk_sns::error::{BuildError, ProvideErrorMetadata as _, SdkError};
use aws_sdk_sns::operation::publish::PublishError;
use aws_sdk_sns::types::MessageAttributeValue;
use fleet::failure::{chain, is_throttling};
use thumbnails::{AnnounceError, Announcer, News, PhotoEvent};

/// The attribute that subscriptions filter by.
const EVENT: &str = "event";

/// A topic as the worker's announcer.
#[derive(Debug, Clone)]
pub(crate) struct SnsTopic {
    client: Client,
    topic: String,
}

impl SnsTopic {
    /// The topic of that ARN, by a client with the region, the credentials and the endpoint of `sdk`.
    pub(crate) fn new(sdk: &SdkConfig, topic: String) -> Self {
        Self {
            client: Client::new(sdk),
            topic,
        }
    }
}

impl Announcer for SnsTopic {
    async fn announce(&self, event: &PhotoEvent) -> Result<(), AnnounceError> {
        let kind =
            attribute(event.event).map_err(|error| AnnounceError::Unavailable(chain(&error)))?;
        self.client
            .publish()
            .topic_arn(&self.topic)
            .message(event.to_json())
            .message_attributes(EVENT, kind)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| failure(&error))
    }
}

fn attribute(news: News) -> Result<MessageAttributeValue, BuildError> {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(news.name())
        .build()
}

fn failure(error: &SdkError<PublishError, HttpResponse>) -> AnnounceError {
    let SdkError::ServiceError(refused) = error else {
        // Not sent, no answer, or none that could be read.
        return AnnounceError::Unavailable(chain(error));
    };
    let status = refused.raw().status().as_u16();
    let code = refused.err().code().unwrap_or_default();
    let message = refused.err().message().unwrap_or("no message");
    refusal(status, code, format!("{status} {code}: {message}"))
}

/// The meaning of an error answer: "Errors" of `Publish` in the Amazon SNS API Reference.
fn refusal(status: u16, code: &str, reason: String) -> AnnounceError {
    match status {
        _ if status == 429 || is_throttling(code) => AnnounceError::Throttled(reason),
        // No such topic or a key out of reach: what AWS calls a bad request, an operator mends.
        400..=499 => AnnounceError::Denied(reason),
        _ => AnnounceError::Unavailable(reason),
    }
}
