//! The inverse discrete cosine transforms: coefficients of 8x8 blocks to samples, whole or straight to a smaller block.
//!
//! | side | what it is |
//! |---|---|
//! | [`BlockSide::Eight`] | the "slow, accurate integer" transform of the IJG's library, which every decoder is compared with: two passes, 13-bit constants; the same bytes |
//! | [`BlockSide::Four`] | the 4x4 lowest coefficients through the 4-point transform; within one level of exact arithmetic |
//! | [`BlockSide::Two`] | the 2x2 lowest coefficients through the 2-point transform; exact, rounded once |
//! | [`BlockSide::One`] | the mean of the block |
//!
//! The smaller ones are the truncated transform: band-limiting and sampling in one step. (The IJG's own reduced
//! transforms average neighbours of the 8-point transform with some coefficients left out, so their samples differ.)
//!
//! Every variant gives the same bytes for every input, however absurd: products of coefficient and quantiser wrap at
//! 16 bits, sums at 32, and what goes from the first pass to the second wraps at 16 again. No coefficient that an
//! encoder can have made comes near: a block of eight-bit samples has first-pass values below 10 000.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::cpu::Cpu;
use crate::jpeg::BlockSide;

/// Bits behind the binary point of the constants.
const CONSTANT_BITS: u32 = 13;

/// Bits behind the binary point of what goes from the first pass to the second.
const BETWEEN_BITS: u32 = 2;

/// What the first pass shifts out again.
const FIRST_SHIFT: u32 = CONSTANT_BITS - BETWEEN_BITS;

/// What the second pass shifts out again; both passes leave a factor of eight.
const SECOND_SHIFT: u32 = CONSTANT_BITS + BETWEEN_BITS + 3;

/// Rounds the first pass.
const FIRST_ROUND: i32 = 1 << (FIRST_SHIFT - 1);

/// Rounds the first pass in its lowest lane, with [`SECOND_ROUND`].
const LOWEST_ROUND: i32 = FIRST_ROUND + ((SECOND_ROUND as i32) << FIRST_SHIFT);

/// The level shift of 128 and the rounding of the second pass, as a part of the lowest value that enters it: there it
/// costs nothing, since the first pass adds a constant to each of its lanes anyway.
const SECOND_ROUND: i16 = (128 << (BETWEEN_BITS + 3)) + (1 << (BETWEEN_BITS + 2));

/// The products of T.81's cosines that the IJG's factorisation of the 8-point transform (Loeffler, Ligtenberg and
/// Moschytz 1989) rounds to 13 bits. Sums of integers may be regrouped freely, so the kernels multiply by these and by
/// sums of these, and give the same bits as the factorisation.
const F_0_298: i16 = 2446;
const F_0_390: i16 = 3196;
const F_0_541: i16 = 4433;
const F_0_765: i16 = 6270;
const F_0_899: i16 = 7373;
const F_1_175: i16 = 9633;
const F_1_501: i16 = 12299;
const F_1_847: i16 = 15137;
const F_1_961: i16 = 16069;
const F_2_053: i16 = 16819;
const F_2_562: i16 = 20995;
const F_3_072: i16 = 25172;

/// One, with [`CONSTANT_BITS`] behind the point.
const UNIT: i16 = 1 << CONSTANT_BITS;

/// How coefficients 2 and 6 enter the outer (first) and inner (second) even outputs of the 8-point transform.
const EVEN: [[i16; 2]; 2] = [[F_0_541 + F_0_765, F_0_541], [F_0_541, F_0_541 - F_1_847]];

/// How coefficients 1, 3, 5 and 7 enter outputs 0 to 3 of the 8-point transform; they leave 7 to 4 with the other sign.
const ODD: [[i16; 4]; 4] = [
    [
        F_1_501 - F_0_899 - F_0_390 + F_1_175,
        F_1_175,
        F_1_175 - F_0_390,
        F_1_175 - F_0_899,
    ],
    [
        F_1_175,
        F_3_072 - F_2_562 - F_1_961 + F_1_175,
        F_1_175 - F_2_562,
        F_1_175 - F_1_961,
    ],
    [
        F_1_175 - F_0_390,
        F_1_175 - F_2_562,
        F_2_053 - F_2_562 - F_0_390 + F_1_175,
        F_1_175,
    ],
    [
        F_1_175 - F_0_899,
        F_1_175 - F_1_961,
        F_1_175,
        F_0_298 - F_0_899 - F_1_961 + F_1_175,
    ],
];

/// How coefficients 1 and 3 enter outputs 0 and 1 of the 4-point transform, the square root of 2 times the cosines of
/// 1/8 and 3/8 of half a turn; they leave 3 and 2 with the other sign. Coefficients 0 and 2 enter with one.
const ODD_OF_FOUR: [[i16; 2]; 2] = [[10703, 4433], [4433, -10703]];

/// The last zig-zag index of the first four diagonals: up to it nothing lies outside the lowest 4x4 coefficients.
const LAST_OF_LOW: u8 = 9;

/// One row of blocks of one component, from coefficients to samples.
///
/// `coefficients` holds block after block, `side * side` of each in natural (row-major) order, not yet dequantised;
/// `last` the highest zig-zag index that may not be zero in each block (0 is a flat one) and by its length the number
/// of blocks; `quantiser` 64 values in natural order. Writes `side` rows of `blocks * side` samples, `stride` apart.
///
/// Blocks that do not fit into what is given are left out: the caller's buffers decide, never the file.
pub(crate) fn inverse(
    cpu: Cpu,
    side: BlockSide,
    coefficients: &[i16],
    last: &[u8],
    quantiser: &[u16; 64],
    out: &mut [u8],
    stride: usize,
) {
    match side {
        BlockSide::One => one(cpu, coefficients, quantiser[0], out),
        BlockSide::Two => two(cpu, coefficients, quantiser, rows(out, stride)),
        BlockSide::Four => four(cpu, coefficients, last, quantiser, rows(out, stride)),
        BlockSide::Eight => eight(cpu, coefficients, last, quantiser, rows(out, stride)),
    }
}

/// The first `SIDE` rows of `out`.
fn rows<const SIDE: usize>(out: &mut [u8], stride: usize) -> [&mut [u8]; SIDE] {
    let mut rows = out.chunks_mut(stride.max(1));
    std::array::from_fn(|_| rows.next().unwrap_or_default())
}

fn one(cpu: Cpu, coefficients: &[i16], quantiser: u16, out: &mut [u8]) {
    match cpu {
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx2 | Cpu::Avx512 => x86::one(cpu, coefficients, quantiser, out),
        _ => portable::one(coefficients, quantiser, out),
    }
}

fn two(cpu: Cpu, coefficients: &[i16], quantiser: &[u16; 64], out: [&mut [u8]; 2]) {
    let quantiser = lowest(quantiser);
    match cpu {
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx2 | Cpu::Avx512 => x86::two(cpu, coefficients, quantiser, out),
        _ => portable::two(coefficients, quantiser, out),
    }
}

fn four(
    cpu: Cpu,
    coefficients: &[i16],
    last: &[u8],
    quantiser: &[u16; 64],
    mut out: [&mut [u8]; 4],
) {
    let quantiser = lowest(quantiser);
    let done = match cpu {
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx2 | Cpu::Avx512 => x86::four(cpu, coefficients, last, &quantiser, &mut out),
        _ => 0,
    };
    portable::four(coefficients, last, &quantiser, &mut out, done);
}

fn eight(
    cpu: Cpu,
    coefficients: &[i16],
    last: &[u8],
    quantiser: &[u16; 64],
    mut out: [&mut [u8]; 8],
) {
    let quantiser = lowest(quantiser);
    let done = match cpu {
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx2 | Cpu::Avx512 => x86::eight(cpu, coefficients, last, &quantiser, &mut out),
        _ => 0,
    };
    portable::eight(coefficients, last, &quantiser, &mut out, done);
}

/// The quantisers of the `SIDE * SIDE = AREA` lowest coefficients, as factors that wrap.
fn lowest<const AREA: usize>(quantiser: &[u16; 64]) -> [i16; AREA] {
    let side = AREA.isqrt();
    std::array::from_fn(|index| quantiser[(index / side * 8 + index % side) % 64].cast_signed())
}

/// The sample of a block whose only coefficient is `value`, as both passes would have it.
#[expect(clippy::cast_sign_loss, reason = "the value is clamped")]
fn flat(value: i16) -> u8 {
    let between = (value << BETWEEN_BITS).wrapping_add(SECOND_ROUND);
    (between >> (BETWEEN_BITS + 3)).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests;
