//! PNG, row by row, and by `png` where it is interlaced. An animated PNG shows its first frame, as the format means it
//! to.

mod expand;
mod scanlines;
mod stream;
#[cfg(test)]
mod tests;
mod unfilter;
#[cfg(target_arch = "x86_64")]
mod unfilter_x86;

pub(crate) use stream::rows;

use scanlines::Scanlines;

use std::fmt::Display;

use png::{ColorType, Transformations};

use super::{Decoded, Facts, resized_across};
use crate::picture::{Layout, Picture, spread_gray, spread_gray_alpha};
use crate::{ImageFormat, Limits, ThumbnailError, exif};

/// What the decoder may hold beside the pixels: rows, text, the colour profile.
const SCRATCH_BYTES: u64 = 4 << 20;

/// Rows that the filters of some thumbnails reach over, in samples of two bytes.
const HELD_ROWS: u64 = 256;

pub(super) fn facts(image: &[u8]) -> Result<Facts, ThumbnailError> {
    let mut facts = None;
    let (mut orientation, mut transparent) = (1, false);
    for chunk in Chunks::new(image) {
        let (kind, body) = chunk?;
        match &kind {
            b"IHDR" => facts = Some(Header::read(body)?),
            b"tRNS" => transparent = true,
            b"eXIf" => orientation = exif::orientation(body),
            _ => {}
        }
    }
    let header = facts.ok_or_else(|| corrupt("it has no header chunk"))?;
    let alpha = transparent || header.alpha;
    let pixels = u64::from(header.width) * u64::from(header.height);
    // Gray is decoded, then spread.
    let channels = if alpha { 4 } else { 3 };
    let gray = match (header.gray, alpha) {
        (true, true) => 2,
        (true, false) => 1,
        (false, _) => 0,
    };
    let pixel_bytes = if header.interlaced {
        pixels
            .saturating_mul(channels + gray)
            .saturating_add(resized_across(header.width, header.height))
    } else {
        // At most four channels of two bytes are read, and of one resized.
        let row = u64::from(header.width) * 8;
        let read = Scanlines::bytes(usize::try_from(row).unwrap_or(usize::MAX));
        u64::try_from(read)
            .unwrap_or(u64::MAX)
            .saturating_add(row / 2 * HELD_ROWS)
    };
    Ok(Facts {
        width: header.width,
        height: header.height,
        orientation,
        alpha,
        frames: 1,
        decode_bytes: pixel_bytes.saturating_add(SCRATCH_BYTES),
    })
}

pub(super) fn decode(image: &[u8], limits: &Limits) -> Result<Decoded, ThumbnailError> {
    let limits = png_limits(limits);
    let max_bytes = limits.bytes;
    let mut decoder = png::Decoder::new_with_limits(std::io::Cursor::new(image), limits);
    // Palettes and transparency become channels, sixteen bits become eight.
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(corrupt)?;
    let length = reader
        .output_buffer_size()
        .filter(|length| *length <= max_bytes)
        .ok_or_else(|| corrupt("it is larger than its header said"))?;
    let mut samples = vec![0; length];
    let frame = reader.next_frame(&mut samples).map_err(corrupt)?;
    let (layout, samples) = match frame.color_type {
        ColorType::Grayscale => (Layout::Gray, spread_gray(&samples)),
        ColorType::GrayscaleAlpha => (Layout::GrayAlpha, spread_gray_alpha(&samples)),
        ColorType::Rgb => (Layout::Rgb, samples),
        ColorType::Rgba => (Layout::Rgba, samples),
        ColorType::Indexed => return Err(corrupt("its palette was not expanded")),
    };
    let info = reader.info();
    // An sRGB chunk overrides a profile, PNG third edition section 11.3.2.5.
    let profile = info.icc_profile.as_ref().filter(|_| info.srgb.is_none());
    Ok(Decoded {
        profile: profile.map(|profile| profile.to_vec()),
        picture: Picture {
            width: frame.width,
            height: frame.height,
            layout,
            samples,
        },
    })
}

fn png_limits(limits: &Limits) -> png::Limits {
    let bytes = usize::try_from(limits.max_memory_bytes).unwrap_or(usize::MAX);
    png::Limits { bytes }
}

fn corrupt(reason: impl Display) -> ThumbnailError {
    ThumbnailError::corrupt(ImageFormat::Png, reason)
}

struct Header {
    width: u32,
    height: u32,
    gray: bool,
    alpha: bool,
    interlaced: bool,
}

impl Header {
    fn read(body: &[u8]) -> Result<Self, ThumbnailError> {
        let Some(
            [
                w3,
                w2,
                w1,
                w0,
                h3,
                h2,
                h1,
                h0,
                _depth,
                colour,
                _compression,
                _filter,
                interlace,
            ],
        ) = body.first_chunk()
        else {
            return Err(corrupt("its header chunk is cut short"));
        };
        Ok(Self {
            width: u32::from_be_bytes([*w3, *w2, *w1, *w0]),
            height: u32::from_be_bytes([*h3, *h2, *h1, *h0]),
            gray: matches!(colour, 0 | 4),
            alpha: matches!(colour, 4 | 6),
            interlaced: *interlace != 0,
        })
    }
}

/// The chunks up to the end of the image, their checksums left to the decoder.
struct Chunks<'a> {
    rest: &'a [u8],
    ended: bool,
}

impl<'a> Chunks<'a> {
    fn new(image: &'a [u8]) -> Self {
        Self {
            rest: image.get(8..).unwrap_or_default(),
            ended: false,
        }
    }

    fn split(&mut self) -> Option<([u8; 4], &'a [u8])> {
        let (length, rest) = self.rest.split_first_chunk()?;
        let (kind, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (body, rest) = rest.split_at_checked(length)?;
        let (_checksum, rest) = rest.split_first_chunk::<4>()?;
        self.rest = rest;
        Some((*kind, body))
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<([u8; 4], &'a [u8]), ThumbnailError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let chunk = self.split();
        self.ended = chunk.is_none_or(|(kind, _)| &kind == b"IEND");
        Some(chunk.ok_or_else(|| corrupt("it is truncated: it has no end chunk")))
    }
}
