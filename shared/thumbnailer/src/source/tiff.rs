//! TIFF, by `tiff` as `image` converts its samples. The first page is the image.

use std::io::Cursor;

use image::codecs::tiff::TiffDecoder;
use image::{DynamicImage, ImageDecoder};

use super::bmp::{layout_of, picture_of};
use super::{Decoded, Facts, decoder_limits};
use crate::{ImageFormat, Limits, ThumbnailError, exif, limits};

pub(super) fn facts(image: &[u8], limits: &Limits) -> Result<Facts, ThumbnailError> {
    let decoder = TiffDecoder::new(Cursor::new(image)).map_err(refused)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    limits::check("pixels", pixels, limits.max_pixels)?;
    let layout = layout_of(decoder.color_type());
    // Samples as stored, once more while strips are put together, and the eight-bit picture.
    let channels = u64::try_from(layout.channels()).unwrap_or(4);
    Ok(Facts {
        width,
        height,
        orientation: exif::orientation(image),
        alpha: layout.has_alpha(),
        frames: 1,
        decode_bytes: decoder
            .total_bytes()
            .saturating_mul(2)
            .saturating_add(pixels * channels),
    })
}

pub(super) fn decode(image: &[u8], limits: &Limits) -> Result<Decoded, ThumbnailError> {
    let mut decoder = TiffDecoder::new(Cursor::new(image)).map_err(refused)?;
    decoder
        .set_limits(decoder_limits(limits))
        .map_err(refused)?;
    let profile = decoder.icc_profile().unwrap_or_default();
    let decoded = DynamicImage::from_decoder(decoder).map_err(refused)?;
    Ok(Decoded {
        picture: picture_of(decoded),
        profile,
    })
}

fn refused(error: image::ImageError) -> ThumbnailError {
    super::refusal(ImageFormat::Tiff, error)
}
