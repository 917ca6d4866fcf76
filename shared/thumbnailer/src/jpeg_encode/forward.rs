#[cfg(target_arch = "aarch64")]
use super::neon;
use super::quantise::{Quantiser, ZIGZAG, high_half};
use super::sampling::Sampling;
#[cfg(target_arch = "x86_64")]
use super::x86;
use crate::cpu::Cpu;
use crate::planes::Plane;

/// Samples of a row of a group.
const GROUP_WIDTH: usize = 32;

/// Four blocks side by side, transformed and quantised.
///
/// The coefficients stay in natural order: to bring them into zig-zag order is cheaper for one bit of each, and most of
/// them are zero.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(super) struct Group {
    /// For each block the coefficients, that of vertical frequency `v` and horizontal frequency `u` at `8v + u`.
    pub(super) coefficients: [[i16; 64]; 4],
    /// For each block which coefficients are not zero: bit `k` is index `k` of the zig-zag order.
    pub(super) nonzero: [u64; 4],
}

impl Default for Group {
    fn default() -> Self {
        Self {
            coefficients: [[0; 64]; 4],
            nonzero: [0; 4],
        }
    }
}

/// Transforms and quantises all blocks of one row of MCUs that have samples.
pub(super) fn mcu_row(
    cpu: Cpu,
    sampling: &Sampling<'_>,
    row: usize,
    quantisers: &[Quantiser; 2],
    groups: &mut [Group],
) {
    for component in &sampling.components {
        let rows = groups
            .get_mut(component.first_group..)
            .unwrap_or_default()
            .chunks_exact_mut(component.groups_across);
        let first = row * component.down;
        for (block_row, groups) in (first..component.rows).zip(rows).take(component.down) {
            let quantiser = &quantisers[usize::from(component.table)];
            block_row_of(cpu, component.plane, block_row, quantiser, groups);
        }
    }
}

/// Transforms and quantises one row of blocks.
fn block_row_of(cpu: Cpu, plane: &Plane, row: usize, quantiser: &Quantiser, groups: &mut [Group]) {
    let rows: [&[u8]; 8] = std::array::from_fn(|index| {
        let y = (8 * row + index).min(plane.height - 1);
        plane
            .samples
            .get(y * plane.width..(y + 1) * plane.width)
            .unwrap_or_default()
    });
    let whole = rows.map(|row| row.as_chunks().0);
    let (inner, last) = groups.split_at_mut(plane.width / GROUP_WIDTH);
    transform(cpu, whole, quantiser, inner);
    if !last.is_empty() {
        let padded = rows.map(|row| {
            let rest = row.as_chunks::<GROUP_WIDTH>().1;
            let mut padded = [rest.last().copied().unwrap_or_default(); GROUP_WIDTH];
            padded[..rest.len()].copy_from_slice(rest);
            padded
        });
        let padded = padded.each_ref().map(std::slice::from_ref);
        transform(cpu, padded, quantiser, last);
    }
}

/// The forward DCT of eight rows of samples and its quantisation, for as many groups as all of them have.
///
/// The transform is the separable one of Loeffler, Ligtenberg and Moschytz ("Practical fast 1-D DCT algorithms with
/// 11 multiplications", 1989) in integers, with the word lengths and the rounding of libjpeg's accurate method.
fn transform(
    cpu: Cpu,
    rows: [&[[u8; GROUP_WIDTH]]; 8],
    quantiser: &Quantiser,
    groups: &mut [Group],
) {
    match cpu {
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx512 => x86::transform_avx512(rows, quantiser, groups),
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx2 => x86::transform_avx2(rows, quantiser, groups),
        #[cfg(target_arch = "aarch64")]
        Cpu::Neon => neon::transform(rows, quantiser, groups),
        Cpu::Portable => transform_portable(rows, quantiser, groups),
    }
}

/// The multipliers of the transform, in units of 2^-13, for pairs of inputs: what is left of the eleven
/// multiplications when each output is one sum of products.
pub(super) mod factor {
    /// sqrt(2) cos(6 pi / 16)
    pub(in super::super) const C6: i16 = 4433;
    /// sqrt(2) (cos(2 pi / 16) - cos(6 pi / 16))
    pub(in super::super) const C2_MINUS_C6: i16 = 6270;
    /// sqrt(2) (cos(2 pi / 16) + cos(6 pi / 16))
    pub(in super::super) const C2_PLUS_C6: i16 = 15137;
    /// sqrt(2) cos(3 pi / 16)
    pub(in super::super) const C3: i16 = 9633;
    /// sqrt(2) (-cos(pi / 16) + cos(3 pi / 16) + cos(5 pi / 16) - cos(7 pi / 16))
    pub(in super::super) const FOURTH: i16 = 2446;
    /// sqrt(2) (cos(pi / 16) + cos(3 pi / 16) - cos(5 pi / 16) + cos(7 pi / 16))
    pub(in super::super) const FIFTH: i16 = 16819;
    /// sqrt(2) (cos(pi / 16) + cos(3 pi / 16) + cos(5 pi / 16) - cos(7 pi / 16))
    pub(in super::super) const SIXTH: i16 = 25172;
    /// sqrt(2) (cos(pi / 16) + cos(3 pi / 16) - cos(5 pi / 16) - cos(7 pi / 16))
    pub(in super::super) const SEVENTH: i16 = 12299;
    /// sqrt(2) (cos(3 pi / 16) - cos(7 pi / 16))
    pub(in super::super) const OUTER: i16 = 7373;
    /// sqrt(2) (cos(pi / 16) + cos(3 pi / 16))
    pub(in super::super) const INNER: i16 = 20995;
    /// sqrt(2) (cos(3 pi / 16) + cos(5 pi / 16))
    pub(in super::super) const EVEN: i16 = 16069;
    /// sqrt(2) (cos(3 pi / 16) - cos(5 pi / 16))
    pub(in super::super) const ODD: i16 = 3196;
}

/// Bits of fraction that the first pass keeps: more would not fit 16 bits.
pub(super) const KEPT: u32 = 2;
/// Bits of fraction of the factors.
pub(super) const FRACTION: u32 = 13;

fn transform_portable(
    rows: [&[[u8; GROUP_WIDTH]]; 8],
    quantiser: &Quantiser,
    groups: &mut [Group],
) {
    for (index, group) in groups.iter_mut().enumerate() {
        let rows: [[u8; GROUP_WIDTH]; 8] =
            rows.map(|row| row.get(index).copied().unwrap_or_default());
        for block in 0..4 {
            let mut samples = [[0_i16; 8]; 8];
            for (samples, row) in samples.iter_mut().zip(&rows) {
                for (sample, &byte) in samples.iter_mut().zip(&row[8 * block..8 * block + 8]) {
                    *sample = i16::from(byte) - 128;
                }
            }
            let once = transpose(&pass::<true>(&transpose(&samples)));
            let twice = pass::<false>(&once);
            let mut nonzero = [false; 64];
            for (v, row) in twice.iter().enumerate() {
                let row = quantise_row(row, quantiser, v);
                group.coefficients[block][8 * v..8 * v + 8].copy_from_slice(&row);
                for (bit, value) in nonzero[8 * v..8 * v + 8].iter_mut().zip(row) {
                    *bit = value != 0;
                }
            }
            group.nonzero[block] = ZIGZAG.iter().enumerate().fold(0, |bits, (k, &place)| {
                bits | u64::from(nonzero[usize::from(place)]) << k
            });
        }
    }
}

fn transpose(rows: &[[i16; 8]; 8]) -> [[i16; 8]; 8] {
    std::array::from_fn(|column| std::array::from_fn(|row| rows[row][column]))
}

/// Eight transforms of eight values each at once: value `k` of all of them is `rows[k]`.
///
/// Every sum of two fits 16 bits: samples are -128 to 127, and each pass gains at most 8, less the bits of
/// fraction that the second one drops.
fn pass<const FIRST: bool>(rows: &[[i16; 8]; 8]) -> [[i16; 8]; 8] {
    let mut out = [[0; 8]; 8];
    for lane in 0..8 {
        let sum = |a: usize, b: usize| rows[a][lane] + rows[b][lane];
        let difference = |a: usize, b: usize| rows[a][lane] - rows[b][lane];
        let (sum0, sum1, sum2, sum3) = (sum(0, 7), sum(1, 6), sum(2, 5), sum(3, 4));
        let (seven, six) = (difference(0, 7), difference(1, 6));
        let (five, four) = (difference(2, 5), difference(3, 4));
        let (even0, even3) = (sum0 + sum3, sum0 - sum3);
        let (even1, even2) = (sum1 + sum2, sum1 - sum2);
        if FIRST {
            out[0][lane] = (even0 + even1) << KEPT;
            out[4][lane] = (even0 - even1) << KEPT;
        } else {
            let half = 1 << (KEPT - 1);
            out[0][lane] = low((i32::from(even0) + i32::from(even1) + half) >> KEPT);
            out[4][lane] = low((i32::from(even0) - i32::from(even1) + half) >> KEPT);
        }
        let shift = if FIRST {
            FRACTION - KEPT
        } else {
            FRACTION + KEPT
        };
        let half = 1 << (shift - 1);
        let dot = |a: i16, by_a: i16, b: i16, by_b: i16| {
            i32::from(a) * i32::from(by_a) + i32::from(b) * i32::from(by_b)
        };
        let store = |value: i32| low((value + half) >> shift);
        let (z3, z4) = (four + six, five + seven);
        let z = dot(z3, factor::C3 - factor::EVEN, z4, factor::C3);
        let w = dot(z3, factor::C3, z4, factor::C3 - factor::ODD);
        out[1][lane] = store(dot(seven, factor::SEVENTH - factor::OUTER, four, -factor::OUTER) + w);
        out[2][lane] = store(dot(
            even2,
            factor::C6,
            even3,
            factor::C6 + factor::C2_MINUS_C6,
        ));
        out[3][lane] = store(dot(six, factor::SIXTH - factor::INNER, five, -factor::INNER) + z);
        out[5][lane] = store(dot(five, factor::FIFTH - factor::INNER, six, -factor::INNER) + w);
        out[6][lane] = store(dot(
            even2,
            factor::C6 - factor::C2_PLUS_C6,
            even3,
            factor::C6,
        ));
        out[7][lane] = store(dot(four, factor::FOURTH - factor::OUTER, seven, -factor::OUTER) + z);
    }
    out
}

/// The low 16 bits: all that a coefficient has.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the value fits 16 bits")]
fn low(value: i32) -> i16 {
    value as i16
}

/// Quantises the coefficients of vertical frequency `v`: see [`Quantiser`].
#[inline]
fn quantise_row(row: &[i16; 8], quantiser: &Quantiser, v: usize) -> [i16; 8] {
    let upper = |a: u16, b: u16| high_half(u32::from(a) * u32::from(b));
    std::array::from_fn(|u| {
        let magnitude = row[u].unsigned_abs() + quantiser.bias[v][u];
        let quotient = upper(
            upper(magnitude, quantiser.reciprocal[v][u]),
            quantiser.scale[v][u],
        );
        let sign = row[u] >> 15;
        (quotient.cast_signed() ^ sign) - sign
    })
}
