//! Windows bitmaps, by `image`.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::{ColorType, DynamicImage, ImageDecoder};

use super::{Decoded, Facts, decoder_limits, resized_across};
use crate::picture::{Layout, Picture, spread_gray, spread_gray_alpha};
use crate::{ImageFormat, Limits, ThumbnailError};

pub(super) fn facts(image: &[u8]) -> Result<Facts, ThumbnailError> {
    let decoder = BmpDecoder::new(Cursor::new(image)).map_err(refused)?;
    let (width, height) = decoder.dimensions();
    Ok(Facts {
        width,
        height,
        orientation: 1,
        alpha: layout_of(decoder.color_type()).has_alpha(),
        frames: 1,
        decode_bytes: decoder
            .total_bytes()
            .saturating_add(resized_across(width, height)),
    })
}

pub(super) fn decode(image: &[u8], limits: &Limits) -> Result<Decoded, ThumbnailError> {
    let mut decoder = BmpDecoder::new(Cursor::new(image)).map_err(refused)?;
    decoder
        .set_limits(decoder_limits(limits))
        .map_err(refused)?;
    let decoded = DynamicImage::from_decoder(decoder).map_err(refused)?;
    Ok(Decoded {
        picture: picture_of(decoded),
        profile: None,
    })
}

fn refused(error: image::ImageError) -> ThumbnailError {
    super::refusal(ImageFormat::Bmp, error)
}

/// The eight-bit layout that samples of a type become.
pub(super) fn layout_of(colour: ColorType) -> Layout {
    match (colour.has_color(), colour.has_alpha()) {
        (false, false) => Layout::Gray,
        (false, true) => Layout::GrayAlpha,
        (true, false) => Layout::Rgb,
        (true, true) => Layout::Rgba,
    }
}

/// An image of `image`'s as eight-bit samples; converts only when it must.
pub(super) fn picture_of(decoded: DynamicImage) -> Picture {
    let layout = layout_of(decoded.color());
    let (width, height) = (decoded.width(), decoded.height());
    let samples = match layout {
        Layout::Gray => spread_gray(&decoded.into_luma8()),
        Layout::GrayAlpha => spread_gray_alpha(&decoded.into_luma_alpha8()),
        Layout::Rgb | Layout::Cmyk => decoded.into_rgb8().into_raw(),
        Layout::Rgba => decoded.into_rgba8().into_raw(),
    };
    Picture {
        width,
        height,
        layout,
        samples,
    }
}
