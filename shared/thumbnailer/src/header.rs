use serde::Serialize;

use crate::engine;
use crate::jpeg::{self, JpegError};
use crate::limits::check;
use crate::orientation::Orientation;
use crate::sniff::sniff;
use crate::source::{self, Facts};
use crate::{ImageFormat, Input, Limits, ThumbnailError};

/// Memory for thumbnails of usual sizes, their encoders and tables.
const OUTPUT_BYTES: u64 = 16 << 20;

/// Enough to tell every type by, the text before an `<svg` among them.
pub(crate) const SNIFFED_BYTES: usize = 4096;

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
/// Every [`ThumbnailError`] but [`ThumbnailError::Encode`]. A PNG, GIF or WebP that ends too early is refused here
/// already.
pub fn inspect(mut image: &[u8], limits: &Limits) -> Result<Header, ThumbnailError> {
    inspect_input(&mut image, limits)
}

/// [`inspect`] of an image that may still be arriving.
///
/// # Errors
///
/// Those of [`inspect`], and [`ThumbnailError::Input`].
pub fn inspect_input(input: &mut dyn Input, limits: &Limits) -> Result<Header, ThumbnailError> {
    let start = input.from(0, SNIFFED_BYTES)?;
    if sniff(start)? == ImageFormat::Jpeg {
        match jpeg::Header::read(input) {
            Ok(file) => return of_jpeg(&file, input.whole(), limits),
            Err(JpegError::Input(error)) => return Err(error.into()),
            // One for the general decoder, or for its words on what is wrong.
            Err(_) => {}
        }
    }
    inspect_whole(input.from(0, usize::MAX)?, limits)
}

/// What the general decoders say of an image, and need for it.
pub(crate) fn inspect_whole(image: &[u8], limits: &Limits) -> Result<Header, ThumbnailError> {
    let bytes = length(Some(image));
    check("input bytes", bytes, limits.max_input_bytes)?;
    let format = sniff(image)?;
    checked(
        format,
        &source::facts(format, image, limits)?,
        bytes,
        limits,
    )
}

/// What the scaled decoder needs for a JPEG, of which `whole` may not all be there.
pub(crate) fn of_jpeg(
    file: &jpeg::Header,
    whole: Option<&[u8]>,
    limits: &Limits,
) -> Result<Header, ThumbnailError> {
    let bytes = length(whole);
    check("input bytes", bytes, limits.max_input_bytes)?;
    let facts = Facts {
        width: file.width,
        height: file.height,
        orientation: file.exif_orientation,
        alpha: false,
        frames: 1,
        decode_bytes: engine::usual_decode_bytes(file),
    };
    checked(ImageFormat::Jpeg, &facts, bytes, limits)
}

fn checked(
    format: ImageFormat,
    facts: &Facts,
    input_bytes: u64,
    limits: &Limits,
) -> Result<Header, ThumbnailError> {
    if facts.width == 0 || facts.height == 0 {
        return Err(ThumbnailError::corrupt(format, "it has no pixels"));
    }
    let side = facts.width.max(facts.height);
    check("pixels on a side", side.into(), limits.max_dimension.into())?;
    check("pixels", facts.pixels(), limits.max_pixels)?;
    check("frames", facts.frames.into(), limits.max_frames.into())?;
    let memory_bytes = memory(facts.decode_bytes, input_bytes);
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

pub(crate) fn length(image: Option<&[u8]>) -> u64 {
    image.map_or(0, |image| u64::try_from(image.len()).unwrap_or(u64::MAX))
}

/// What decoding takes, the input itself, and thumbnails of usual sizes.
pub(crate) fn memory(decode_bytes: u64, input_bytes: u64) -> u64 {
    decode_bytes
        .saturating_add(input_bytes)
        .saturating_add(OUTPUT_BYTES)
}
