use serde::Serialize;

use crate::limits::check;
use crate::orientation::Orientation;
use crate::sniff::sniff;
use crate::source::{self, Facts};
use crate::{ImageFormat, Input, Limits, ThumbnailError};

/// Memory for thumbnails of usual sizes, their encoders and tables.
const OUTPUT_BYTES: u64 = 16 << 20;

/// What an image says of itself before it is decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Header {
    /// The type, by the first bytes.
    pub format: ImageFormat,
    /// Width in pixels as stored, before the orientation is applied.
    pub width: u32,
    /// Height in pixels as stored, before the orientation is applied.
    pub height: u32,
    /// EXIF orientation, 1 to 8; 1 is upright.
    pub orientation: u8,
    /// Whether a pixel may be transparent.
    pub alpha: bool,
    /// Frames of an animation, 1 for a still image.
    pub frames: u32,
    /// Estimated peak of memory while thumbnails up to about 1024 pixels are made of it, the
    /// encoded image included, in bytes.
    pub memory_bytes: u64,
}

impl Header {
    /// Width and height in pixels as displayed, the orientation applied.
    pub fn displayed(&self) -> (u32, u32) {
        Orientation::from_exif(self.orientation).displayed(self.width, self.height)
    }
}

/// Tells the type of `image` from its bytes, reads its header, and refuses it when it is over a
/// limit. Decodes no pixel, and costs time in proportion to the bytes, not to the pixels.
///
/// # Errors
///
/// Every [`ThumbnailError`] but [`ThumbnailError::Encode`]. A JPEG, PNG, GIF or WebP that ends
/// too early is refused here already.
pub fn inspect(mut image: &[u8], limits: &Limits) -> Result<Header, ThumbnailError> {
    inspect_input(&mut image, limits)
}

/// [`inspect`] of an image that may still be arriving.
///
/// # Errors
///
/// Those of [`inspect`], and [`ThumbnailError::Input`].
pub fn inspect_input(input: &mut dyn Input, limits: &Limits) -> Result<Header, ThumbnailError> {
    let image = input.from(0, usize::MAX)?;
    let bytes = u64::try_from(image.len()).unwrap_or(u64::MAX);
    check("input bytes", bytes, limits.max_input_bytes)?;
    let format = sniff(image)?;
    let facts = source::facts(format, image, limits)?;
    if facts.width == 0 || facts.height == 0 {
        return Err(ThumbnailError::corrupt(format, "it has no pixels"));
    }
    let side = facts.width.max(facts.height);
    check("pixels on a side", side.into(), limits.max_dimension.into())?;
    check("pixels", facts.pixels(), limits.max_pixels)?;
    check("frames", facts.frames.into(), limits.max_frames.into())?;
    let memory_bytes = memory(&facts, bytes);
    check("bytes of memory", memory_bytes, limits.max_memory_bytes)?;
    Ok(Header {
        format,
        width: facts.width,
        height: facts.height,
        orientation: facts.orientation,
        alpha: facts.alpha,
        frames: facts.frames,
        memory_bytes,
    })
}

fn memory(facts: &Facts, input_bytes: u64) -> u64 {
    facts
        .decode_bytes
        .saturating_add(input_bytes)
        .saturating_add(OUTPUT_BYTES)
}
