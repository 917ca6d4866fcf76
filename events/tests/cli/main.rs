//! The `flotilla` command, run as a person runs it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod captured;
#[cfg(unix)]
mod local;
mod feedback;
mod replay;
mod support;
mod thumbnail;
mod usage;
