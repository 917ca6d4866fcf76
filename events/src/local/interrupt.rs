//! Ctrl-C, as something to ask for instead of something that happens.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use super::LocalError;

/// Whether somebody wants this to end; cheap to clone.
///
/// A step's program runs in a process group of its own and is ended by us: so no half of npm or cargo is left behind
/// when only `flotilla` itself gets the signal.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens for SIGINT, SIGTERM and SIGHUP from here on: they no longer end the process.
    pub fn listen() -> io::Result<Self> {
        let interrupt = Self::default();
        let heard = interrupt.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let mut signals = {
            let _inside = runtime.enter();
            [
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
            ]
        };
        thread::Builder::new()
            .name("interrupt".to_owned())
            .spawn(move || {
                let [interrupt, terminate, hangup] = &mut signals;
                runtime.block_on(async {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                        _ = hangup.recv() => {}
                    }
                });
                heard.raise();
                // The handlers stay: a second Ctrl-C must not keep us from ending what we started.
                thread::park();
            })?;
        Ok(interrupt)
    }

    pub(super) fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn check(&self) -> Result<(), LocalError> {
        if self.is_raised() {
            return Err(LocalError::Interrupted);
        }
        Ok(())
    }
}
