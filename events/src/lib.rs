//! The `flotilla` command: replays captured AWS events through the fleet's workers, and makes thumbnails of one's own photos.
//!
//! A replay runs each worker's own handler in process, over stand-ins for AWS: directories as object store, outbox and
//! table. It opens no connection.

pub mod cli;
mod page;
pub mod replay;
pub mod report;
pub mod stand_ins;
pub mod thumbnail;

pub use handover::terminal;
