//! The end of the process, announced.

use std::future::Future;

use lambda_extension::Extension;
use lambda_runtime::Error;
use tokio::signal::unix::{SignalKind, signal};

/// Unique among the extensions of a function. Shown in its logs.
const EXTENSION: &str = "fleet-shutdown";

/// A future that is ready once the process is asked to end, by SIGTERM or SIGINT.
///
/// Lambda sends SIGTERM only to functions with an extension; without one the process is killed unasked. So this registers
/// an internal extension that subscribes to nothing and costs no invocation any time. It must be awaited before the first
/// event is asked for, which ends the init phase.
///
/// `lambda_runtime` has such a function too, which panics where there is no Extensions API: local stand-ins of Lambda
/// have none, and there the worker goes on.
pub(crate) async fn terminated() -> Result<impl Future<Output = ()>, Error> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let extension = Extension::new()
        .with_events(&[])
        .with_extension_name(EXTENSION)
        .register()
        .await;
    match extension {
        Ok(extension) => {
            // Lambda waits for its first poll before it ends the init phase. What becomes of the poll later is nothing
            // that an event depends on.
            tokio::spawn(async move { extension.run().await });
        }
        Err(error) => tracing::debug!(error, "no Extensions API: the end may come unannounced"),
    }
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
