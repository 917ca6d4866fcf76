#![doc = include_str!("../README.md")]

mod as_of;
mod config;
mod entry;
mod envelope;
mod event;
mod owner;
mod worker;

pub use as_of::AsOf;
pub use config::{Config, ConfigError};
pub use envelope::is_photo_event;
pub use event::{EventError, News, PhotoEvent, Picture, PictureSource};
pub use owner::{NOBODY, owner};
pub use worker::GalleryWorker;
