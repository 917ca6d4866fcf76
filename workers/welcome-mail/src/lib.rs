#![doc = include_str!("../README.md")]

mod address;
mod config;
mod locale;
mod mail;
mod mime;
mod record;
mod send;
mod subscriber;
mod template;
mod text;
mod unsubscribe;
mod worker;

pub use address::{Address, AddressError, Mailbox};
pub use config::{Config, ConfigError};
pub use locale::Locale;
pub use mail::{ComposeError, Mail};
pub use send::{ClaimAction, Disposition, Hold, Mailer, Reason, SendFailure};
pub use subscriber::{Standing, Subscriber, SubscriberError};
pub use worker::WelcomeWorker;
