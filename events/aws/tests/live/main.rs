//! The commands against an endpoint with canned answers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod invoke;
mod place;
mod put;
mod stack;
mod subscribe;
