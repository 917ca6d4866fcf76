//! The workers' configuration in a replay.

use fleet::env::{ProcessEnvironment, Variables};

use super::workers::WorkerEntry;

/// The same variables as in Lambda, with a default for each one that the worker requires there.
#[derive(Debug, Clone, Copy)]
pub struct ReplayEnvironment(&'static [(&'static str, &'static str)]);

impl ReplayEnvironment {
    /// The environment of that worker.
    pub fn of(entry: &WorkerEntry) -> Self {
        Self(entry.environment)
    }
}

impl Variables for ReplayEnvironment {
    fn get(&self, name: &str) -> Option<String> {
        let default = || self.0.iter().find(|(variable, _)| *variable == name);
        ProcessEnvironment
            .get(name)
            .or_else(|| default().map(|(_, value)| (*value).to_owned()))
    }
}
