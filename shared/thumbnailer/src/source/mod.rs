//! Reading each type of image: its header without a pixel decoded, its first frame, its frames.

mod avif;
mod avif_aperture;
mod avif_colour;
mod avif_container;
mod bmp;
mod gif;
mod jpeg;
pub(crate) mod png;
mod tiff;
pub(crate) mod webp;
pub(crate) mod webp_scaled;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::picture::Picture;
use crate::sniff::{CONVERT, unsupported};
use crate::{ImageFormat, Limits, ThumbnailError};

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// EXIF orientation, 1 to 8.
    pub(crate) orientation: u8,
    /// Whether a pixel may be transparent.
    pub(crate) alpha: bool,
    pub(crate) frames: u32,
    /// Estimated peak of memory to decode one frame, the decoded pixels included.
    pub(crate) decode_bytes: u64,
}

impl Facts {
    pub(crate) fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// A decoded frame and the colour profile that says what its samples mean.
#[derive(Debug, Clone)]
pub(crate) struct Decoded {
    pub(crate) picture: Picture,
    pub(crate) profile: Option<Vec<u8>>,
}

/// An animation, decoded frame by frame.
pub(crate) struct Animation<'a> {
    /// Times to play; 0 is for ever.
    pub(crate) loops: u16,
    pub(crate) profile: Option<Vec<u8>>,
    pub(crate) frames: Box<dyn Iterator<Item = Result<AnimationFrame, ThumbnailError>> + 'a>,
}

/// One frame as a viewer shows it: the whole canvas, composed with what was before.
pub(crate) struct AnimationFrame {
    pub(crate) picture: Picture,
    pub(crate) delay_ms: u32,
}

/// Reads the header of an image of type `format`.
pub(crate) fn facts(
    format: ImageFormat,
    image: &[u8],
    limits: &Limits,
) -> Result<Facts, ThumbnailError> {
    guarded(format, || match format {
        ImageFormat::Jpeg => jpeg::facts(image),
        ImageFormat::Png => png::facts(image),
        ImageFormat::WebP => webp::facts(image),
        ImageFormat::Gif => gif::facts(image, limits),
        ImageFormat::Tiff => tiff::facts(image, limits),
        ImageFormat::Bmp => bmp::facts(image),
        ImageFormat::Avif => avif::facts(image),
    })
}

/// Decodes the first, mostly only, frame.
pub(crate) fn first_frame(
    format: ImageFormat,
    image: &[u8],
    limits: &Limits,
) -> Result<Decoded, ThumbnailError> {
    guarded(format, || match format {
        ImageFormat::Jpeg => jpeg::decode(image, limits),
        ImageFormat::Png => png::decode(image, limits),
        ImageFormat::WebP => webp::decode(image, limits),
        ImageFormat::Gif => gif::decode(image, limits),
        ImageFormat::Tiff => tiff::decode(image, limits),
        ImageFormat::Bmp => bmp::decode(image, limits),
        ImageFormat::Avif => avif::decode(image, limits),
    })
}

/// Opens an animated image.
pub(crate) fn animation<'a>(
    format: ImageFormat,
    image: &'a [u8],
    limits: &Limits,
) -> Result<Option<Animation<'a>>, ThumbnailError> {
    guarded(format, || match format {
        ImageFormat::Gif => gif::animation(image, limits).map(Some),
        ImageFormat::WebP => webp::animation(image, limits).map(Some),
        _ => Ok(None),
    })
}

/// Bytes of a picture, in four channels at most, that has been resized across to a thumbnail of usual width and not yet
/// down: what a picture that was decoded whole takes beside itself.
fn resized_across(width: u32, height: u32) -> u64 {
    const USUAL_WIDTH: u32 = 1024;
    u64::from(width.min(USUAL_WIDTH)) * u64::from(height) * 4
}

/// Turns a decoder's panic into an error, so that no bytes make the crate panic. Decoders own what
/// they work on: nothing half-changed outlives the panic.
pub(crate) fn guarded<T>(
    format: ImageFormat,
    decode: impl FnOnce() -> Result<T, ThumbnailError>,
) -> Result<T, ThumbnailError> {
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|panic| Err(ThumbnailError::panicked(format, panic.as_ref())))
}

/// What `image` refuses, for the types that it decodes.
fn refusal(format: ImageFormat, error: image::ImageError) -> ThumbnailError {
    match error {
        image::ImageError::Unsupported(_) => unsupported(format!("this kind of {format}"), CONVERT),
        error => ThumbnailError::corrupt(format, error),
    }
}

/// The limits as `image`'s decoders take them, for headers that lie past our own check.
fn decoder_limits(limits: &Limits) -> image::Limits {
    let mut decoder = image::Limits::no_limits();
    decoder.max_image_width = Some(limits.max_dimension);
    decoder.max_image_height = Some(limits.max_dimension);
    decoder.max_alloc = Some(limits.max_memory_bytes);
    decoder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_that_panics_is_an_error_of_its_own() {
        let result: Result<(), _> = guarded(ImageFormat::Gif, || panic!("index {} of 3", 4));
        let error = ThumbnailError::Panicked {
            format: ImageFormat::Gif,
            message: "index 4 of 3".to_owned(),
        };
        assert_eq!(result, Err(error));
    }
}
