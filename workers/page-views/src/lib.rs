#![doc = include_str!("../README.md")]

mod checkpoint;
mod chunk;
mod config;
mod recent;
mod record;
mod shard;
mod view;
mod worker;

pub use config::{Config, ConfigError};
pub use recent::Remembered;
pub use worker::PageViewsWorker;
