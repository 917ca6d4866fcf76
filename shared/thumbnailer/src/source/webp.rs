//! WebP: its container, and animations by `image-webp`. Still ones are decoded by libwebp: see
//! [`webp_scaled`](super::webp_scaled).

use std::fmt::Display;
use std::io::Cursor;

use image::codecs::webp::WebPDecoder;
use image::{AnimationDecoder, ImageDecoder};

use super::gif::{Guarded, composed, loops};
use super::webp_scaled::scaled_bytes;
use super::{Animation, Decoded, Facts, decoder_limits};
use crate::picture::{Layout, Picture};
use crate::{ImageFormat, Limits, ThumbnailError, exif};

/// The least side that thumbnails of usual sizes, up to 1024 pixels, are made from.
const USUAL_LEAST: u32 = 2_048;

pub(super) fn facts(image: &[u8]) -> Result<Facts, ThumbnailError> {
    let mut canvas: Option<Canvas> = None;
    let mut extended = false;
    let (mut orientation, mut frames) = (1, 0u32);
    for chunk in Chunks::new(image)? {
        let (kind, body) = chunk?;
        match &kind {
            b"VP8X" => {
                canvas = Some(Canvas::extended(body)?);
                extended = true;
            }
            b"VP8 " | b"VP8L" if extended => {
                let inner = Canvas::of_bitstream(kind, body)?;
                if canvas
                    .is_some_and(|outer| (outer.width, outer.height) != (inner.width, inner.height))
                {
                    return Err(corrupt("its canvas and its frame differ in size"));
                }
            }
            b"VP8 " | b"VP8L" => canvas = canvas.or(Some(Canvas::of_bitstream(kind, body)?)),
            b"ANMF" => frames = frames.saturating_add(1),
            b"EXIF" => orientation = exif::orientation(body),
            _ => {}
        }
    }
    let canvas = canvas.ok_or_else(|| corrupt("it has no frame"))?;
    if canvas.animated && frames == 0 {
        return Err(corrupt("it is an animation without a frame"));
    }
    let pixels = u64::from(canvas.width) * u64::from(canvas.height);
    Ok(Facts {
        width: canvas.width,
        height: canvas.height,
        orientation,
        alpha: canvas.alpha,
        frames: if canvas.animated { frames } else { 1 },
        decode_bytes: if canvas.animated {
            // Planes or a lossless frame, the frame as RGBA, the canvas, the composed picture.
            pixels * 16
        } else {
            let size = (canvas.width, canvas.height);
            let least = (size.0.min(USUAL_LEAST), size.1.min(USUAL_LEAST));
            scaled_bytes(is_lossless(image), canvas.alpha, size, least)
        },
    })
}

/// The ICC profile, RFC 9649 section 2.7.1.4, when there is one that can be read.
pub(crate) fn profile(image: &[u8]) -> Option<Vec<u8>> {
    Chunks::new(image)
        .ok()?
        .map_while(Result::ok)
        .find(|(kind, _)| kind == b"ICCP")
        .map(|(_, profile)| profile.to_vec())
}

/// Whether its picture is lossless, as far as can be seen.
pub(crate) fn is_lossless(image: &[u8]) -> bool {
    Chunks::new(image).is_ok_and(|chunks| {
        chunks
            .map_while(Result::ok)
            .any(|(kind, _)| &kind == b"VP8L")
    })
}

pub(super) fn decode(image: &[u8], limits: &Limits) -> Result<Decoded, ThumbnailError> {
    let mut decoder = open(image, limits)?;
    let profile = decoder.icc_profile().unwrap_or_default();
    if decoder.has_animation() {
        let mut animation = animation(image, limits)?;
        let first = animation
            .frames
            .next()
            .ok_or_else(|| corrupt("it has no frame"))??;
        return Ok(Decoded {
            picture: first.picture,
            profile,
        });
    }
    let (width, height) = decoder.dimensions();
    let layout = if decoder.color_type().has_alpha() {
        Layout::Rgba
    } else {
        Layout::Rgb
    };
    let length = usize::try_from(decoder.total_bytes()).map_err(corrupt)?;
    let mut samples = vec![0; length];
    decoder.read_image(&mut samples).map_err(corrupt)?;
    Ok(Decoded {
        picture: Picture {
            width,
            height,
            layout,
            samples,
        },
        profile,
    })
}

pub(super) fn animation<'a>(
    image: &'a [u8],
    limits: &Limits,
) -> Result<Animation<'a>, ThumbnailError> {
    let mut decoder = open(image, limits)?;
    let profile = decoder.icc_profile().unwrap_or_default();
    // The colour that a file hints at is for viewers without transparency; browsers ignore it.
    if decoder.has_animation() {
        let transparent = image::Rgba([0; 4]);
        decoder.set_background_color(transparent).map_err(corrupt)?;
    }
    let loops = loops(decoder.loop_count());
    let frames = decoder
        .into_frames()
        .map(|frame| frame.map(composed).map_err(corrupt));
    Ok(Animation {
        loops,
        profile,
        frames: Box::new(Guarded(frames, ImageFormat::WebP)),
    })
}

fn open<'a>(
    image: &'a [u8],
    limits: &Limits,
) -> Result<WebPDecoder<Cursor<&'a [u8]>>, ThumbnailError> {
    let mut decoder = WebPDecoder::new(Cursor::new(image)).map_err(corrupt)?;
    decoder
        .set_limits(decoder_limits(limits))
        .map_err(corrupt)?;
    Ok(decoder)
}

pub(super) fn corrupt(reason: impl Display) -> ThumbnailError {
    ThumbnailError::corrupt(ImageFormat::WebP, reason)
}

#[derive(Clone, Copy)]
struct Canvas {
    width: u32,
    height: u32,
    alpha: bool,
    animated: bool,
}

impl Canvas {
    /// `VP8X`, RFC 9649 section 2.7.
    fn extended(body: &[u8]) -> Result<Self, ThumbnailError> {
        let Some([flags, _, _, _, w0, w1, w2, h0, h1, h2]) = body.first_chunk() else {
            return Err(corrupt("its extended header is cut short"));
        };
        Ok(Self {
            width: u32::from_le_bytes([*w0, *w1, *w2, 0]) + 1,
            height: u32::from_le_bytes([*h0, *h1, *h2, 0]) + 1,
            alpha: flags & 0x10 != 0,
            animated: flags & 0x02 != 0,
        })
    }

    /// The size that a lossy (RFC 6386 section 9.1) or lossless (RFC 9649 section 3.4) frame says.
    fn of_bitstream(kind: [u8; 4], body: &[u8]) -> Result<Self, ThumbnailError> {
        let cut_short = || corrupt("its frame header is cut short");
        if &kind == b"VP8L" {
            let [signature, b0, b1, b2, b3] = body.first_chunk().ok_or_else(cut_short)?;
            let bits = u32::from_le_bytes([*b0, *b1, *b2, *b3]);
            if *signature != 0x2f {
                return Err(corrupt("its lossless frame has no signature"));
            }
            return Ok(Self {
                width: (bits & 0x3fff) + 1,
                height: (bits >> 14 & 0x3fff) + 1,
                alpha: bits >> 28 & 1 == 1,
                animated: false,
            });
        }
        let [_, _, _, s0, s1, s2, w0, w1, h0, h1] = body.first_chunk().ok_or_else(cut_short)?;
        if [*s0, *s1, *s2] != [0x9d, 0x01, 0x2a] {
            return Err(corrupt("its lossy frame has no start code"));
        }
        // The two bits on top are a scale that viewers ignore.
        let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
        Ok(Self {
            width: side(*w0, *w1),
            height: side(*h0, *h1),
            alpha: false,
            animated: false,
        })
    }
}

/// The chunks of the RIFF container.
struct Chunks<'a> {
    rest: &'a [u8],
}

impl<'a> Chunks<'a> {
    fn new(image: &'a [u8]) -> Result<Self, ThumbnailError> {
        let length = image
            .get(4..)
            .and_then(<[u8]>::first_chunk)
            .and_then(|bytes| usize::try_from(u32::from_le_bytes(*bytes)).ok());
        // The length counts from the container's type on, which is the twelfth byte.
        let rest = length
            .and_then(|length| image.get(12..length.checked_add(8)?))
            .ok_or_else(|| corrupt("it is truncated: it is shorter than it says"))?;
        Ok(Self { rest })
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<([u8; 4], &'a [u8]), ThumbnailError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let chunk = || {
            let (kind, rest) = self.rest.split_first_chunk()?;
            let (length, rest) = rest.split_first_chunk()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let (body, rest) = rest.split_at_checked(length)?;
            // Bodies are padded to even lengths; the last one's padding may be missing.
            Some((*kind, body, rest.get(length % 2..).unwrap_or_default()))
        };
        let Some((kind, body, rest)) = chunk() else {
            self.rest = &[];
            return Some(Err(corrupt("it is truncated: it ends inside a chunk")));
        };
        self.rest = rest;
        Some(Ok((kind, body)))
    }
}
