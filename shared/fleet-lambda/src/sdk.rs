//! What every AWS client is made from.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

/// Within a region a connection takes milliseconds: what takes longer is a lost packet, and another attempt is faster.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// From the request to the first byte of the answer. The slowest call of the fleet is a put of some megabytes.
const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// One attempt as a whole, a retry's time not included. Bodies that stream are outside of it, watched by the SDK's own
/// stalled-stream protection.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);

/// The configuration that all clients of a worker share.
///
/// - Region, credentials, endpoint, profile and retries come from the standard variables: `AWS_REGION`,
///   `AWS_ENDPOINT_URL`, `AWS_PROFILE`, `AWS_MAX_ATTEMPTS` (3 unless set), `AWS_RETRY_MODE` (`standard` unless set).
/// - Timeouts: 2 s to connect, 15 s to the first byte, 20 s for an attempt. None for an operation with its retries: that
///   is the invocation's deadline, which [`fleet::batch::isolated`] keeps.
/// - HTTPS by rustls and ring; plain HTTP to an endpoint that says so, such as a local AWS.
///
/// The clients made from it share one pool of connections and one load of the system's TLS roots.
pub async fn sdk_config() -> SdkConfig {
    // The SDK's own default client is left out of the build: its aws-lc makes the binary 2 MB larger than ring does.
    let http_client = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client)
        .timeout_config(timeouts)
        .load()
        .await
}
