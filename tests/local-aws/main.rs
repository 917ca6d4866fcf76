//! The deployed stack, end to end: the same templates and the same worker binaries, triggered by a local AWS.
//!
//! ```sh
//! cargo run -- up
//! cargo test --test local_aws -- --ignored
//! ```
//!
//! The tests take the stack that `flotilla up` left running and things of their own in it (keys, addresses, posts), so they
//! run side by side and again and again. Everything is waited for until it is there, never for a time.

#![expect(clippy::unwrap_used, reason = "in a test, what fails is what is shown")]

mod feedback;
mod mail;
mod permissions;
mod photos;
mod poison;
mod posts;
mod replay;
mod stack;
mod views;
