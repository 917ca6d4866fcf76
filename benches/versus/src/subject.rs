//! The images that are measured, and what their headers say.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use image::{ImageDecoder, ImageFormat, ImageReader};

/// What the header of an image says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) format: ImageFormat,
    /// Width in pixels, as stored.
    pub(crate) stored_width: u32,
    /// Height in pixels, as stored.
    pub(crate) stored_height: u32,
    /// EXIF orientation, 1 to 8.
    pub(crate) orientation: u8,
    /// Whether it has an ICC profile.
    pub(crate) profile: bool,
    /// A JPEG of several scans of rising detail.
    pub(crate) progressive: bool,
    /// A JPEG with restart markers.
    pub(crate) restarts: bool,
    /// Colour components, of a JPEG.
    pub(crate) components: u8,
}

impl Facts {
    /// Of any of the types that are measured.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
        let format = reader.format().context("of no known type")?;
        if format == ImageFormat::Jpeg {
            return Self::of_jpeg(bytes).context("a JPEG without a frame header");
        }
        let mut decoder = reader.into_decoder()?;
        let (stored_width, stored_height) = decoder.dimensions();
        Ok(Self {
            format,
            stored_width,
            stored_height,
            orientation: decoder.orientation()?.to_exif(),
            profile: decoder.icc_profile()?.is_some(),
            progressive: false,
            restarts: false,
            components: 3,
        })
    }

    /// Of a JPEG, by its marker segments up to the first scan.
    pub(crate) fn of_jpeg(bytes: &[u8]) -> Option<Self> {
        let mut facts = Self {
            format: ImageFormat::Jpeg,
            stored_width: 0,
            stored_height: 0,
            orientation: 1,
            profile: false,
            progressive: false,
            restarts: false,
            components: 0,
        };
        for (marker, body) in segments(bytes) {
            match marker {
                // SOF0 to SOF15, but for DHT, JPG and DAC between them.
                0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                    let &[_, high, low, wide, narrow, components, ..] = body else {
                        return None;
                    };
                    facts.stored_height = u16::from_be_bytes([high, low]).into();
                    facts.stored_width = u16::from_be_bytes([wide, narrow]).into();
                    facts.components = components;
                    facts.progressive = marker == 0xC2;
                }
                0xDD => facts.restarts = body.iter().any(|byte| *byte != 0),
                0xE1 => {
                    if let Some(exif) = body.strip_prefix(b"Exif\0\0")
                        && let Some(orientation) =
                            image::metadata::Orientation::from_exif_chunk(exif)
                    {
                        facts.orientation = orientation.to_exif();
                    }
                }
                0xE2 => facts.profile |= body.starts_with(b"ICC_PROFILE\0"),
                _ => {}
            }
        }
        (facts.components > 0).then_some(facts)
    }

    /// Millions of pixels.
    pub(crate) fn megapixels(&self) -> f64 {
        f64::from(self.stored_width) * f64::from(self.stored_height) / 1e6
    }

    /// Whether it is a JPEG of one scan of everything.
    pub(crate) fn baseline(&self) -> bool {
        self.format == ImageFormat::Jpeg && !self.progressive
    }
}

/// The marker segments of a JPEG up to its first scan: marker, and body without its length.
fn segments(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        let &[0xFF, marker, high, low, ..] = rest else {
            return None;
        };
        let end = 2 + usize::from(u16::from_be_bytes([high, low]));
        let body = rest.get(4..end)?;
        rest = rest.get(end..)?;
        (marker != 0xDA).then_some((marker, body))
    })
}

/// Whether the Huffman tables of a JPEG are those of the standard's Annex K.
///
/// Told by the AC table for luminance alone: a table made for an image never comes out equal to it.
pub(crate) fn has_standard_tables(bytes: &[u8]) -> bool {
    const COUNTS: [u8; 16] = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125];
    segments(bytes)
        .filter(|(marker, _)| *marker == 0xC4)
        .any(|(_, body)| {
            body.windows(17)
                .any(|table| table[0] == 0x10 && table[1..] == COUNTS)
        })
}

/// An image to be measured on.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// What it is called in the results.
    pub(crate) name: String,
    /// Where its file is.
    pub(crate) path: PathBuf,
    /// What its header says.
    pub(crate) facts: Facts,
}

impl Subject {
    /// Reads the header of a file.
    pub(crate) fn open(name: &str, path: &Path) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| path.display().to_string())?;
        Ok(Self {
            name: name.to_owned(),
            path: path.to_owned(),
            facts: Facts::read(&bytes).with_context(|| name.to_owned())?,
        })
    }

    /// "12 MP", the way photos are spoken of.
    pub(crate) fn size(&self) -> String {
        let megapixels = self.facts.megapixels();
        format!("{megapixels:.*} MP", usize::from(megapixels < 1.0))
    }
}
