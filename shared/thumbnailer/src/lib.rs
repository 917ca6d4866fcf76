#![doc = include_str!("../README.md")]

mod animation;
mod colour;
mod cpu;
mod encode;
mod engine;
mod error;
mod exif;
mod fit;
mod format;
mod header;
mod input;
mod jpeg;
mod jpeg_encode;
mod levels;
mod limits;
mod orientation;
mod picture;
mod placeholder;
mod plan;
mod planes;
mod quality;
mod render;
mod resample;
mod resize;
mod rgb;
mod size;
mod sniff;
mod source;
pub mod stages;
mod thumbnails;
mod ycc;

#[doc = include_str!("../PERFORMANCE.md")]
pub mod performance {}

pub use error::{ParsePlanError, ThumbnailError};
pub use fit::Fit;
pub use format::{ImageFormat, OutputFormat};
pub use header::{Header, inspect, inspect_input};
pub use input::{Input, InputError};
pub use limits::Limits;
pub use plan::Plan;
pub use quality::Quality;
pub use rgb::Rgb;
pub use size::Size;
pub use thumbnails::{DecodePath, Source, Thumbnail, Thumbnailer, Thumbnails, thumbnails};
