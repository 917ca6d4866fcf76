//! The transforms of blocks, there and back.
//!
//! The inverse is the standard's to the bit (AV1 7.13: every rounding and every clamp), since a decoder does the same and
//! the next block is predicted from what comes out. The forward one is its flow graph backwards with more bits behind the
//! point, so that one undoes the other but for rounding.
//!
//! One kernel is written once, as a macro over a vector of 32-bit lanes, and made for four lanes in portable Rust, for
//! four and eight with AVX2 and for sixteen with AVX-512. Lanes are columns in the vertical pass and rows in the
//! horizontal one; squares of vectors are transposed in between.

#[macro_use]
mod lines;
#[macro_use]
mod kernel;
mod portable;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::cpu::Cpu;

/// Sizes of a transform, numbered as the standard does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Size {
    S4x4,
    S8x8,
    S16x16,
    S32x32,
    S64x64,
    S4x8,
    S8x4,
    S8x16,
    S16x8,
    S16x32,
    S32x16,
    S32x64,
    S64x32,
}

/// The largest side of the coefficients of a transform: of one with 64 samples only the lower half is kept.
const CODED: usize = 32;

impl Size {
    /// All of them.
    pub(crate) const ALL: [Self; 13] = [
        Self::S4x4,
        Self::S8x8,
        Self::S16x16,
        Self::S32x32,
        Self::S64x64,
        Self::S4x8,
        Self::S8x4,
        Self::S8x16,
        Self::S16x8,
        Self::S16x32,
        Self::S32x16,
        Self::S32x64,
        Self::S64x32,
    ];

    /// The size of these sides.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub(crate) const fn new(width: usize, height: usize) -> Self {
        match (width, height) {
            (4, 4) => Self::S4x4,
            (8, 8) => Self::S8x8,
            (16, 16) => Self::S16x16,
            (32, 32) => Self::S32x32,
            (64, 64) => Self::S64x64,
            (4, 8) => Self::S4x8,
            (8, 4) => Self::S8x4,
            (8, 16) => Self::S8x16,
            (16, 8) => Self::S16x8,
            (16, 32) => Self::S16x32,
            (32, 16) => Self::S32x16,
            (32, 64) => Self::S32x64,
            (64, 32) => Self::S64x32,
            _ => panic!("no transform has these sides"),
        }
    }

    /// Samples in a row.
    pub(crate) const fn width(self) -> usize {
        match self {
            Self::S4x4 | Self::S4x8 => 4,
            Self::S8x8 | Self::S8x4 | Self::S8x16 => 8,
            Self::S16x16 | Self::S16x8 | Self::S16x32 => 16,
            Self::S32x32 | Self::S32x16 | Self::S32x64 => 32,
            Self::S64x64 | Self::S64x32 => 64,
        }
    }

    /// Rows.
    pub(crate) const fn height(self) -> usize {
        match self {
            Self::S4x4 | Self::S8x4 => 4,
            Self::S8x8 | Self::S4x8 | Self::S16x8 => 8,
            Self::S16x16 | Self::S8x16 | Self::S32x16 => 16,
            Self::S32x32 | Self::S16x32 | Self::S64x32 => 32,
            Self::S64x64 | Self::S32x64 => 64,
        }
    }

    /// Coefficients in a row.
    pub(crate) const fn coded_width(self) -> usize {
        coded(self.width())
    }

    /// Rows of coefficients.
    pub(crate) const fn coded_height(self) -> usize {
        coded(self.height())
    }
}

/// How many of this many coefficients are kept.
const fn coded(side: usize) -> usize {
    if side > CODED { CODED } else { side }
}

/// The pairs of one-dimensional transforms, numbered as the standard does. Its names say the vertical one first:
/// `AdstDct` is an ADST down the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    DctDct = 0,
    AdstDct = 1,
    DctAdst = 2,
    AdstAdst = 3,
    Identity = 9,
    VerticalDct = 10,
    HorizontalDct = 11,
}

/// A one-dimensional transform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// The discrete cosine transform: any length.
    Dct,
    /// The asymmetric discrete sine transform: up to 16.
    Adst,
    /// Nothing but the scale of the others: up to 32.
    Identity,
}

impl Kind {
    /// Down the columns.
    const fn vertical(self) -> Line {
        match self {
            Self::DctDct | Self::DctAdst | Self::VerticalDct => Line::Dct,
            Self::AdstDct | Self::AdstAdst => Line::Adst,
            Self::Identity | Self::HorizontalDct => Line::Identity,
        }
    }

    /// Along the rows.
    const fn horizontal(self) -> Line {
        match self {
            Self::DctDct | Self::AdstDct | Self::HorizontalDct => Line::Dct,
            Self::DctAdst | Self::AdstAdst => Line::Adst,
            Self::Identity | Self::VerticalDct => Line::Identity,
        }
    }
}

/// The cosines of 128ths of a half turn, by 4096 (7.13.2.1).
const COSINES: [i32; 65] = [
    4096, 4095, 4091, 4085, 4076, 4065, 4052, 4036, 4017, 3996, 3973, 3948, 3920, 3889, 3857, 3822,
    3784, 3745, 3703, 3659, 3612, 3564, 3513, 3461, 3406, 3349, 3290, 3229, 3166, 3102, 3035, 2967,
    2896, 2824, 2751, 2675, 2598, 2520, 2440, 2359, 2276, 2191, 2106, 2019, 1931, 1842, 1751, 1660,
    1567, 1474, 1380, 1285, 1189, 1092, 995, 897, 799, 700, 601, 501, 401, 301, 201, 101, 0,
];

/// The binary point of the factors.
const FRACTION: u32 = 12;

/// The root of one half: of the two DCT coefficients that have no angle, and of blocks twice as wide as high.
const HALF_ROOT: i32 = COSINES[32];

/// The factors of the ADST of four samples (7.13.2.6).
const SINES: [i32; 4] = [1321, 2482, 3344, 3803];

/// The root of two, the identity's factor for four samples (7.13.2.11).
const ROOT: i32 = 5793;

/// Twice the root of two, the identity's factor for sixteen (7.13.2.13).
const TWICE_ROOT: i32 = 11586;

/// 4096 cosines of an angle in 128ths of a half turn.
#[inline]
const fn cosine(angle: usize) -> i32 {
    let angle = angle & 255;
    match angle {
        0..=64 => COSINES[angle],
        65..=128 => -COSINES[128 - angle],
        129..=192 => -COSINES[angle - 128],
        _ => COSINES[256 - angle],
    }
}

/// 4096 sines of an angle in 128ths of a half turn.
#[inline]
const fn sine(angle: usize) -> i32 {
    cosine(angle + 192)
}

/// The lowest `bits` bits of a number, the other way round.
#[inline]
const fn reversed(bits: u32, number: usize) -> usize {
    number.reverse_bits() >> (usize::BITS - bits)
}

/// Where the ADST's outputs come from (7.13.2.5): place `index` of a line of `1 << bits`.
#[inline]
const fn adst_place(bits: u32, index: usize) -> usize {
    let gray = index ^ (index >> 1);
    reversed(4, gray) >> (4 - bits)
}

/// Bits that the forward transform adds to the residual.
const FORWARD_BITS: u32 = 4;

/// Bits that a forward vertical pass of this many rows leaves off, so that the next pass stays within 32 bits.
const fn between_shift(height: usize) -> u32 {
    match height {
        ..=8 => 0,
        16 => 2,
        32 => 4,
        _ => 5,
    }
}

/// Bits that the forward horizontal pass leaves off: what makes of the two passes' own scale (the root of a quarter of
/// the area, by [`HALF_ROOT`] if the block is not square) eight times an orthonormal transform up to 256 samples, four
/// times up to 1024 and twice beyond, as the standard wants it.
const fn forward_shift(width: usize, height: usize) -> u32 {
    let scale = match width * height {
        ..=256 => 3,
        257..=1024 => 2,
        _ => 1,
    };
    let own = (width * height).ilog2() / 2 - 1;
    FORWARD_BITS + own - between_shift(height) - scale
}

/// Bits that the inverse horizontal pass leaves off: the standard's `Transform_Row_Shift`.
const fn row_shift(width: usize, height: usize) -> u32 {
    match (width * height, width == height) {
        (..=32, _) => 0,
        (..=64, _) | (_, false) => 1,
        _ => 2,
    }
}

/// Bits that the inverse vertical pass leaves off.
const COLUMN_SHIFT: u32 = 4;

/// What the DC coefficient alone adds to every sample.
#[inline]
fn dc_alone(width: usize, height: usize, coefficient: i32) -> i32 {
    let round = |value: i32, bits: u32| (value + (1 << bits >> 1)) >> bits;
    let mut value = coefficient;
    if width != height {
        value = round(value * HALF_ROOT, FRACTION);
    }
    value = round(value * HALF_ROOT, FRACTION);
    value = round(value, row_shift(width, height));
    value = round(value * HALF_ROOT, FRACTION);
    round(value, COLUMN_SHIFT)
}

/// The coefficients of a block: index `vertical frequency * coded width + horizontal frequency`, on the scale of the
/// standard's dequantised ones.
///
/// # Panics
///
/// If a slice is not as long as the size says.
pub(crate) fn forward(cpu: Cpu, size: Size, kind: Kind, residual: &[i16], out: &mut [i32]) {
    assert_eq!(residual.len(), size.width() * size.height());
    assert_eq!(out.len(), size.coded_width() * size.coded_height());
    match cpu {
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx2 => x86::forward_avx2(size, kind, residual, out),
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx512 => x86::forward_avx512(size, kind, residual, out),
        _ => portable::forward(size, kind, residual, out),
    }
}

/// Adds what dequantised coefficients stand for to the prediction in `samples` (rows without padding), as a decoder does.
///
/// Only the first `rows` rows and `columns` columns of the coefficients may be other than zero.
///
/// # Panics
///
/// If a slice is not as long as the size says.
pub(crate) fn inverse_add(
    cpu: Cpu,
    size: Size,
    kind: Kind,
    coefficients: &[i32],
    rows: usize,
    columns: usize,
    samples: &mut [u8],
) {
    assert_eq!(samples.len(), size.width() * size.height());
    assert_eq!(coefficients.len(), size.coded_width() * size.coded_height());
    let used = [rows, columns];
    match cpu {
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx2 => x86::inverse_add_avx2(size, kind, coefficients, used, samples),
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx512 => x86::inverse_add_avx512(size, kind, coefficients, used, samples),
        _ => portable::inverse_add(size, kind, coefficients, used, samples),
    }
}
