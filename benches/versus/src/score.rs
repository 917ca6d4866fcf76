//! How good a thumbnail is, against the reference of its size.

use anyhow::{Result, bail};
use image::{RgbImage, imageops};
use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

/// Two scores of one thumbnail, or the means of several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Score {
    /// SSIMULACRA2: 100 is equal, 90 cannot be told from it, 70 is good.
    pub(crate) ssimulacra2: f64,
    /// SSIM of the luma, 1 is equal.
    pub(crate) ssim: f64,
}

/// Scores a thumbnail against the reference of its size.
///
/// # Errors
///
/// One that is not upright, or too small to score.
pub(crate) fn score(reference: &RgbImage, thumbnail: &RgbImage) -> Result<Score> {
    if let Some(turn) = turned(reference, thumbnail) {
        bail!("it is {turn}");
    }
    Ok(Score {
        ssimulacra2: compute_frame_ssimulacra2(frame(reference)?, frame(thumbnail)?)?,
        ssim: ssim(reference, thumbnail),
    })
}

/// The mean of several scores.
pub(crate) fn mean(scores: &[Score]) -> Score {
    let mean = |of: fn(&Score) -> f64| scores.iter().map(of).sum::<f64>() / scores.len() as f64;
    Score {
        ssimulacra2: mean(|score| score.ssimulacra2),
        ssim: mean(|score| score.ssim),
    }
}

fn frame(picture: &RgbImage) -> Result<Rgb> {
    let samples = picture
        .pixels()
        .map(|pixel| pixel.0.map(|sample| f32::from(sample) / 255.0))
        .collect();
    Ok(Rgb::new(
        samples,
        picture.width() as usize,
        picture.height() as usize,
        TransferCharacteristic::SRGB,
        ColorPrimaries::BT709,
    )?)
}

/// How the thumbnail would have to be turned to be upright, if it is not: the turn whose picture in small differs least.
fn turned(reference: &RgbImage, thumbnail: &RgbImage) -> Option<&'static str> {
    let small =
        |picture: &RgbImage| imageops::resize(picture, 16, 16, imageops::FilterType::Triangle);
    let reference = small(reference);
    let upright = small(thumbnail);
    let difference = |turned: &RgbImage| -> u32 {
        let pairs = reference.as_raw().iter().zip(turned.as_raw());
        pairs
            .map(|(left, right)| u32::from(left.abs_diff(*right)))
            .sum()
    };
    let mirrored = imageops::flip_horizontal(&upright);
    let turns = [
        ("mirrored", mirrored.clone()),
        ("upside down", imageops::rotate180(&upright)),
        ("mirrored and upside down", imageops::rotate180(&mirrored)),
        ("turned left", imageops::rotate90(&upright)),
        ("turned right", imageops::rotate270(&upright)),
        ("mirrored and turned left", imageops::rotate90(&mirrored)),
        ("mirrored and turned right", imageops::rotate270(&mirrored)),
    ];
    let least = difference(&upright);
    turns
        .into_iter()
        .map(|(turn, picture)| (turn, difference(&picture)))
        .min_by_key(|(_, difference)| *difference)
        .filter(|(_, difference)| *difference < least)
        .map(|(turn, _)| turn)
}

/// Mean SSIM of the luma (Wang et al. 2004: Gaussian window of 11 samples, sigma 1.5, K1 0.01, K2 0.03).
fn ssim(left: &RgbImage, right: &RgbImage) -> f64 {
    const C1: f64 = (0.01 * 255.0) * (0.01 * 255.0);
    const C2: f64 = (0.03 * 255.0) * (0.03 * 255.0);
    let luma = |picture: &RgbImage| -> Vec<f64> {
        picture
            .pixels()
            .map(|pixel| {
                let [red, green, blue] = pixel.0.map(f64::from);
                0.299 * red + 0.587 * green + 0.114 * blue
            })
            .collect()
    };
    let (left_luma, right_luma) = (luma(left), luma(right));
    let width = left.width() as usize;
    let product = |one: &[f64], other: &[f64]| -> Vec<f64> {
        let blurred: Vec<f64> = one
            .iter()
            .zip(other)
            .map(|(one, other)| one * other)
            .collect();
        blur(&blurred, width)
    };
    let (mean_left, mean_right) = (blur(&left_luma, width), blur(&right_luma, width));
    let left_squared = product(&left_luma, &left_luma);
    let right_squared = product(&right_luma, &right_luma);
    let both = product(&left_luma, &right_luma);
    let sum: f64 = (0..left_luma.len())
        .map(|at| {
            let (one, other) = (mean_left[at], mean_right[at]);
            let variances = left_squared[at] - one * one + right_squared[at] - other * other;
            let covariance = both[at] - one * other;
            (2.0 * one * other + C1) * (2.0 * covariance + C2)
                / ((one * one + other * other + C1) * (variances + C2))
        })
        .sum();
    sum / left_luma.len() as f64
}

/// Blurs rows, then columns; at the borders the window is cut and its weights are scaled up.
fn blur(samples: &[f64], width: usize) -> Vec<f64> {
    let height = samples.len() / width;
    let along = |samples: &[f64], step: usize, length: usize, at: usize, place: usize| {
        let (mut sum, mut weights) = (0.0, 0.0);
        for offset in -5..=5_isize {
            let Some(there) = place
                .checked_add_signed(offset)
                .filter(|there| *there < length)
            else {
                continue;
            };
            let weight = (-(offset * offset) as f64 / (2.0 * 1.5 * 1.5)).exp();
            sum += weight * samples[at + there * step - place * step];
            weights += weight;
        }
        sum / weights
    };
    let rows: Vec<f64> = (0..samples.len())
        .map(|at| along(samples, 1, width, at, at % width))
        .collect();
    (0..samples.len())
        .map(|at| along(&rows, width, height, at, at / width))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_scores_full_marks_against_itself() {
        let photo = fixtures::photo(96, 64, 1);
        let score = score(&photo, &photo).expect("a score");
        assert!((score.ssimulacra2 - 100.0).abs() < 0.01, "{score:?}");
        assert!((score.ssim - 1.0).abs() < 1e-9, "{score:?}");
    }

    #[test]
    fn what_is_not_upright_is_told() {
        let photo = fixtures::photo(96, 96, 1);
        assert_eq!(turned(&photo, &photo), None);
        assert_eq!(
            turned(&photo, &imageops::rotate180(&photo)),
            Some("upside down")
        );
        assert_eq!(
            turned(&photo, &imageops::flip_horizontal(&photo)),
            Some("mirrored")
        );
    }
}
