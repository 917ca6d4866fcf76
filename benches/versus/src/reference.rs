//! What a thumbnail should look like: every sample of the image, converted to sRGB, resized once by Lanczos in floating point.

use std::io::Cursor;

use anyhow::{Context, Result};
use image::{DynamicImage, ImageDecoder, ImageReader, RgbImage};
use moxcms::{ColorProfile, Layout, TransformOptions};

/// Lobes of the kernel.
const LOBES: f64 = 3.0;

/// An image in full, upright, sRGB, from which references of any size are made.
pub(crate) struct Original(RgbImage);

impl Original {
    /// Decodes all of an image.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
        reader.no_limits();
        let mut decoder = reader.into_decoder()?;
        let orientation = decoder.orientation()?;
        let profile = decoder.icc_profile()?;
        let mut decoded = DynamicImage::from_decoder(decoder)?;
        decoded.apply_orientation(orientation);
        let mut pixels = decoded.into_rgb8();
        if let Some(profile) = profile {
            convert(&mut pixels, &profile)?;
        }
        Ok(Self(pixels))
    }

    /// An image that is there already.
    pub(crate) fn of(pixels: RgbImage) -> Self {
        Self(pixels)
    }

    /// Width and height in pixels.
    pub(crate) fn dimensions(&self) -> (u32, u32) {
        self.0.dimensions()
    }

    /// The whole image at exactly this size.
    pub(crate) fn resized(&self, width: u32, height: u32) -> RgbImage {
        if self.0.dimensions() == (width, height) {
            return self.0.clone();
        }
        let across = taps(self.0.width(), width);
        let down = taps(self.0.height(), height);
        let stored = 3 * self.0.width() as usize;
        let narrow: Vec<Vec<f32>> = self
            .0
            .as_raw()
            .chunks_exact(stored)
            .map(|row| {
                let pixels: Vec<[f32; 3]> = row
                    .chunks_exact(3)
                    .map(|pixel| [pixel[0].into(), pixel[1].into(), pixel[2].into()])
                    .collect();
                across.iter().flat_map(|taps| taps.of(&pixels)).collect()
            })
            .collect();
        let mut samples = Vec::with_capacity(3 * width as usize * height as usize);
        for taps in &down {
            let mut sums = vec![0_f32; 3 * width as usize];
            for (row, weight) in narrow[taps.first..].iter().zip(&taps.weights) {
                for (sum, sample) in sums.iter_mut().zip(row) {
                    *sum += weight * sample;
                }
            }
            // A cast from floating point saturates.
            samples.extend(sums.into_iter().map(|sum| sum.round() as u8));
        }
        RgbImage::from_raw(width, height, samples).unwrap_or_default()
    }
}

/// Which samples make one sample of the result.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

impl Taps {
    fn of(&self, pixels: &[[f32; 3]]) -> [f32; 3] {
        let mut sums = [0_f32; 3];
        for (pixel, weight) in pixels[self.first..].iter().zip(&self.weights) {
            for (sum, sample) in sums.iter_mut().zip(pixel) {
                *sum += weight * sample;
            }
        }
        sums
    }
}

fn taps(from: u32, to: u32) -> Vec<Taps> {
    let ratio = f64::from(from) / f64::from(to);
    let widened = ratio.max(1.0);
    (0..to)
        .map(|target| {
            let centre = (f64::from(target) + 0.5) * ratio;
            let first = (centre - LOBES * widened).floor().max(0.0);
            let end = (centre + LOBES * widened).ceil().min(f64::from(from));
            let weights: Vec<f64> = (first as usize..end as usize)
                .map(|source| lanczos((source as f64 + 0.5 - centre) / widened))
                .collect();
            let sum: f64 = weights.iter().sum();
            Taps {
                first: first as usize,
                weights: weights.iter().map(|weight| (weight / sum) as f32).collect(),
            }
        })
        .collect()
}

fn lanczos(at: f64) -> f64 {
    let sinc = |at: f64| {
        let angle = at * std::f64::consts::PI;
        if angle == 0.0 {
            1.0
        } else {
            angle.sin() / angle
        }
    };
    if at.abs() < LOBES {
        sinc(at) * sinc(at / LOBES)
    } else {
        0.0
    }
}

fn convert(pixels: &mut RgbImage, profile: &[u8]) -> Result<()> {
    let profile = ColorProfile::new_from_slice(profile)
        .ok()
        .context("a broken ICC profile")?;
    let transform = profile
        .create_transform_8bit(
            Layout::Rgb,
            &ColorProfile::new_srgb(),
            Layout::Rgb,
            TransformOptions::default(),
        )
        .ok()
        .context("an ICC profile that is not for RGB")?;
    let row = 3 * pixels.width() as usize;
    let mut converted = vec![0; row];
    for stored in pixels.chunks_exact_mut(row) {
        if transform.transform(stored, &mut converted).is_ok() {
            stored.copy_from_slice(&converted);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn a_flat_image_stays_flat_at_every_size() {
        let flat = Original::of(RgbImage::from_pixel(67, 41, Rgb([10, 128, 255])));
        for (width, height) in [(1, 1), (8, 5), (66, 40)] {
            let resized = flat.resized(width, height);
            assert!(resized.pixels().all(|pixel| pixel.0 == [10, 128, 255]));
        }
    }

    #[test]
    fn a_ramp_is_resized_by_edges_and_not_by_centres() {
        let ramp = RgbImage::from_fn(64, 8, |x, _| Rgb([(4 * x) as u8; 3]));
        let resized = Original::of(ramp).resized(16, 8);
        // Far from the edges each sample is the mean of its four: 4 * (4 i + 1.5).
        for x in 4..12_u32 {
            let expected = 16 * x + 6;
            let found = u32::from(resized.get_pixel(x, 4).0[0]);
            assert!(found.abs_diff(expected) <= 1, "{found} at {x}");
        }
    }
}
