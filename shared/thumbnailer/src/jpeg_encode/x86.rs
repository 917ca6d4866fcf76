//! The forward transform with AVX2 (two blocks at once) and AVX-512 (four).
//!
//! A vector holds one row of samples or coefficients of neighbouring blocks, eight to each 128-bit lane, so that
//! transposing is the same few instructions in every lane and everything else goes element by element.

use core::arch::x86_64::{__m128i, _mm_loadu_si128};

use super::forward::{FRACTION, Group, KEPT, factor};
use super::quantise::{Quantiser, ZIGZAG};

/// Rows of samples, 32 at a time.
type Rows<'a> = [&'a [[u8; 32]]; 8];

#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(super) fn transform_avx2(rows: Rows<'_>, quantiser: &Quantiser, groups: &mut [Group]) {
    // SAFETY: only called for `Cpu::Avx2`, which says that the processor has AVX2.
    unsafe { two::transform(rows, quantiser, groups) }
}

#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(super) fn transform_avx512(rows: Rows<'_>, quantiser: &Quantiser, groups: &mut [Group]) {
    // SAFETY: only called for `Cpu::Avx512`, which says that the processor has AVX-512 F, BW, DQ, VL and VBMI.
    unsafe { four::transform(rows, quantiser, groups) }
}

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
                let magnitude = halve(add(absolute(*row), every_lane(bias)));
                let quotient = multiply_high(magnitude, every_lane(reciprocal));
                *row = with_sign(multiply_high(quotient, every_lane(scale)), *row);
            }
            twice
        }
    };
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

/// Two blocks at a time, with AVX2.
mod two {
    use core::arch::x86_64::{
        __m256i, _mm_cvtsi32_si128, _mm256_abs_epi16 as absolute, _mm256_add_epi16 as add,
        _mm256_add_epi32 as add_long, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
        _mm256_cvtepu8_epi16, _mm256_madd_epi16 as multiply_add, _mm256_movemask_epi8,
        _mm256_mulhi_epu16 as multiply_high, _mm256_or_si256, _mm256_packs_epi16 as pack_words,
        _mm256_packs_epi32 as pack_longs, _mm256_set1_epi16 as every_word,
        _mm256_set1_epi32 as every_pair, _mm256_setzero_si256, _mm256_shuffle_epi8,
        _mm256_sign_epi16 as with_sign, _mm256_slli_epi16, _mm256_sra_epi32, _mm256_srai_epi16,
        _mm256_srli_epi16, _mm256_storeu_si256, _mm256_sub_epi16 as subtract,
        _mm256_unpackhi_epi16 as high_words, _mm256_unpackhi_epi32 as high_pairs,
        _mm256_unpackhi_epi64 as high_fours, _mm256_unpacklo_epi16 as low_words,
        _mm256_unpacklo_epi32 as low_pairs, _mm256_unpacklo_epi64 as low_fours,
    };

    use super::{FRACTION, Group, KEPT, Quantiser, Rows, ZIGZAG, factor, load_bytes, load_words};

    kernel!("avx2", __m256i);

    #[target_feature(enable = "avx2")]
    #[inline]
    fn shift_long<const SHIFT: u32>(vector: __m256i) -> __m256i {
        _mm256_sra_epi32(vector, _mm_cvtsi32_si128(SHIFT.cast_signed()))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn shift_left(vector: __m256i) -> __m256i {
        _mm256_slli_epi16::<{ KEPT.cast_signed() }>(vector)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn shift_right(vector: __m256i) -> __m256i {
        _mm256_srai_epi16::<{ KEPT.cast_signed() }>(vector)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn halve(vector: __m256i) -> __m256i {
        _mm256_srli_epi16::<1>(vector)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn every_lane(words: &[u16; 8]) -> __m256i {
        _mm256_broadcastsi128_si256(load_words(words))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    #[expect(unsafe_code, reason = "a store")]
    fn store(vector: __m256i, words: &mut [i16; 16]) {
        // SAFETY: the reference is good for 32 bytes, and the store needs no alignment.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), vector) }
    }

    /// For each sixteen places of the zig-zag order and each pair of rows, which byte of the pair goes there.
    static ORDER: [[[u8; 16]; 4]; 4] = order();

    const fn order() -> [[[u8; 16]; 4]; 4] {
        // An index with the top bit gives zero.
        let mut order = [[[0x80; 16]; 4]; 4];
        let mut place = 0;
        while place < 64 {
            let natural = ZIGZAG[place];
            order[place / 16][(natural / 16) as usize][place % 16] = natural % 16;
            place += 1;
        }
        order
    }

    /// Which coefficients of either block are not zero, in zig-zag order.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn nonzero(rows: &[__m256i; 8]) -> [u64; 2] {
        let pairs = [
            pack_words(rows[0], rows[1]),
            pack_words(rows[2], rows[3]),
            pack_words(rows[4], rows[5]),
            pack_words(rows[6], rows[7]),
        ];
        let mut blocks = [0; 2];
        for (index, order) in ORDER.iter().enumerate() {
            let mut sixteen = _mm256_setzero_si256();
            for (pair, order) in pairs.iter().zip(order) {
                let order = _mm256_broadcastsi128_si256(load_bytes(order));
                sixteen = _mm256_or_si256(sixteen, _mm256_shuffle_epi8(*pair, order));
            }
            let zero = _mm256_cmpeq_epi8(sixteen, _mm256_setzero_si256());
            let bits = !_mm256_movemask_epi8(zero).cast_unsigned();
            blocks[0] |= u64::from(bits & 0xffff) << (16 * index);
            blocks[1] |= u64::from(bits >> 16) << (16 * index);
        }
        blocks
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn transform(rows: Rows<'_>, quantiser: &Quantiser, groups: &mut [Group]) {
        for (index, group) in groups.iter_mut().enumerate() {
            let mut samples = [[_mm256_setzero_si256(); 2]; 8];
            for (samples, row) in samples.iter_mut().zip(rows) {
                if let Some(row) = row.get(index) {
                    let (halves, _) = row.as_chunks();
                    for (samples, half) in samples.iter_mut().zip(halves) {
                        *samples =
                            subtract(_mm256_cvtepu8_epi16(load_bytes(half)), every_word(128));
                    }
                }
            }
            for half in 0..2 {
                let rows = coefficients(samples.map(|row| row[half]), quantiser);
                let (places, _) = group.coefficients.as_chunks_mut();
                for (row, place) in rows
                    .into_iter()
                    .zip(places.iter_mut().skip(half).step_by(2))
                {
                    store(row, place);
                }
                let (masks, _) = group.nonzero.as_chunks_mut();
                masks[half] = nonzero(&rows);
            }
        }
    }
}

/// Four blocks at a time, with AVX-512.
mod four {
    use core::arch::x86_64::{
        __m256i, __m512i, _mm_cvtsi32_si128, _mm256_loadu_si256, _mm512_abs_epi16 as absolute,
        _mm512_add_epi16 as add, _mm512_add_epi32 as add_long, _mm512_broadcast_i32x4,
        _mm512_cvtepu8_epi16, _mm512_loadu_si512, _mm512_madd_epi16 as multiply_add,
        _mm512_mask_sub_epi16, _mm512_movepi16_mask, _mm512_mulhi_epu16 as multiply_high,
        _mm512_packs_epi16 as pack_words, _mm512_packs_epi32 as pack_longs,
        _mm512_permutexvar_epi8, _mm512_set1_epi16 as every_word, _mm512_set1_epi32 as every_pair,
        _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_slli_epi16, _mm512_sra_epi32,
        _mm512_srai_epi16, _mm512_srli_epi16, _mm512_storeu_si512, _mm512_sub_epi16 as subtract,
        _mm512_test_epi8_mask, _mm512_unpackhi_epi16 as high_words,
        _mm512_unpackhi_epi32 as high_pairs, _mm512_unpackhi_epi64 as high_fours,
        _mm512_unpacklo_epi16 as low_words, _mm512_unpacklo_epi32 as low_pairs,
        _mm512_unpacklo_epi64 as low_fours,
    };

    use super::{FRACTION, Group, KEPT, Quantiser, Rows, ZIGZAG, factor, load_words};

    kernel!("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi", __m512i);

    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn shift_long<const SHIFT: u32>(vector: __m512i) -> __m512i {
        _mm512_sra_epi32(vector, _mm_cvtsi32_si128(SHIFT.cast_signed()))
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn shift_left(vector: __m512i) -> __m512i {
        _mm512_slli_epi16::<KEPT>(vector)
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn shift_right(vector: __m512i) -> __m512i {
        _mm512_srai_epi16::<KEPT>(vector)
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn halve(vector: __m512i) -> __m512i {
        _mm512_srli_epi16::<1>(vector)
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn with_sign(magnitude: __m512i, sign: __m512i) -> __m512i {
        let negative = _mm512_movepi16_mask(sign);
        _mm512_mask_sub_epi16(magnitude, negative, _mm512_setzero_si512(), magnitude)
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn every_lane(words: &[u16; 8]) -> __m512i {
        _mm512_broadcast_i32x4(load_words(words))
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    #[expect(unsafe_code, reason = "a load")]
    fn load_row(bytes: &[u8; 32]) -> __m256i {
        // SAFETY: the reference is good for 32 bytes, and the load needs no alignment.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    #[expect(unsafe_code, reason = "a load")]
    fn load_order(bytes: &[u8; 64]) -> __m512i {
        // SAFETY: the reference is good for 64 bytes, and the load needs no alignment.
        unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    #[expect(unsafe_code, reason = "a store")]
    fn store(vector: __m512i, words: &mut [i16; 32]) {
        // SAFETY: the reference is good for 64 bytes, and the store needs no alignment.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) }
    }

    /// Which coefficients of each block are not zero, in zig-zag order.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
    #[inline]
    fn nonzero(rows: &[__m512i; 8]) -> [u64; 4] {
        let (top0, top1) = (pack_words(rows[0], rows[1]), pack_words(rows[2], rows[3]));
        let (bottom0, bottom1) = (pack_words(rows[4], rows[5]), pack_words(rows[6], rows[7]));
        // From two rows of four blocks in a vector to the eight rows of one.
        let (top01, top23) = (
            _mm512_shuffle_i32x4::<0x44>(top0, top1),
            _mm512_shuffle_i32x4::<0xee>(top0, top1),
        );
        let (bottom01, bottom23) = (
            _mm512_shuffle_i32x4::<0x44>(bottom0, bottom1),
            _mm512_shuffle_i32x4::<0xee>(bottom0, bottom1),
        );
        let blocks = [
            _mm512_shuffle_i32x4::<0x88>(top01, bottom01),
            _mm512_shuffle_i32x4::<0xdd>(top01, bottom01),
            _mm512_shuffle_i32x4::<0x88>(top23, bottom23),
            _mm512_shuffle_i32x4::<0xdd>(top23, bottom23),
        ];
        let order = load_order(&ZIGZAG);
        let mut masks = [0; 4];
        for (mask, block) in masks.iter_mut().zip(blocks) {
            let ordered = _mm512_permutexvar_epi8(order, block);
            *mask = _mm512_test_epi8_mask(ordered, ordered);
        }
        masks
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
    pub(super) fn transform(rows: Rows<'_>, quantiser: &Quantiser, groups: &mut [Group]) {
        for (index, group) in groups.iter_mut().enumerate() {
            let mut samples = [_mm512_setzero_si512(); 8];
            for (samples, row) in samples.iter_mut().zip(rows) {
                if let Some(row) = row.get(index) {
                    *samples = subtract(_mm512_cvtepu8_epi16(load_row(row)), every_word(128));
                }
            }
            let rows = coefficients(samples, quantiser);
            let (places, _) = group.coefficients.as_chunks_mut();
            for (row, place) in rows.into_iter().zip(places) {
                store(row, place);
            }
            group.nonzero = nonzero(&rows);
        }
    }
}
