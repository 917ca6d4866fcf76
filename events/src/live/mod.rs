//! What talks to AWS, handed over to `flotilla-aws`: this program links no SDK.
//!
//! The commands that a person watches ([`hand_over`]) become that program. A replay against a deployed function
//! ([`replay_against`]) keeps reading events and writing the report here, and has that program invoke the functions.

mod against;
mod invoker;
mod program;
mod rewrite;

pub use against::{AgainstOptions, replay_against};
pub use invoker::InvokerError;
pub use program::{ProgramError, hand_over};
