//! The clients.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use crate::error::LiveError;
use crate::target::{Target, Where};

/// What takes longer than this to connect does not connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// From the request to the first byte of the answer, of everything but a function's.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A function runs for 15 minutes at most: "Lambda quotas" in the Lambda developer guide.
const FUNCTION_TIMEOUT: Duration = Duration::from_mins(16);

/// Local AWS takes any, and knows an account by them.
const LOCAL_CREDENTIALS: &str = "test";

/// One AWS, ready to be called.
#[derive(Debug, Clone)]
pub struct Aws {
    /// Which.
    pub target: Target,
    config: SdkConfig,
}

impl Aws {
    /// Reads what `target` leaves to the standard variables and profiles. No call is made yet.
    pub async fn at(mut target: Target) -> Result<Self, LiveError> {
        let http_client = Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client)
            .timeout_config(timeouts);
        if let Where::Local { endpoint, region } = &target.at {
            loader = loader
                .endpoint_url(endpoint)
                .region(Region::new(region.clone()));
            // Somebody who tries permissions out sets keys; a profile is for an account.
            if std::env::var_os("AWS_ACCESS_KEY_ID").is_none() {
                let name = LOCAL_CREDENTIALS;
                loader = loader.credentials_provider(Credentials::new(
                    name,
                    name,
                    None,
                    None,
                    "local AWS",
                ));
            }
        }
        let config = loader.load().await;
        if let Where::Account { region } = &mut target.at {
            *region = config.region().map(ToString::to_string);
            if region.is_none() {
                return Err(LiveError::Usage(
                    "no region is set: set AWS_REGION, or AWS_PROFILE to a profile that has one; for local AWS, start it \
                     with `flotilla up`"
                        .to_owned(),
                ));
            }
        }
        Ok(Self { target, config })
    }

    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config)
            // A bucket is no part of a local host's name.
            .force_path_style(self.target.is_local())
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config)
    }

    pub(crate) fn logs(&self) -> aws_sdk_cloudwatchlogs::Client {
        aws_sdk_cloudwatchlogs::Client::new(&self.config)
    }

    pub(crate) fn cloudformation(&self) -> aws_sdk_cloudformation::Client {
        aws_sdk_cloudformation::Client::new(&self.config)
    }

    /// Waits as long as a function may run, and calls it once: a second try would handle the event twice.
    pub(crate) fn lambda(&self) -> aws_sdk_lambda::Client {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(FUNCTION_TIMEOUT)
            .build();
        let config = aws_sdk_lambda::config::Builder::from(&self.config)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::disabled())
            .build();
        aws_sdk_lambda::Client::from_conf(config)
    }
}
