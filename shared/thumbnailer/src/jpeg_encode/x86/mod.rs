//! The forward transform with AVX2 (two blocks at once) and AVX-512 (four).
//!
//! A vector holds one row of samples or coefficients of neighbouring blocks, eight to each 128-bit lane, so that
//! transposing is the same few instructions in every lane and everything else goes element by element.

use core::arch::x86_64::{__m128i, __m512i, _mm_loadu_si128, _mm512_loadu_si512};

use super::forward::Group;
use super::quantise::Quantiser;

/// The arithmetic, the same for every width of vector. Expects the instructions under short names.
macro_rules! kernel {
    ($features:literal, $vector:ty) => {
        /// Swaps rows and columns of every block.
        #[target_feature(enable = $features)]
        #[inline]
        fn transpose(rows: [$vector; 8]) -> [$vector; 8] {
            let [a, b, c, d, e, f, g, h] = rows;
            let (ab_low, ab_high) = (low_words(a, b), high_words(a, b));
            let (cd_low, cd_high) = (low_words(c, d), high_words(c, d));
            let (ef_low, ef_high) = (low_words(e, f), high_words(e, f));
            let (gh_low, gh_high) = (low_words(g, h), high_words(g, h));
            let (top0, top1) = (low_pairs(ab_low, cd_low), high_pairs(ab_low, cd_low));
            let (top2, top3) = (low_pairs(ab_high, cd_high), high_pairs(ab_high, cd_high));
            let (bottom0, bottom1) = (low_pairs(ef_low, gh_low), high_pairs(ef_low, gh_low));
            let (bottom2, bottom3) = (low_pairs(ef_high, gh_high), high_pairs(ef_high, gh_high));
            [
                low_fours(top0, bottom0),
                high_fours(top0, bottom0),
                low_fours(top1, bottom1),
                high_fours(top1, bottom1),
                low_fours(top2, bottom2),
                high_fours(top2, bottom2),
                low_fours(top3, bottom3),
                high_fours(top3, bottom3),
            ]
        }

        /// Two factors for the two words of every pair.
        #[target_feature(enable = $features)]
        #[inline]
        fn factors(first: i16, second: i16) -> $vector {
            every_pair(i32::from(second) << 16 | i32::from(first) & 0xffff)
        }

        /// The products of two vectors with two factors, added up, as 32-bit halves.
        #[target_feature(enable = $features)]
        #[inline]
        fn dot(pairs: [$vector; 2], first: i16, second: i16) -> [$vector; 2] {
            let factors = factors(first, second);
            [
                multiply_add(pairs[0], factors),
                multiply_add(pairs[1], factors),
            ]
        }

        /// The sum of two vectors of 32-bit halves, shifted down to 16 bits.
        #[target_feature(enable = $features)]
        #[inline]
        fn narrow<const SHIFT: u32>(a: [$vector; 2], b: [$vector; 2]) -> $vector {
            pack_longs(
                shift_long::<SHIFT>(add_long(a[0], b[0])),
                shift_long::<SHIFT>(add_long(a[1], b[1])),
            )
        }

        /// Eight transforms in every lane at once: see the portable pass, whose sums these are.
        #[target_feature(enable = $features)]
        #[inline]
        fn pass<const FIRST: bool, const SHIFT: u32>(rows: [$vector; 8]) -> [$vector; 8] {
            let [a, b, c, d, e, f, g, h] = rows;
            let (sum0, sum1, sum2, sum3) = (add(a, h), add(b, g), add(c, f), add(d, e));
            let (seven, six, five, four) = (
                subtract(a, h),
                subtract(b, g),
                subtract(c, f),
                subtract(d, e),
            );
            let (even0, even3) = (add(sum0, sum3), subtract(sum0, sum3));
            let (even1, even2) = (add(sum1, sum2), subtract(sum1, sum2));
            let (out0, out4) = if FIRST {
                (
                    shift_left(add(even0, even1)),
                    shift_left(subtract(even0, even1)),
                )
            } else {
                let even0 = add(even0, every_word(1 << (KEPT - 1)));
                (
                    shift_right(add(even0, even1)),
                    shift_right(subtract(even0, even1)),
                )
            };
            let pair = |a, b| [low_words(a, b), high_words(a, b)];
            let half = every_pair(1 << (SHIFT - 1));
            let half = [half, half];
            let evens = pair(even2, even3);
            let out2 = narrow::<SHIFT>(
                dot(evens, factor::C6, factor::C6 + factor::C2_MINUS_C6),
                half,
            );
            let out6 = narrow::<SHIFT>(
                dot(evens, factor::C6 - factor::C2_PLUS_C6, factor::C6),
                half,
            );
            let both = pair(add(four, six), add(five, seven));
            let z = dot(both, factor::C3 - factor::EVEN, factor::C3);
            let w = dot(both, factor::C3, factor::C3 - factor::ODD);
            let z = [add_long(z[0], half[0]), add_long(z[1], half[1])];
            let w = [add_long(w[0], half[0]), add_long(w[1], half[1])];
            let outer = pair(four, seven);
            let inner = pair(five, six);
            let out1 = narrow::<SHIFT>(
                dot(outer, -factor::OUTER, factor::SEVENTH - factor::OUTER),
                w,
            );
            let out3 =
                narrow::<SHIFT>(dot(inner, -factor::INNER, factor::SIXTH - factor::INNER), z);
            let out5 =
                narrow::<SHIFT>(dot(inner, factor::FIFTH - factor::INNER, -factor::INNER), w);
            let out7 = narrow::<SHIFT>(
                dot(outer, factor::FOURTH - factor::OUTER, -factor::OUTER),
                z,
            );
            [out0, out1, out2, out3, out4, out5, out6, out7]
        }

        /// Both passes and the quantisation: samples less 128 in, coefficients out.
        #[target_feature(enable = $features)]
        #[inline]
        fn coefficients(samples: [$vector; 8], quantiser: &Quantiser) -> [$vector; 8] {
            let once = pass::<true, { FRACTION - KEPT }>(transpose(samples));
            let mut twice = pass::<false, { FRACTION + KEPT }>(transpose(once));
            let tables = quantiser
                .bias
                .iter()
                .zip(&quantiser.reciprocal)
                .zip(&quantiser.scale);
            for (row, ((bias, reciprocal), scale)) in twice.iter_mut().zip(tables) {
                let magnitude = add(absolute(*row), every_lane(bias));
                let quotient = multiply_high(magnitude, every_lane(reciprocal));
                // Signed, which changes nothing, since both are below 2^15: the compiler sees through two unsigned
                // ones in a row and makes slower 32-bit products of them.
                *row = with_sign(multiply_high_signed(quotient, every_lane(scale)), *row);
            }
            twice
        }
    };
}

mod avx2;
mod avx512;
mod symbols;

pub(super) use symbols::block;

/// Rows of samples, 32 at a time.
type Rows<'a> = [&'a [[u8; 32]]; 8];

#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(super) fn transform_avx2(rows: Rows<'_>, quantiser: &Quantiser, groups: &mut [Group]) {
    // SAFETY: only called for `Cpu::Avx2`, which says that the processor has AVX2.
    unsafe { avx2::transform(rows, quantiser, groups) }
}

#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(super) fn transform_avx512(rows: Rows<'_>, quantiser: &Quantiser, groups: &mut [Group]) {
    // SAFETY: only called for `Cpu::Avx512`, which says that the processor has AVX-512 F, BW, DQ, VL and VBMI.
    unsafe { avx512::transform(rows, quantiser, groups) }
}

/// Eight words as a vector.
#[expect(unsafe_code, reason = "a load")]
#[target_feature(enable = "sse2")]
#[inline]
fn load_words(words: &[u16; 8]) -> __m128i {
    // SAFETY: the reference is good for 16 bytes, and the load needs no alignment.
    unsafe { _mm_loadu_si128(words.as_ptr().cast()) }
}

/// Sixteen bytes as a vector.
#[expect(unsafe_code, reason = "a load")]
#[target_feature(enable = "sse2")]
#[inline]
fn load_bytes(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: the reference is good for 16 bytes, and the load needs no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// Sixty-four bytes as a vector.
#[expect(unsafe_code, reason = "a load")]
#[target_feature(enable = "avx512f")]
#[inline]
fn load_bytes64(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: the reference is good for 64 bytes, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

/// Thirty-two words as a vector.
#[expect(unsafe_code, reason = "a load")]
#[target_feature(enable = "avx512f")]
#[inline]
fn load_words32(words: &[i16; 32]) -> __m512i {
    // SAFETY: the reference is good for 64 bytes, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}
