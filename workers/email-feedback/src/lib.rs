#![doc = include_str!("../README.md")]

mod config;
mod envelope;
mod feedback;
mod read;
mod recipient;
mod standing;
mod words;
mod worker;

pub use config::{Config, ConfigError, TransientLimit};
pub use envelope::is_feedback;
pub use feedback::{Event, Feedback, FeedbackError};
pub use recipient::Recipient;
pub use worker::FeedbackWorker;
