//! The forward transform with NEON: a vector holds one row of a block.

use core::arch::aarch64::{
    int16x8_t, int32x4_t, uint8x16_t, uint8x16x4_t, uint16x8_t, vabsq_s16, vaddq_s16, vaddq_s32,
    vaddq_u16, vandq_u8, vcombine_s16, vcombine_u8, vdupq_n_u16, veorq_s16, vget_high_s16,
    vget_low_s16, vget_low_u16, vgetq_lane_u64, vld1_u8, vld1q_u8, vld1q_u16, vmlal_n_s16,
    vmovl_u8, vmovn_u16, vmull_high_u16, vmull_n_s16, vmull_u16, vpaddq_u8, vqdmulhq_s16,
    vqtbl4q_u8, vreinterpretq_s16_s32, vreinterpretq_s16_s64, vreinterpretq_s16_u16,
    vreinterpretq_s32_s16, vreinterpretq_s64_s16, vreinterpretq_u16_s16, vreinterpretq_u16_u32,
    vreinterpretq_u64_u8, vrshrn_n_s32, vrshrq_n_s16, vshlq_n_s16, vshrq_n_s16, vshrq_n_u16,
    vst1q_s16, vsubq_s16, vsubq_u16, vtstq_s16, vuzp2q_u16, vzip1q_s16, vzip1q_s32, vzip1q_s64,
    vzip2q_s16, vzip2q_s32, vzip2q_s64,
};

use super::forward::{FRACTION, Group, KEPT, factor};
use super::quantise::{Quantiser, ZIGZAG};

/// The same sums as the portable transform.
#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(super) fn transform(rows: [&[[u8; 32]]; 8], quantiser: &Quantiser, groups: &mut [Group]) {
    // SAFETY: only called for `Cpu::Neon`, which says that the processor has NEON.
    unsafe { transform_blocks(rows, quantiser, groups) }
}

#[target_feature(enable = "neon")]
fn transform_blocks(rows: [&[[u8; 32]]; 8], quantiser: &Quantiser, groups: &mut [Group]) {
    for (index, group) in groups.iter_mut().enumerate() {
        let places = group.coefficients.iter_mut().zip(&mut group.nonzero);
        for (block, (place, mask)) in places.enumerate() {
            let samples = rows.map(|row| {
                let bytes = row
                    .get(index)
                    .map_or(&[128; 8], |row| &row.as_chunks().0[block]);
                let samples = vsubq_u16(vmovl_u8(load_bytes(bytes)), vdupq_n_u16(128));
                vreinterpretq_s16_u16(samples)
            });
            let once = pass::<true, { (FRACTION - KEPT).cast_signed() }>(transpose(samples));
            let twice = pass::<false, { (FRACTION + KEPT).cast_signed() }>(transpose(once));
            let mut quantised = twice;
            for (row, place) in place.as_chunks_mut().0.iter_mut().enumerate() {
                quantised[row] = quantise(twice[row], quantiser, row);
                store(quantised[row], place);
            }
            *mask = nonzero(quantised);
        }
    }
}

/// Swaps rows and columns.
#[target_feature(enable = "neon")]
#[inline]
fn transpose(rows: [int16x8_t; 8]) -> [int16x8_t; 8] {
    let words = |a, b| [vzip1q_s16(a, b), vzip2q_s16(a, b)];
    let pairs = |a, b| {
        let (a, b) = (vreinterpretq_s32_s16(a), vreinterpretq_s32_s16(b));
        [vzip1q_s32(a, b), vzip2q_s32(a, b)].map(|pair| vreinterpretq_s16_s32(pair))
    };
    let fours = |a, b| {
        let (a, b) = (vreinterpretq_s64_s16(a), vreinterpretq_s64_s16(b));
        [vzip1q_s64(a, b), vzip2q_s64(a, b)].map(|four| vreinterpretq_s16_s64(four))
    };
    let [first, second, third, fourth] = [0, 2, 4, 6].map(|row| words(rows[row], rows[row + 1]));
    let top = [pairs(first[0], second[0]), pairs(first[1], second[1])];
    let bottom = [pairs(third[0], fourth[0]), pairs(third[1], fourth[1])];
    let [column0, column1] = fours(top[0][0], bottom[0][0]);
    let [column2, column3] = fours(top[0][1], bottom[0][1]);
    let [column4, column5] = fours(top[1][0], bottom[1][0]);
    let [column6, column7] = fours(top[1][1], bottom[1][1]);
    [
        column0, column1, column2, column3, column4, column5, column6, column7,
    ]
}

/// The products of two vectors with two factors, added up, as 32-bit halves.
#[target_feature(enable = "neon")]
#[inline]
fn dot(a: int16x8_t, by_a: i16, b: int16x8_t, by_b: i16) -> [int32x4_t; 2] {
    let low = vmull_n_s16(vget_low_s16(a), by_a);
    let high = vmull_n_s16(vget_high_s16(a), by_a);
    [
        vmlal_n_s16(low, vget_low_s16(b), by_b),
        vmlal_n_s16(high, vget_high_s16(b), by_b),
    ]
}

/// 32-bit halves shifted down to 16 bits, rounded.
#[target_feature(enable = "neon")]
#[inline]
fn narrow<const SHIFT: i32>(halves: [int32x4_t; 2]) -> int16x8_t {
    vcombine_s16(
        vrshrn_n_s32::<SHIFT>(halves[0]),
        vrshrn_n_s32::<SHIFT>(halves[1]),
    )
}

/// Eight transforms at once: see the portable pass.
#[target_feature(enable = "neon")]
#[inline]
fn pass<const FIRST: bool, const SHIFT: i32>(rows: [int16x8_t; 8]) -> [int16x8_t; 8] {
    let sum = |a: usize, b: usize| vaddq_s16(rows[a], rows[b]);
    let difference = |a: usize, b: usize| vsubq_s16(rows[a], rows[b]);
    let (sum0, sum1, sum2, sum3) = (sum(0, 7), sum(1, 6), sum(2, 5), sum(3, 4));
    let (seven, six) = (difference(0, 7), difference(1, 6));
    let (five, four) = (difference(2, 5), difference(3, 4));
    let (even0, even3) = (vaddq_s16(sum0, sum3), vsubq_s16(sum0, sum3));
    let (even1, even2) = (vaddq_s16(sum1, sum2), vsubq_s16(sum1, sum2));
    let scale = |value| {
        if FIRST {
            vshlq_n_s16::<{ KEPT.cast_signed() }>(value)
        } else {
            vrshrq_n_s16::<{ KEPT.cast_signed() }>(value)
        }
    };
    let (z3, z4) = (vaddq_s16(four, six), vaddq_s16(five, seven));
    let z = dot(z3, factor::C3 - factor::EVEN, z4, factor::C3);
    let w = dot(z3, factor::C3, z4, factor::C3 - factor::ODD);
    let odd = |a, by_a, b, by_b, rest: [int32x4_t; 2]| {
        let [low, high] = dot(a, by_a, b, by_b);
        narrow::<SHIFT>([vaddq_s32(low, rest[0]), vaddq_s32(high, rest[1])])
    };
    [
        scale(vaddq_s16(even0, even1)),
        odd(
            seven,
            factor::SEVENTH - factor::OUTER,
            four,
            -factor::OUTER,
            w,
        ),
        narrow::<SHIFT>(dot(
            even2,
            factor::C6,
            even3,
            factor::C6 + factor::C2_MINUS_C6,
        )),
        odd(six, factor::SIXTH - factor::INNER, five, -factor::INNER, z),
        scale(vsubq_s16(even0, even1)),
        odd(five, factor::FIFTH - factor::INNER, six, -factor::INNER, w),
        narrow::<SHIFT>(dot(
            even2,
            factor::C6 - factor::C2_PLUS_C6,
            even3,
            factor::C6,
        )),
        odd(
            four,
            factor::FOURTH - factor::OUTER,
            seven,
            -factor::OUTER,
            z,
        ),
    ]
}

/// Quantises one row: see [`Quantiser`].
#[target_feature(enable = "neon")]
#[inline]
fn quantise(row: int16x8_t, quantiser: &Quantiser, index: usize) -> int16x8_t {
    let magnitude = vreinterpretq_u16_s16(vabsq_s16(row));
    let magnitude = vaddq_u16(magnitude, load_words(&quantiser.bias[index]));
    let quotient = multiply_high(magnitude, load_words(&quantiser.reciprocal[index]));
    // The upper half of twice a product, with half of a power of two: one instruction, and nothing near its limits.
    let scale = vshrq_n_u16::<1>(load_words(&quantiser.scale[index]));
    let quotient = vqdmulhq_s16(
        vreinterpretq_s16_u16(quotient),
        vreinterpretq_s16_u16(scale),
    );
    let sign = vshrq_n_s16::<15>(row);
    vsubq_s16(veorq_s16(quotient, sign), sign)
}

/// The upper halves of the products.
#[target_feature(enable = "neon")]
#[inline]
fn multiply_high(a: uint16x8_t, b: uint16x8_t) -> uint16x8_t {
    let low = vmull_u16(vget_low_u16(a), vget_low_u16(b));
    let high = vmull_high_u16(a, b);
    vuzp2q_u16(vreinterpretq_u16_u32(low), vreinterpretq_u16_u32(high))
}

/// Which coefficients are not zero, in zig-zag order.
#[target_feature(enable = "neon")]
#[inline]
fn nonzero(rows: [int16x8_t; 8]) -> u64 {
    const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
    let flags = |row: usize| {
        let set = |row| vmovn_u16(vtstq_s16(rows[row], rows[row]));
        vcombine_u8(set(row), set(row + 1))
    };
    let table = uint8x16x4_t(flags(0), flags(2), flags(4), flags(6));
    let (order, _) = ZIGZAG.as_chunks();
    let bits = load_sixteen(&BITS);
    let ordered = |part: usize| vandq_u8(vqtbl4q_u8(table, load_sixteen(&order[part])), bits);
    let upper = vpaddq_u8(ordered(0), ordered(1));
    let lower = vpaddq_u8(ordered(2), ordered(3));
    let fours = vpaddq_u8(upper, lower);
    vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(fours, fours)))
}

#[target_feature(enable = "neon")]
#[inline]
#[expect(unsafe_code, reason = "a load")]
fn load_bytes(bytes: &[u8; 8]) -> core::arch::aarch64::uint8x8_t {
    // SAFETY: the reference is good for 8 bytes.
    unsafe { vld1_u8(bytes.as_ptr()) }
}

#[target_feature(enable = "neon")]
#[inline]
#[expect(unsafe_code, reason = "a load")]
fn load_sixteen(bytes: &[u8; 16]) -> uint8x16_t {
    // SAFETY: the reference is good for 16 bytes.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[target_feature(enable = "neon")]
#[inline]
#[expect(unsafe_code, reason = "a load")]
fn load_words(words: &[u16; 8]) -> uint16x8_t {
    // SAFETY: the reference is good for 8 words.
    unsafe { vld1q_u16(words.as_ptr()) }
}

#[target_feature(enable = "neon")]
#[inline]
#[expect(unsafe_code, reason = "a store")]
fn store(vector: int16x8_t, words: &mut [i16; 8]) {
    // SAFETY: the reference is good for 8 words.
    unsafe { vst1q_s16(words.as_mut_ptr(), vector) }
}
