//! Chroma from luma (7.11.5).

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "samples again, of which the standard's arithmetic keeps eight bits"
)]
#![expect(
    clippy::inline_always,
    reason = "loops become vectors only within a function for a processor"
)]

use super::super::processors::for_processors;
use crate::cpu::Cpu;

for_processors! {
    /// How the decoded luma of a block differs from its mean, at the resolution of halved chroma and with three bits behind
    /// the point.
    ///
    /// `luma` is the block of `width` times `height` samples; only the first `valid_width` columns and `valid_height` rows are
    /// within the picture, and the last of them stand for the others. `ac` is as large as the chroma block.
    ///
    /// # Panics
    ///
    /// If a slice is too short.
    pub(crate) fn luma_ac(
        luma: &[u8],
        width: usize,
        height: usize,
        valid_width: usize,
        valid_height: usize,
        ac: &mut [i16],
    ) = luma_ac_any;
}

#[inline(always)]
fn luma_ac_any(
    luma: &[u8],
    width: usize,
    height: usize,
    valid_width: usize,
    valid_height: usize,
    ac: &mut [i16],
) {
    let (columns, rows) = (width / 2, height / 2);
    let (valid_columns, valid_rows) = (valid_width / 2, valid_height / 2);
    let ac = &mut ac[..columns * rows];
    let mut total = 0_i32;
    for (row, pair) in luma.chunks_exact(2 * width).take(valid_rows).enumerate() {
        let (upper, lower) = pair.split_at(width);
        let upper = &upper.as_chunks::<2>().0[..valid_columns];
        let lower = &lower.as_chunks::<2>().0[..valid_columns];
        let ac = &mut ac[row * columns..][..columns];
        let (real, beyond) = ac.split_at_mut(valid_columns);
        for ((ac, upper), lower) in real.iter_mut().zip(upper).zip(lower) {
            let sum = upper.iter().chain(lower).map(|luma| i16::from(*luma));
            *ac = 2 * sum.sum::<i16>();
        }
        beyond.fill(real[valid_columns - 1]);
        total += ac.iter().map(|ac| i32::from(*ac)).sum::<i32>();
    }
    for row in valid_rows..rows {
        let last = (valid_rows - 1) * columns;
        ac.copy_within(last..last + columns, row * columns);
        total += ac[last..last + columns]
            .iter()
            .map(|ac| i32::from(*ac))
            .sum::<i32>();
    }
    let bits = ac.len().ilog2();
    let mean = (total + (1 << bits >> 1)) >> bits;
    for ac in ac {
        // Sums of four samples, doubled, are at most 2040.
        *ac -= mean as i16;
    }
}

#[inline(always)]
fn from_luma_any(dc: u8, alpha: i8, ac: &[i16], out: &mut [u8]) {
    assert_eq!(ac.len(), out.len());
    let (dc, alpha) = (i16::from(dc), i16::from(alpha));
    let blocks = out.as_chunks_mut::<16>().0.iter_mut();
    for (out, ac) in blocks.zip(ac.as_chunks::<16>().0) {
        // Differences are below 2048: their products with 16 have sixteen bits, and magnitudes one more, unsigned.
        let scaled = ac.map(|ac| {
            let product = alpha.wrapping_mul(ac);
            let magnitude = ((product.unsigned_abs() + 32) >> 6).cast_signed();
            let sign = product >> 15;
            (magnitude ^ sign) - sign
        });
        *out = scaled.map(|scaled| (dc + scaled).clamp(0, 255) as u8);
    }
}

for_processors! {
    /// Predicts chroma from its DC prediction and `alpha` (-16 to 16, in eighths) times the luma's difference.
    ///
    /// # Panics
    ///
    /// If the slices differ in length.
    pub(crate) fn from_luma(dc: u8, alpha: i8, ac: &[i16], out: &mut [u8]) = from_luma_any;
}
