//! The sum of pairs of samples by pairs of weights, sixteen sums at a time: what both passes consist of.

#![expect(
    clippy::inline_always,
    reason = "within loops, the sums must stay in registers"
)]

use super::axis::PairWeights;

/// Sums that are computed side by side: as many 32-bit lanes as the widest register has.
pub(super) const LANES: usize = 16;

/// Sixteen pairs of 16-bit samples, pair after pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(64))]
pub(super) struct Pairs(pub(super) [i16; 2 * LANES]);

impl Pairs {
    pub(super) const ZERO: Self = Self([0; 2 * LANES]);
}

/// Sixteen 16-bit samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(32))]
pub(super) struct Samples(pub(super) [i16; LANES]);

impl Samples {
    pub(super) const ZERO: Self = Self([0; LANES]);
}

/// Sixteen 8-bit samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, align(16))]
pub(super) struct Bytes(pub(super) [u8; LANES]);

impl Bytes {
    pub(super) const ZERO: Self = Self([0; LANES]);
}

/// Sums in portable Rust.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sums([i32; LANES]);

impl Sums {
    /// Sums that start at half of `1 << shift`, which rounds when they are shifted.
    #[inline(always)]
    pub(super) fn half(shift: u32) -> Self {
        Self([(1 << shift) >> 1; LANES])
    }

    /// Adds `pairs` by `weights`.
    #[inline(always)]
    pub(super) fn add(&mut self, pairs: &Pairs, weights: PairWeights) {
        let [even, odd] = weights.map(i32::from);
        for (sum, pair) in self.0.iter_mut().zip(pairs.0.as_chunks::<2>().0) {
            *sum += i32::from(pair[0]) * even + i32::from(pair[1]) * odd;
        }
    }

    /// The sums shifted right, as far as they fit.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "clamped")]
    pub(super) fn samples(&self, shift: u32) -> Samples {
        Samples(self.0.map(|sum| {
            let sample = (sum >> shift).clamp(i32::from(i16::MIN), i32::from(i16::MAX));
            sample as i16
        }))
    }

    /// The sums shifted right, as far as they fit.
    #[inline(always)]
    #[expect(clippy::cast_sign_loss, reason = "clamped")]
    pub(super) fn bytes(&self, shift: u32) -> Bytes {
        Bytes(self.0.map(|sum| (sum >> shift).clamp(0, 255) as u8))
    }
}
