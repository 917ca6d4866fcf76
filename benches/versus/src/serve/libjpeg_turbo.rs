//! What a careful program makes of libjpeg-turbo: its scaled decode, `fast_image_resize`, its encoder.

use anyhow::{Context, Result, bail};
use fast_image_resize::images::Image as Pixels;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use turbojpeg::{Compressor, Decompressor, Image, PixelFormat, ScalingFactor, Subsamp};

use super::Library;
use crate::protocol::{Format, Way, Work};
use crate::subject::Facts;

/// The scaled decode keeps at least this many times the pixels of the target on each axis: below it the score suffers.
const ROOM: f64 = 1.5;

/// libjpeg-turbo and `fast_image_resize`.
pub(crate) struct LibjpegTurbo {
    decompressor: Decompressor,
    compressor: Compressor,
    resizer: Resizer,
}

impl LibjpegTurbo {
    /// With its handles made once, as a server would.
    pub(crate) fn new() -> Result<Self> {
        let mut compressor = Compressor::new()?;
        compressor.set_subsamp(Subsamp::Sub2x2)?;
        compressor.set_optimize(true)?;
        Ok(Self {
            decompressor: Decompressor::new()?,
            compressor,
            resizer: Resizer::new(),
        })
    }

    fn decode(&mut self, image: &[u8], (width, height): (u32, u32)) -> Result<Image<Vec<u8>>> {
        let header = self.decompressor.read_header(image)?;
        let enough = |denominator: &usize| {
            let factor = ScalingFactor::new(1, *denominator);
            let scaled = header.scaled(factor);
            scaled.width as f64 >= ROOM * f64::from(width)
                && scaled.height as f64 >= ROOM * f64::from(height)
        };
        let denominator = [8, 4, 2].into_iter().find(enough).unwrap_or(1);
        let factor = ScalingFactor::new(1, denominator);
        self.decompressor.set_scaling_factor(factor)?;
        let scaled = header.scaled(factor);
        let pitch = 3 * scaled.width;
        let mut pixels = Image {
            pixels: vec![0; pitch * scaled.height],
            width: scaled.width,
            pitch,
            height: scaled.height,
            format: PixelFormat::RGB,
        };
        self.decompressor.decompress(image, pixels.as_deref_mut())?;
        Ok(pixels)
    }

    fn encode(&mut self, pixels: &Pixels<'_>, orientation: Orientation) -> Result<Vec<u8>> {
        let turned;
        let (samples, width, height) = if orientation == Orientation::NoTransforms {
            (pixels.buffer(), pixels.width(), pixels.height())
        } else {
            let stored =
                RgbImage::from_raw(pixels.width(), pixels.height(), pixels.buffer().to_vec());
            let mut upright = DynamicImage::ImageRgb8(stored.context("a full buffer")?);
            upright.apply_orientation(orientation);
            turned = upright.into_rgb8();
            (turned.as_raw().as_slice(), turned.width(), turned.height())
        };
        let width = usize::try_from(width)?;
        Ok(self.compressor.compress_to_vec(Image {
            pixels: samples,
            width,
            pitch: 3 * width,
            height: usize::try_from(height)?,
            format: PixelFormat::RGB,
        })?)
    }
}

impl Library for LibjpegTurbo {
    fn versions(&self) -> String {
        "libjpeg-turbo of turbojpeg 1.5 (vendored, SIMD), fast_image_resize 6.1".to_owned()
    }

    fn work(&mut self, image: &[u8], work: &Work) -> Result<Vec<Vec<u8>>> {
        if work.way != Way::Default || work.format != Format::Jpeg {
            bail!("it has one way only, to JPEG");
        }
        if work.profile {
            bail!("it does not convert ICC profiles");
        }
        let facts = Facts::of_jpeg(image).context("not a JPEG")?;
        let box_of = |side: u32| fit(facts.stored_width, facts.stored_height, side);
        let largest = work.sizes.iter().copied().max().context("no size")?;
        let decoded = self.decode(image, box_of(largest))?;
        let (width, height) = (
            u32::try_from(decoded.width)?,
            u32::try_from(decoded.height)?,
        );
        let mut source = Pixels::from_vec_u8(width, height, decoded.pixels, PixelType::U8x3)?;
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        self.compressor.set_quality(i32::from(work.quality))?;
        let orientation = Orientation::from_exif(facts.orientation).context("orientation")?;
        let mut files = vec![Vec::new(); work.sizes.len()];
        let mut order: Vec<_> = (0..).zip(&work.sizes).collect();
        // Each size from the next larger one.
        order.sort_by_key(|(_, side)| std::cmp::Reverse(**side));
        for (place, side) in order {
            let (width, height) = box_of(*side);
            let mut resized = Pixels::new(width, height, PixelType::U8x3);
            self.resizer.resize(&source, &mut resized, &options)?;
            files[place] = self.encode(&resized, orientation)?;
            source = resized;
        }
        Ok(files)
    }
}

/// The size of an image within a square box, its aspect kept, never enlarged.
fn fit(width: u32, height: u32, side: u32) -> (u32, u32) {
    let scale = (f64::from(side) / f64::from(width.max(height))).min(1.0);
    let scaled = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    (scaled(width), scaled(height))
}
