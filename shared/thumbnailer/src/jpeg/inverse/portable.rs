//! The transforms in plain Rust: what every variant must equal, and what runs where there is none. Written as loops
//! over lanes of fixed arrays, which the compiler turns into the vector instructions of the machine it builds for.

#![expect(
    clippy::inline_always,
    reason = "a kernel must become part of the function whose target features it is built for"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is narrowed was clamped, or wraps as the parent module says"
)]

use super::{
    EVEN, FIRST_ROUND, FIRST_SHIFT, LAST_OF_LOW, LOWEST_ROUND, ODD, ODD_OF_FOUR, SECOND_SHIFT,
    UNIT, flat,
};

/// Flat blocks.
#[inline(always)]
pub(super) fn one(coefficients: &[i16], quantiser: u16, out: &mut [u8]) {
    let quantiser = quantiser.cast_signed();
    for (sample, dc) in out.iter_mut().zip(coefficients) {
        *sample = flat(dc.wrapping_mul(quantiser));
    }
}

/// 2x2 blocks: sums and differences, rounded once.
#[inline(always)]
pub(super) fn two(coefficients: &[i16], quantiser: [i16; 4], out: [&mut [u8]; 2]) {
    let (blocks, _) = coefficients.as_chunks::<4>();
    let [upper, lower] = out.map(|row| row.as_chunks_mut::<2>().0);
    for ((upper, lower), block) in upper.iter_mut().zip(lower).zip(blocks) {
        let value = |index: usize| i32::from(block[index].wrapping_mul(quantiser[index]));
        let (left, right) = (value(0) + value(1), value(0) - value(1));
        let (left_step, right_step) = (value(2) + value(3), value(2) - value(3));
        let sample = |sum: i32| ((sum + 4 + 1024) >> 3).clamp(0, 255) as u8;
        *upper = [sample(left + left_step), sample(right + right_step)];
        *lower = [sample(left - left_step), sample(right - right_step)];
    }
}

/// 4x4 blocks, from block `done` on.
pub(super) fn four(
    coefficients: &[i16],
    last: &[u8],
    quantiser: &[i16; 16],
    out: &mut [&mut [u8]; 4],
    done: usize,
) {
    let (blocks, _) = coefficients.as_chunks::<16>();
    for (index, (block, last)) in blocks.iter().zip(last).enumerate().skip(done) {
        let samples = if *last == 0 {
            [[flat(block[0].wrapping_mul(quantiser[0])); 4]; 4]
        } else {
            four_of(&dequantised(block, quantiser))
        };
        put(out, index, samples);
    }
}

/// 8x8 blocks, from block `done` on.
pub(super) fn eight(
    coefficients: &[i16],
    last: &[u8],
    quantiser: &[i16; 64],
    out: &mut [&mut [u8]; 8],
    done: usize,
) {
    let (blocks, _) = coefficients.as_chunks::<64>();
    for (index, (block, last)) in blocks.iter().zip(last).enumerate().skip(done) {
        let samples = match *last {
            0 => [[flat(block[0].wrapping_mul(quantiser[0])); 8]; 8],
            1..=LAST_OF_LOW => eight_of::<4>(&dequantised(block, quantiser)),
            _ => eight_of::<8>(&dequantised(block, quantiser)),
        };
        put(out, index, samples);
    }
}

/// Writes block `index` of a row of blocks, if there is room for it.
fn put<const SIDE: usize>(out: &mut [&mut [u8]; SIDE], index: usize, samples: [[u8; SIDE]; SIDE]) {
    for (row, samples) in out.iter_mut().zip(samples) {
        if let Some(place) = row.as_chunks_mut::<SIDE>().0.get_mut(index) {
            *place = samples;
        }
    }
}

#[inline(always)]
fn dequantised<const AREA: usize>(block: &[i16; AREA], quantiser: &[i16; AREA]) -> [i16; AREA] {
    std::array::from_fn(|index| block[index].wrapping_mul(quantiser[index]))
}

#[inline(always)]
fn four_of(block: &[i16; 16]) -> [[u8; 4]; 4] {
    let mut between = [[0; 4]; 4];
    for lane in 0..4 {
        let round = if lane == 0 { LOWEST_ROUND } else { FIRST_ROUND };
        let sums = four_points(|input| block[input * 4 + lane], round);
        for output in 0..4 {
            between[lane][output] = (sums[output] >> FIRST_SHIFT) as i16;
        }
    }
    let mut samples = [[0; 4]; 4];
    for lane in 0..4 {
        let sums = four_points(|input| between[input][lane], 0);
        for output in 0..4 {
            samples[lane][output] = narrow(sums[output]);
        }
    }
    samples
}

/// The 4-point transform of one lane.
#[inline(always)]
fn four_points(input: impl Fn(usize) -> i16, round: i32) -> [i32; 4] {
    let base = times(input(0), UNIT).wrapping_add(round);
    let even = [
        base.wrapping_add(times(input(2), UNIT)),
        base.wrapping_sub(times(input(2), UNIT)),
    ];
    let mut sums = [0; 4];
    for (output, weights) in ODD_OF_FOUR.iter().enumerate() {
        let odd = times(input(1), weights[0]).wrapping_add(times(input(3), weights[1]));
        sums[output] = even[output].wrapping_add(odd);
        sums[3 - output] = even[output].wrapping_sub(odd);
    }
    sums
}

/// The transform of a block of which only the lowest `INPUTS * INPUTS` coefficients may differ from zero.
#[inline(always)]
fn eight_of<const INPUTS: usize>(block: &[i16; 64]) -> [[u8; 8]; 8] {
    let mut between = [[0; 8]; 8];
    for lane in 0..INPUTS {
        let round = if lane == 0 { LOWEST_ROUND } else { FIRST_ROUND };
        let sums = eight_points::<INPUTS>(|input| block[input * 8 + lane], round);
        for output in 0..8 {
            between[lane][output] = (sums[output] >> FIRST_SHIFT) as i16;
        }
    }
    let mut samples = [[0; 8]; 8];
    for lane in 0..8 {
        let sums = eight_points::<INPUTS>(|input| between[input][lane], 0);
        for output in 0..8 {
            samples[lane][output] = narrow(sums[output]);
        }
    }
    samples
}

/// The 8-point transform of one lane.
#[inline(always)]
fn eight_points<const INPUTS: usize>(input: impl Fn(usize) -> i16, round: i32) -> [i32; 8] {
    let input = |index| if index < INPUTS { input(index) } else { 0 };
    let base = times(input(0), UNIT).wrapping_add(round);
    let middle = times(input(4), UNIT);
    let outer = times(input(2), EVEN[0][0]).wrapping_add(times(input(6), EVEN[0][1]));
    let inner = times(input(2), EVEN[1][0]).wrapping_add(times(input(6), EVEN[1][1]));
    let (sum, difference) = (base.wrapping_add(middle), base.wrapping_sub(middle));
    let even = [
        sum.wrapping_add(outer),
        difference.wrapping_add(inner),
        difference.wrapping_sub(inner),
        sum.wrapping_sub(outer),
    ];
    let mut sums = [0; 8];
    for (output, weights) in ODD.iter().enumerate() {
        let odd = times(input(1), weights[0])
            .wrapping_add(times(input(3), weights[1]))
            .wrapping_add(times(input(5), weights[2]))
            .wrapping_add(times(input(7), weights[3]));
        sums[output] = even[output].wrapping_add(odd);
        sums[7 - output] = even[output].wrapping_sub(odd);
    }
    sums
}

#[inline(always)]
fn times(value: i16, weight: i16) -> i32 {
    i32::from(value) * i32::from(weight)
}

/// A sum of the second pass as a sample.
#[inline(always)]
fn narrow(sum: i32) -> u8 {
    (sum >> SECOND_SHIFT).clamp(0, 255) as u8
}
