//! The `flotilla` command, run as a person runs it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(unix)]
mod against;
mod captured;
mod feedback;
#[cfg(unix)]
mod local;
#[cfg(unix)]
mod new_worker;
mod replay;
mod support;
mod thumbnail;
mod usage;
