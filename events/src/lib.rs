//! The `flotilla` command: replays captured AWS events through the fleet's workers, makes thumbnails of one's own photos, and
//! runs the fleet on local AWS.
//!
//! A replay runs each worker's own handler in process, over stand-ins for AWS: directories as object store, outbox and
//! table. It opens no connection. Local AWS is an emulator, to which the CDK stack is deployed.
//!
//! What talks to AWS, local or an account, is handed over to another program: see [`live`].

#[cfg(unix)]
mod cargo;
pub mod cli;
#[cfg(unix)]
pub mod live;
pub mod local;
mod page;
pub mod replay;
pub mod report;
pub mod scaffold;
pub mod stand_ins;
pub mod thumbnail;

pub use handover::terminal;
