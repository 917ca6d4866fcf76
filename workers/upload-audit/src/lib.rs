#![doc = include_str!("../README.md")]

mod address;
mod config;
mod entry;
mod worker;

pub use address::{Addresses, AddressesError};
pub use config::{Config, ConfigError};
pub use entry::{Entry, EntryError};
pub use worker::AuditWorker;
