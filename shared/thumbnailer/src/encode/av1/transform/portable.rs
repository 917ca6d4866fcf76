//! The transforms without assumptions about the processor. Four lanes are what NEON has, which every 64-bit ARM has.

use super::{
    COLUMN_SHIFT, FORWARD_BITS, FRACTION, HALF_ROOT, Kind, Line, ROOT, SINES, Size, TWICE_ROOT,
    adst_place, between_shift, coded, cosine, dc_alone, forward_shift, reversed, row_shift, sine,
};

/// Lanes.
const L: usize = 4;

/// A vector.
type V = [i32; L];

#[inline]
fn every(value: i32) -> V {
    [value; L]
}

#[inline]
fn add(a: V, b: V) -> V {
    core::array::from_fn(|i| a[i].wrapping_add(b[i]))
}

#[inline]
fn subtract(a: V, b: V) -> V {
    core::array::from_fn(|i| a[i].wrapping_sub(b[i]))
}

#[inline]
fn multiply(a: V, b: V) -> V {
    core::array::from_fn(|i| a[i].wrapping_mul(b[i]))
}

#[inline]
fn negate(a: V) -> V {
    a.map(i32::wrapping_neg)
}

#[inline]
fn shift_left<const BITS: u32>(a: V) -> V {
    a.map(|a| a << BITS)
}

#[inline]
fn shift_right<const BITS: u32>(a: V) -> V {
    a.map(|a| a >> BITS)
}

#[inline]
fn shift_right_by(a: V, bits: u32) -> V {
    a.map(|a| a >> bits)
}

#[inline]
fn clamp(a: V) -> V {
    a.map(|a| a.clamp(i16::MIN.into(), i16::MAX.into()))
}

#[inline]
fn transpose(rows: [V; L]) -> [V; L] {
    core::array::from_fn(|i| rows.map(|row| row[i]))
}

#[inline]
fn load(from: &[i32; L]) -> V {
    *from
}

#[inline]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "as for wider vectors")]
fn load_words(from: &[i16; L]) -> V {
    from.map(i32::from)
}

#[inline]
fn store(a: V, to: &mut [i32; L]) {
    *to = a;
}

#[inline]
#[expect(clippy::cast_sign_loss, reason = "clamped to eight bits")]
fn add_to_samples(a: V, samples: &mut [u8; L]) {
    for (sample, a) in samples.iter_mut().zip(a) {
        *sample = (i32::from(*sample) + a).clamp(0, 255) as u8;
    }
}

kernel!(V);

entries! {
    S4x4: 4 x 4,
    S8x8: 8 x 8,
    S16x16: 16 x 16,
    S32x32: 32 x 32,
    S64x64: 64 x 64,
    S4x8: 4 x 8,
    S8x4: 8 x 4,
    S8x16: 8 x 16,
    S16x8: 16 x 8,
    S16x32: 16 x 32,
    S32x16: 32 x 16,
    S32x64: 32 x 64,
    S64x32: 64 x 32,
}
