//! The pipeline on whole images: every kind of input, every output, and files that mean harm.
//!
//! One binary, because each would link every codec again.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

mod alpha;
mod animation;
mod colour;
mod golden;
mod hostile;
mod inputs;
mod limits;
mod mutation;
mod orientation;
mod outputs;
mod sizes;
