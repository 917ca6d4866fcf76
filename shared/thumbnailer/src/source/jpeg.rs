//! JPEG, by `jpeg-decoder`: of the two permissive decoders in Rust it is the one that reads every
//! subsampling, progressive CMYK and YCCK among them, right.

use std::fmt::Display;

use jpeg_decoder::PixelFormat;

use super::{Decoded, Facts};
use crate::picture::{Layout, Picture, spread_gray};
use crate::sniff::unsupported;
use crate::{ImageFormat, Limits, ThumbnailError, exif, limits};

/// Scans that a progressive image may have. Encoders write about ten; each costs a pass over the
/// whole image, so a small file with thousands of them is a bomb of time.
const MAX_SCANS: u64 = 256;

const CONVERT: &str = "save it as a baseline or progressive 8-bit JPEG";

pub(super) fn facts(image: &[u8]) -> Result<Facts, ThumbnailError> {
    let markers = Markers::read(image)?;
    let frame = markers
        .frame
        .ok_or_else(|| corrupt("it has no frame header"))?;
    limits::check("scans", markers.scans, MAX_SCANS)?;

    let pixels = u64::from(frame.width) * u64::from(frame.height);
    let channels = match frame.components {
        // Gray is decoded, then spread.
        1 => 4,
        components => u64::from(components),
    };
    // The decoder holds each component's plane, the pixels interleaved, and, when a component
    // comes in more scans than one, its coefficients of two bytes.
    let planes = frame.plane_bytes;
    let coefficients = if markers.scans > 1 { 2 * planes } else { 0 };
    Ok(Facts {
        width: frame.width,
        height: frame.height,
        orientation: markers.exif.map_or(1, exif::orientation),
        alpha: false,
        frames: 1,
        decode_bytes: planes + coefficients + pixels * channels,
    })
}

pub(super) fn decode(image: &[u8], limits: &Limits) -> Result<Decoded, ThumbnailError> {
    let markers = Markers::read(image)?;
    let mut decoder = jpeg_decoder::Decoder::new(image);
    let max_bytes = usize::try_from(limits.max_memory_bytes).unwrap_or(usize::MAX);
    decoder.set_max_decoding_buffer_size(max_bytes);
    let samples = decoder.decode().map_err(refusal)?;
    let info = decoder
        .info()
        .ok_or_else(|| corrupt("it has no frame header"))?;
    let layout = match info.pixel_format {
        PixelFormat::L8 => Layout::Gray,
        PixelFormat::RGB24 => Layout::Rgb,
        PixelFormat::CMYK32 => Layout::Cmyk,
        PixelFormat::L16 => return Err(unsupported("16-bit JPEG", CONVERT)),
    };
    let samples = match layout {
        Layout::Gray => spread_gray(&samples),
        _ => samples,
    };
    Ok(Decoded {
        picture: Picture {
            width: info.width.into(),
            height: info.height.into(),
            layout,
            samples,
        },
        profile: markers.profile(),
    })
}

fn corrupt(reason: impl Display) -> ThumbnailError {
    ThumbnailError::corrupt(ImageFormat::Jpeg, reason)
}

fn refusal(error: jpeg_decoder::Error) -> ThumbnailError {
    match error {
        jpeg_decoder::Error::Unsupported(feature) => {
            unsupported(format!("JPEG with {feature:?}"), CONVERT)
        }
        error => corrupt(error),
    }
}

/// The frame header, ITU-T T.81 section B.2.2.
struct Frame {
    width: u32,
    height: u32,
    components: u8,
    /// Samples of all components, each in its own resolution.
    plane_bytes: u64,
}

/// What the marker segments of a whole image say.
struct Markers<'a> {
    frame: Option<Frame>,
    scans: u64,
    exif: Option<&'a [u8]>,
    /// Number and part of each ICC profile segment.
    profile: Vec<(u8, &'a [u8])>,
}

impl<'a> Markers<'a> {
    /// Walks from marker to marker up to the end of the image. An image that has no end is
    /// truncated: decoders would fill the rest with gray and say nothing.
    fn read(image: &'a [u8]) -> Result<Self, ThumbnailError> {
        let mut markers = Self {
            frame: None,
            scans: 0,
            exif: None,
            profile: Vec::new(),
        };
        let truncated = || corrupt("it is truncated: it has no end marker");
        let mut at = 2;
        loop {
            let rest = image.get(at..).unwrap_or_default();
            let marker_at = at + memchr::memchr(0xff, rest).ok_or_else(truncated)?;
            let marker = *image.get(marker_at + 1).ok_or_else(truncated)?;
            match marker {
                // A stuffed byte, a restart, SOI, and TEM have no segment; 0xff is filling.
                0x00 | 0x01 | 0xd0..=0xd8 => at = marker_at + 2,
                0xff => at = marker_at + 1,
                0xd9 => return Ok(markers),
                _ => {
                    let length = image
                        .get(marker_at + 2..)
                        .and_then(<[u8]>::first_chunk)
                        .map(|bytes| usize::from(u16::from_be_bytes(*bytes)))
                        .ok_or_else(truncated)?;
                    let end = marker_at + 2 + length;
                    let segment = image.get(marker_at + 4..end);
                    if length < 2 {
                        return Err(corrupt("a marker segment is shorter than its own length"));
                    }
                    markers.take(marker, segment.ok_or_else(truncated)?)?;
                    at = end;
                }
            }
        }
    }

    fn take(&mut self, marker: u8, segment: &'a [u8]) -> Result<(), ThumbnailError> {
        match marker {
            0xc0..=0xc2 if self.frame.is_some() => {
                return Err(corrupt("it has two frame headers"));
            }
            0xc0..=0xc2 => self.frame = Some(Frame::read(segment)?),
            0xc3 => return Err(unsupported("lossless JPEG", CONVERT)),
            0xc5..=0xc7 => return Err(unsupported("hierarchical JPEG", CONVERT)),
            0xc9..=0xcf => return Err(unsupported("arithmetic-coded JPEG", CONVERT)),
            0xda => self.scans += 1,
            0xe1 if self.exif.is_none() && segment.starts_with(b"Exif\0\0") => {
                self.exif = Some(segment);
            }
            0xe2 => {
                // ICC.1 section B.4: a name, the part's number from 1, the count of parts.
                if let Some([number, _count, part @ ..]) = segment.strip_prefix(b"ICC_PROFILE\0") {
                    self.profile.push((*number, part));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn profile(mut self) -> Option<Vec<u8>> {
        self.profile.sort_by_key(|(number, _)| *number);
        let profile: Vec<u8> = self
            .profile
            .iter()
            .flat_map(|(_, part)| *part)
            .copied()
            .collect();
        (!profile.is_empty()).then_some(profile)
    }
}

impl Frame {
    fn read(segment: &[u8]) -> Result<Self, ThumbnailError> {
        let Some(([precision, h1, h0, w1, w0, count], rest)) = segment.split_first_chunk() else {
            return Err(corrupt("its frame header is cut short"));
        };
        let width = u32::from(u16::from_be_bytes([*w1, *w0]));
        let height = u32::from(u16::from_be_bytes([*h1, *h0]));
        if *precision != 8 {
            return Err(unsupported(format!("{precision}-bit JPEG"), CONVERT));
        }
        if height == 0 && width > 0 {
            return Err(unsupported("JPEG with its height at the end", CONVERT));
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(unsupported(format!("JPEG of {count} components"), CONVERT));
        }
        let factors: Vec<(u32, u32)> = rest
            .chunks_exact(3)
            .take(usize::from(*count))
            .filter_map(|component| component.get(1))
            .map(|factors| (u32::from(factors >> 4), u32::from(factors & 15)))
            .collect();
        let valid = |factor: u32| (1..=4).contains(&factor);
        if factors.len() != usize::from(*count)
            || !factors.iter().all(|(h, v)| valid(*h) && valid(*v))
        {
            return Err(corrupt("its sampling factors are out of range"));
        }
        let max_h = factors.iter().map(|(h, _)| *h).max().unwrap_or(1);
        let max_v = factors.iter().map(|(_, v)| *v).max().unwrap_or(1);
        // Planes are padded to whole minimum coded units.
        let units = u64::from(width.div_ceil(8 * max_h)) * u64::from(height.div_ceil(8 * max_v));
        let blocks: u32 = factors.iter().map(|(h, v)| h * v).sum();
        Ok(Self {
            width,
            height,
            components: *count,
            plane_bytes: units * 64 * u64::from(blocks),
        })
    }
}
