//! Tells Lambda why a worker cannot start.

use std::time::Duration;

use lambda_runtime::{Diagnostic, Error};
use lambda_runtime_api_client::body::Body;
use lambda_runtime_api_client::{Client, build_request};

/// The process ends anyway; this only makes the reason visible sooner.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Posts `message` to `/runtime/init/error`, so that it is the error of the call and not just "exited with status 1".
///
/// `lambda_runtime` posts there too, but only for snapshots, and offers no function for it.
pub(crate) async fn report(message: &str) -> Result<(), Error> {
    let diagnostic = Diagnostic {
        error_type: "InitError".to_owned(),
        error_message: message.to_owned(),
    };
    let request = build_request()
        .method("POST")
        .uri("/2018-06-01/runtime/init/error")
        .header("content-type", "application/json")
        .header("lambda-runtime-function-error-type", "Runtime.InitError")
        .body(Body::from(serde_json::to_vec(&diagnostic)?))?;
    tokio::time::timeout(TIMEOUT, Client::builder().build()?.call(request)).await??;
    Ok(())
}
