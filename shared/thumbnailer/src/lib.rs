#![doc = include_str!("../README.md")]

mod animation;
mod colour;
mod encode;
mod error;
mod exif;
mod fit;
mod format;
mod header;
mod input;
mod limits;
mod orientation;
mod picture;
mod placeholder;
mod plan;
mod quality;
mod render;
mod resize;
mod rgb;
mod size;
mod sniff;
mod source;
pub mod stages;
mod thumbnails;

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
