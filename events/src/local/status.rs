//! `flotilla status`.

use std::collections::BTreeMap;
use std::fs;

use serde::Serialize;

use super::{Checkout, Server, deploy};

/// What is known of local AWS: what `flotilla status --json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Whether its process lives.
    pub running: bool,
    /// Whether it answers.
    pub healthy: bool,
    /// The server that runs.
    pub server: Option<Server>,
    /// The functions that are deployed, by worker.
    pub functions: BTreeMap<String, String>,
    /// The stack's outputs.
    pub outputs: BTreeMap<String, String>,
}

/// Looks, and changes nothing.
pub fn status(checkout: &Checkout) -> Status {
    let server = Server::running(checkout);
    let outputs = match &server {
        Some(_) => deploy::outputs_of(checkout),
        None => BTreeMap::new(),
    };
    Status {
        running: server.is_some(),
        healthy: server.as_ref().is_some_and(Server::is_healthy),
        functions: functions(&outputs),
        outputs,
        server,
    }
}

/// `ThumbnailsFunction` is the function of the worker `Thumbnails`.
fn functions(outputs: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    outputs
        .iter()
        .filter_map(|(key, value)| Some((key.strip_suffix("Function")?.to_owned(), value.clone())))
        .collect()
}

impl Status {
    /// As a person reads it.
    pub fn told(&self) -> String {
        let Some(server) = &self.server else {
            return "local AWS is not running: flotilla up starts it\n".to_owned();
        };
        let health = if self.healthy {
            "answers"
        } else {
            "does not answer: flotilla down, then flotilla up"
        };
        let mut lines = vec![
            format!("{} {health}", server.endpoint),
            format!("since {}, process {}", server.started, server.pid),
        ];
        if server.authorise {
            lines.push("refuses what a function's role does not allow".to_owned());
        }
        if self.outputs.is_empty() {
            lines.push("no stack is deployed: flotilla up deploys it".to_owned());
        }
        let width = self
            .outputs
            .keys()
            .map(String::len)
            .max()
            .unwrap_or_default();
        for (key, value) in &self.outputs {
            lines.push(format!("  {key:<width$}  {value}"));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// Whether anything was ever up here.
pub(super) fn is_untouched(checkout: &Checkout) -> bool {
    fs::metadata(checkout.state()).is_err()
}
