//! The start of a worker's process.

use std::process::ExitCode;

use fleet::env::{self, EnvError, ProcessEnvironment, Variables};
use fleet::telemetry;
use fleet::worker::Worker;
use lambda_runtime::Error;

use crate::init_error;
use crate::serve::serve;

/// What Lambda sets for every function and `lambda_runtime` panics without.
const LAMBDA_VARIABLES: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// Makes a worker and serves its events: the whole of a worker's `main`.
///
/// `make` reads the configuration and creates the clients, once for the life of the process. Its error is logged as one
/// line and reported to Lambda as the init error; the process fails, and Lambda keeps the events.
///
/// The async runtime has one thread. A worker waits for the network there and does its computing on the blocking
/// threads, which start when there is something to compute: a pool of workers would start with the process, a stack and
/// an allocator arena each, and most functions have at most one core anyway (Lambda gives a whole one at 1,769 MB).
pub fn start<W: Worker>(make: impl AsyncFnOnce() -> Result<W, Error>) -> ExitCode {
    telemetry::init(&ProcessEnvironment);
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the async runtime could not start");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(make));
    // Dropping it would wait for computations whose invocation is over.
    runtime.shutdown_background();
    code
}

async fn run<W: Worker>(make: impl AsyncFnOnce() -> Result<W, Error>) -> ExitCode {
    if let Err(error) = inside_lambda(&ProcessEnvironment) {
        tracing::error!(%error, "this program is started by AWS Lambda");
        return ExitCode::FAILURE;
    }
    let worker = match make().await {
        Ok(worker) => worker,
        Err(error) => {
            tracing::error!(%error, "the worker could not start: {error}");
            if let Err(error) = init_error::report(&error.to_string()).await {
                tracing::warn!(%error, "Lambda could not be told");
            }
            return ExitCode::FAILURE;
        }
    };
    match serve(worker).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the Runtime API failed");
            ExitCode::FAILURE
        }
    }
}

fn inside_lambda(variables: &impl Variables) -> Result<(), EnvError> {
    LAMBDA_VARIABLES.into_iter().try_for_each(|name| {
        env::required(variables, name, "what the Lambda service sets").map(drop)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_of_lambda_the_missing_variable_is_named() {
        let error = inside_lambda(&[("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment variable AWS_LAMBDA_FUNCTION_NAME is not set: it must be what the Lambda service sets"
        );
    }
}
