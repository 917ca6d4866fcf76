#![doc = include_str!("../README.md")]

mod announce;
mod budget;
mod config;
mod download;
mod keys;
mod ledger;
mod manifest;
mod photo;
mod scratch;
mod worker;

pub use announce::{AnnounceError, Announcer, News, PhotoEvent};
pub use config::{Config, ConfigError};
pub use keys::PhotoKeys;
pub use ledger::{Decision, Latest, Ledger, Live};
pub use manifest::{Manifest, ManifestSource, Output, PictureSource};
pub use worker::ThumbnailWorker;
