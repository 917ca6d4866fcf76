#![doc = include_str!("../README.md")]

pub mod canned;
mod child;
mod loopback;
mod runtime;

pub use child::{Child, Exit};
pub use loopback::Loopback;
pub use runtime::{Failure, Outcome, RuntimeStub};
