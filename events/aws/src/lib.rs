//! The commands of `flotilla` that talk to AWS: a local one or an account.
//!
//! Each command is a function that returns what it did as a structure, which is also its `--json`; what a person reads is
//! printed from it. Which AWS is meant is decided in one place, and what the stack calls its things is read from the
//! stack's own outputs.

mod aws;
mod cli;
mod clock;
mod error;
mod http;
mod invoke;
mod logs;
mod mail;
mod put;
mod stack;
mod subscribe;
mod tail;
mod target;

pub use aws::Aws;
pub use cli::{Cli, run};
pub use error::{CallError, LiveError, Trouble};
pub use invoke::serve;
pub use mail::{Outbox, OutboxMail, outbox};
pub use put::{Photo, PutSession, Thumbnail, put};
pub use stack::Stack;
pub use subscribe::{Subscribed, subscribe};
pub use tail::{Line, tail};
pub use target::{Target, Where};
