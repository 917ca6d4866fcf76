//! The rows of a PNG are resized while they are inflated.

use crate::limits::check;
use crate::planes::Grid;
use crate::source::{guarded, png};
use crate::thumbnails::memory;
use crate::{DecodePath, ImageFormat, Limits, Plan, ThumbnailError, Thumbnails, header};

use super::{Engine, PixelRows};

impl Engine {
    /// `None` when it is interlaced.
    pub(super) fn png(
        &mut self,
        image: &[u8],
        plan: &Plan,
        limits: &Limits,
    ) -> Result<Option<Thumbnails>, ThumbnailError> {
        let header = header::inspect_whole(image, limits)?;
        let pixels = guarded(ImageFormat::Png, || png::rows(self.cpu, image, limits))?;
        let Some(pixels) = pixels else {
            return Ok(None);
        };
        let (width, height) = pixels.size();
        check(
            "bytes of memory",
            memory(&header, plan),
            limits.max_memory_bytes,
        )?;
        let profile = pixels.profile().map(<[u8]>::to_vec);
        let rows = PixelRows {
            layout: pixels.layout(),
            channels: pixels.channels(),
            grid: Grid {
                width: width as usize,
                height: height as usize,
                extent_x: width.into(),
                extent_y: height.into(),
            },
            profile: profile.as_deref(),
        };
        let mut thumbnails =
            rows.thumbnails(self, &header, plan, |sink| pixels.read(|row| sink(row)))?;
        thumbnails.source.path = DecodePath::Rows;
        Ok(Some(thumbnails))
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::cpu::Cpu;

    #[test]
    fn rows_of_a_png_go_on_from_one_batch_to_the_next() {
        // Both tall enough for a second batch that is not full.
        for (width, height) in [(333, 251), (251, 333)] {
            let photo = fixtures::photo(width, height, 1);
            let bytes = fixtures::encode::png(&photo);
            let mut samples = Vec::new();
            png::rows(Cpu::detect(), &bytes, &Limits::sane_defaults())
                .unwrap()
                .unwrap()
                .read(|row| {
                    samples.extend_from_slice(row);
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert!(samples == *photo.as_raw(), "{width}x{height}");
        }
    }
}
