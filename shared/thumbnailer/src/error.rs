use std::any::Any;
use std::fmt::Display;

use crate::{ImageFormat, InputError};

/// Letters of a decoder's reason that are kept.
const MAX_REASON_CHARS: usize = 160;

/// Why an image got no thumbnails.
///
/// Every variant but [`Panicked`](Self::Panicked) and [`Input`](Self::Input) is permanent: the same bytes and the
/// same plan always fail the same way, so a caller rejects the image and does not retry it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThumbnailError {
    /// There are no bytes at all.
    #[error("the image is empty")]
    Empty,
    /// The first bytes are those of no image type that the crate knows.
    #[error("the bytes are not those of a known image type")]
    Unrecognised,
    /// The type, or a feature of it, is known and not supported.
    #[error("{what} is not supported: {advice}")]
    Unsupported {
        /// The type or feature, such as `HEIC`.
        what: String,
        /// What a person can do about it.
        advice: &'static str,
    },
    /// The header announces more than a limit allows.
    #[error("the image has {actual} {what}, over the limit of {limit}")]
    Limit {
        /// What is limited, in the plural: `pixels`, `input bytes`, `pixels on a side`, `frames`,
        /// `animated pixels`, `scans`, `bytes of memory`.
        what: &'static str,
        /// What the image needs.
        actual: u64,
        /// What is allowed.
        limit: u64,
    },
    /// The bytes are those of `format`, but truncated or broken.
    #[error("the {format} image is corrupt: {reason}")]
    Corrupt {
        /// The type that the first bytes name.
        format: ImageFormat,
        /// The decoder's reason.
        reason: String,
    },
    /// A thumbnail could not be written.
    #[error("a {width}x{height} {format} thumbnail could not be encoded: {reason}")]
    Encode {
        /// The type of the thumbnail.
        format: ImageFormat,
        /// Width of the thumbnail in pixels.
        width: u32,
        /// Height of the thumbnail in pixels.
        height: u32,
        /// The encoder's reason.
        reason: String,
    },
    /// A decoder panicked: a bug of ours or of a library, not a fault of the image. A later version may
    /// read it.
    #[error("the decoder of {format} panicked: {message}")]
    Panicked {
        /// The type that the first bytes name.
        format: ImageFormat,
        /// What it panicked with.
        message: String,
    },
    /// The bytes could not be had: says nothing about the image.
    #[error("the image could not be read: {0}")]
    Input(#[from] InputError),
}

impl ThumbnailError {
    /// A short name that never changes, for metrics: `empty`, `unrecognised`, `unsupported`,
    /// `limit`, `corrupt`, `encode`, `panic` or `input`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Unrecognised => "unrecognised",
            Self::Unsupported { .. } => "unsupported",
            Self::Limit { .. } => "limit",
            Self::Corrupt { .. } => "corrupt",
            Self::Encode { .. } => "encode",
            Self::Panicked { .. } => "panic",
            Self::Input(_) => "input",
        }
    }

    pub(crate) fn corrupt(format: ImageFormat, reason: impl Display) -> Self {
        let reason = one_line(&reason.to_string());
        Self::Corrupt { format, reason }
    }

    pub(crate) fn panicked(format: ImageFormat, panic: &(dyn Any + Send)) -> Self {
        let message = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        Self::Panicked {
            format,
            message: one_line(message),
        }
    }
}

/// Decoders quote the image at length, thousands of numbers or a line break among it; a log line
/// wants neither.
fn one_line(reason: &str) -> String {
    reason
        .chars()
        .filter(|letter| !letter.is_control())
        .take(MAX_REASON_CHARS)
        .collect()
}

/// A part of a plan that could not be read from its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a {what}: {allowed}")]
pub struct ParsePlanError {
    what: &'static str,
    value: String,
    allowed: &'static str,
}

impl ParsePlanError {
    pub(crate) fn new(what: &'static str, value: &str, allowed: &'static str) -> Self {
        Self {
            what,
            value: value.to_owned(),
            allowed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoders_reason_is_one_short_line() {
        let error = ThumbnailError::corrupt(ImageFormat::Tiff, "8, \n".repeat(1_000));
        let text = error.to_string();
        assert!(
            text.starts_with("the TIFF image is corrupt: 8, 8, "),
            "{text}"
        );
        assert!(text.chars().count() < 200 && !text.contains('\n'), "{text}");
    }
}
