use std::ops::ControlFlow;

use super::expand::Expansion;
use super::scanlines::Scanlines;
use super::{corrupt, png_limits};
use crate::cpu::Cpu;
use crate::picture::Layout;
use crate::{Limits, ThumbnailError};

/// A PNG that hands out its rows from the top, so that nobody holds the whole picture.
pub(crate) struct PngRows<'a> {
    width: u32,
    height: u32,
    profile: Option<Vec<u8>>,
    expansion: Expansion,
    scanlines: Scanlines<'a>,
}

/// Opens a PNG for reading row by row. `None` when it is interlaced: then its first rows come last, and it is for the
/// general decoder.
///
/// # Errors
///
/// When what stands before the pixels is corrupt.
pub(crate) fn rows<'a>(
    cpu: Cpu,
    image: &'a [u8],
    limits: &Limits,
) -> Result<Option<PngRows<'a>>, ThumbnailError> {
    let decoder = png::Decoder::new_with_limits(std::io::Cursor::new(image), png_limits(limits));
    let reader = decoder.read_info().map_err(corrupt)?;
    let info = reader.info();
    if info.interlaced {
        return Ok(None);
    }
    let expansion = Expansion::new(info).ok_or_else(|| corrupt("it has no palette"))?;
    let length = info
        .raw_row_length()
        .checked_sub(1)
        .filter(|length| {
            u64::try_from(Scanlines::bytes(*length))
                .is_ok_and(|bytes| bytes <= limits.max_memory_bytes)
        })
        .ok_or_else(|| corrupt("its rows are too long"))?;
    let height = usize::try_from(info.height).map_err(corrupt)?;
    let chunks = image.get(8..).unwrap_or_default();
    // An sRGB chunk overrides a profile, PNG third edition section 11.3.2.5.
    let profile = info.icc_profile.as_ref().filter(|_| info.srgb.is_none());
    Ok(Some(PngRows {
        width: info.width,
        height: info.height,
        profile: profile.map(|profile| profile.to_vec()),
        expansion,
        scanlines: Scanlines::new(cpu, chunks, length, info.bytes_per_pixel(), height),
    }))
}

impl PngRows<'_> {
    /// Width and height in pixels.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// What the samples are. Rows have one channel of [`Layout::Gray`], three of [`Layout::Rgb`], and four, gray three
    /// times over, of [`Layout::GrayAlpha`].
    pub(crate) fn layout(&self) -> Layout {
        self.expansion.layout()
    }

    /// Channels of a row: 1, 3 or 4.
    pub(crate) fn channels(&self) -> usize {
        self.expansion.channels()
    }

    /// The colour profile of the samples.
    pub(crate) fn profile(&self) -> Option<&[u8]> {
        self.profile.as_deref()
    }

    /// Hands each row to `sink`, eight bits a channel, colours multiplied by alpha, until the last one or until `sink`
    /// has enough. Says whether a pixel of them was transparent.
    ///
    /// # Errors
    ///
    /// When the pixels are corrupt or end too early; `sink` may have had rows by then.
    pub(crate) fn read(
        mut self,
        mut sink: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<bool, ThumbnailError> {
        let mut expanded = if self.expansion.is_idle() {
            Vec::new()
        } else {
            vec![0; self.width as usize * self.channels()]
        };
        let mut transparent = false;
        while let Some(rows) = self.scanlines.next_rows().map_err(corrupt)? {
            for row in rows {
                let enough = if expanded.is_empty() {
                    sink(row)
                } else {
                    transparent |= self.expansion.row(row, &mut expanded);
                    sink(&expanded)
                };
                if enough.is_break() {
                    return Ok(transparent);
                }
            }
        }
        Ok(transparent)
    }
}
