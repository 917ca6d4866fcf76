//! What is known of the server that runs.

use std::fs;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::local::program::write_whole;
use crate::local::{Checkout, LocalError, http, process};

/// The stage that is deployed to local AWS.
pub(in crate::local) const STAGE: &str = "local";

/// Where local AWS says it is.
pub(in crate::local) const REGION: &str = "us-east-1";

/// Whose account local AWS says it is.
pub(in crate::local) const ACCOUNT: &str = "000000000000";

/// Local AWS takes this pair for its account's root user, with its authorisation on too. It is no secret.
pub(in crate::local) const ACCESS_KEY_ID: &str = "test";

/// See [`ACCESS_KEY_ID`].
pub(in crate::local) const SECRET_ACCESS_KEY: &str = "test";

/// The server that `flotilla up` started last: `.flotilla/server.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its process, which leads a session of its own.
    pub pid: u32,
    /// Where it listens, on loopback only.
    pub port: u16,
    /// The same as a URL.
    pub endpoint: String,
    /// The region that it plays.
    pub region: String,
    /// The stage of the stack that is deployed to it.
    pub stage: String,
    /// When it was started, in UTC, as ISO 8601 to the second.
    pub started: String,
    /// Whether it refuses what a function's role does not allow.
    pub authorise: bool,
    /// When its process began, by which no other process of the same number is taken for it.
    pub(in crate::local) began: String,
}

impl Server {
    /// The server of the record, which may have ended since.
    pub(in crate::local) fn recorded(checkout: &Checkout) -> Option<Self> {
        // A record that cannot be read is of no server that could be found again.
        serde_json::from_slice(&fs::read(checkout.server_record()).ok()?).ok()
    }

    /// The server that runs.
    pub fn running(checkout: &Checkout) -> Option<Self> {
        Self::recorded(checkout).filter(Self::is_running)
    }

    pub(in crate::local) fn is_running(&self) -> bool {
        process::is_same(self.pid, &self.began)
    }

    /// Whether it answers.
    pub(in crate::local) fn is_healthy(&self) -> bool {
        is_emulator(self.port)
    }

    pub(in crate::local) fn record(&self, checkout: &Checkout) -> Result<(), LocalError> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| LocalError::Answer {
            what: "the server's record",
            problem: error.to_string(),
        })?;
        text.push(b'\n');
        write_whole(&checkout.server_record(), &text)
    }

    pub(in crate::local) fn forget(checkout: &Checkout) -> Result<(), LocalError> {
        for path in [checkout.server_record(), checkout.outputs()] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(LocalError::file(&path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// How often a server that starts is asked.
pub(super) const POLL: Duration = Duration::from_millis(50);

/// Whether an emulator of the kind we use answers on a port, ours or not.
pub(super) fn is_emulator(port: u16) -> bool {
    http::get(port, "/_ministack/health")
        .is_ok_and(|answer| answer.status == 200 && answer.body.contains("\"services\""))
}
