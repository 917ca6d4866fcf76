//! The Hadamard transforms of squares of eight with AVX2 and AVX-512.
//!
//! A vector holds a row of each of several neighbouring squares, one to each 128-bit lane, so that transposing is the
//! same few instructions in every lane and everything else goes element by element.

use core::arch::x86_64::{
    __m256i, _mm_add_epi16, _mm_setr_epi32, _mm_sub_epi16, _mm_unpackhi_epi64, _mm_unpacklo_epi64,
    _mm256_abs_epi32, _mm256_add_epi32, _mm256_castsi256_si128, _mm256_cvtepu8_epi16,
    _mm256_extracti128_si256, _mm256_madd_epi16, _mm256_max_epi32, _mm256_set_m128i,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_shuffle_epi32,
    _mm256_sub_epi16,
};

/// The transforms for a vector whose operations are in scope under short names.
macro_rules! hadamard {
    ($features:literal, $vector:ty, $squares:literal) => {
        /// Sums and differences.
        #[target_feature(enable = $features)]
        #[inline]
        fn meet(a: $vector, b: $vector) -> [$vector; 2] {
            [add(a, b), subtract(a, b)]
        }

        /// Four sums and differences of lines two apart, of lines one apart.
        #[target_feature(enable = $features)]
        #[inline]
        fn four([a, b, c, d]: [$vector; 4]) -> [$vector; 4] {
            let ([a, b], [c, d]) = (meet(a, b), meet(c, d));
            let ([a, c], [b, d]) = (meet(a, c), meet(b, d));
            [a, b, c, d]
        }

        /// Half the sum of the magnitudes of each square's transform, over the four longs of its 128-bit lane.
        #[target_feature(enable = $features)]
        #[inline]
        pub(crate) fn square(rows: [$vector; 8]) -> $vector {
            let [a, b, c, d, e, f, g, h] = rows;
            let ([a, b, c, d], [e, f, g, h]) = (four([a, b, c, d]), four([e, f, g, h]));
            let ([a, e], [b, f]) = (meet(a, e), meet(b, f));
            let ([c, g], [d, h]) = (meet(c, g), meet(d, h));

            let (ab_low, ab_high) = (low_words(a, b), high_words(a, b));
            let (cd_low, cd_high) = (low_words(c, d), high_words(c, d));
            let (ef_low, ef_high) = (low_words(e, f), high_words(e, f));
            let (gh_low, gh_high) = (low_words(g, h), high_words(g, h));
            let (top0, top1) = (low_pairs(ab_low, cd_low), high_pairs(ab_low, cd_low));
            let (top2, top3) = (low_pairs(ab_high, cd_high), high_pairs(ab_high, cd_high));
            let (low0, low1) = (low_pairs(ef_low, gh_low), high_pairs(ef_low, gh_low));
            let (low2, low3) = (low_pairs(ef_high, gh_high), high_pairs(ef_high, gh_high));
            let first = four([
                low_fours(top0, low0),
                high_fours(top0, low0),
                low_fours(top1, low1),
                high_fours(top1, low1),
            ]);
            let second = four([
                low_fours(top2, low2),
                high_fours(top2, low2),
                low_fours(top3, low3),
                high_fours(top3, low3),
            ]);
            // The magnitudes of a sum and of a difference add up to twice the larger magnitude. The larger ones are below
            // 8192: four of them fit sixteen bits.
            let mut larger = zero();
            for (a, b) in first.into_iter().zip(second) {
                larger = add(larger, maximum(absolute(a), absolute(b)));
            }
            pairs(larger)
        }

        /// Half the sum of the magnitudes of all squares.
        #[target_feature(enable = $features)]
        pub(super) fn magnitudes(source: &[u8], prediction: &[u8], width: usize) -> u32 {
            let mut sums = zero();
            let bands = source.chunks_exact(8 * width);
            for (source, prediction) in bands.zip(prediction.chunks_exact(8 * width)) {
                for column in 0..width / (8 * $squares) {
                    let mut rows = [zero(); 8];
                    let lines = source
                        .chunks_exact(width)
                        .zip(prediction.chunks_exact(width));
                    for (row, (source, prediction)) in rows.iter_mut().zip(lines) {
                        let source = &source.as_chunks().0[column];
                        let prediction = &prediction.as_chunks().0[column];
                        *row = subtract(load(source), load(prediction));
                    }
                    sums = add_long(sums, square(rows));
                }
            }
            total(sums)
        }
    };
}

/// A square at a time.
mod one {
    use core::arch::x86_64::{
        __m128i, _mm_abs_epi16 as absolute, _mm_add_epi16 as add, _mm_add_epi32 as add_long,
        _mm_cvtepu8_epi16, _mm_cvtsi64_si128, _mm_cvtsi128_si32, _mm_madd_epi16,
        _mm_max_epi16 as maximum, _mm_set1_epi16, _mm_setzero_si128 as zero, _mm_shuffle_epi32,
        _mm_sub_epi16 as subtract, _mm_unpackhi_epi16 as high_words,
        _mm_unpackhi_epi32 as high_pairs, _mm_unpackhi_epi64 as high_fours,
        _mm_unpacklo_epi16 as low_words, _mm_unpacklo_epi32 as low_pairs,
        _mm_unpacklo_epi64 as low_fours,
    };

    hadamard!("avx2", __m128i, 1);

    #[target_feature(enable = "avx2")]
    #[inline]
    fn pairs(words: __m128i) -> __m128i {
        _mm_madd_epi16(words, _mm_set1_epi16(1))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as for wider vectors")]
    fn load(samples: &[u8; 8]) -> __m128i {
        _mm_cvtepu8_epi16(_mm_cvtsi64_si128(i64::from_ne_bytes(*samples)))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn total(longs: __m128i) -> u32 {
        let halves = add_long(longs, high_fours(longs, longs));
        let whole = add_long(halves, _mm_shuffle_epi32::<0b01>(halves));
        _mm_cvtsi128_si32(whole).cast_unsigned()
    }
}

/// Two squares at a time.
pub(crate) mod two {
    use core::arch::x86_64::{
        __m256i, _mm_add_epi32, _mm_cvtsi128_si32, _mm_loadu_si128, _mm_shuffle_epi32,
        _mm256_abs_epi16 as absolute, _mm256_add_epi16 as add, _mm256_add_epi32 as add_long,
        _mm256_castsi256_si128, _mm256_cvtepu8_epi16, _mm256_extracti128_si256, _mm256_madd_epi16,
        _mm256_max_epi16 as maximum, _mm256_set1_epi16, _mm256_setzero_si256 as zero,
        _mm256_sub_epi16 as subtract, _mm256_unpackhi_epi16 as high_words,
        _mm256_unpackhi_epi32 as high_pairs, _mm256_unpackhi_epi64 as high_fours,
        _mm256_unpacklo_epi16 as low_words, _mm256_unpacklo_epi32 as low_pairs,
        _mm256_unpacklo_epi64 as low_fours,
    };

    hadamard!("avx2", __m256i, 2);

    #[target_feature(enable = "avx2")]
    #[inline]
    fn pairs(words: __m256i) -> __m256i {
        _mm256_madd_epi16(words, _mm256_set1_epi16(1))
    }

    #[expect(unsafe_code, reason = "a load")]
    #[target_feature(enable = "avx2")]
    #[inline]
    fn load(samples: &[u8; 16]) -> __m256i {
        // SAFETY: the reference is good for 16 bytes, and the load needs no alignment.
        _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(samples.as_ptr().cast()) })
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    pub(super) fn total(longs: __m256i) -> u32 {
        let fours = _mm_add_epi32(
            _mm256_castsi256_si128(longs),
            _mm256_extracti128_si256::<1>(longs),
        );
        let twos = _mm_add_epi32(fours, _mm_shuffle_epi32::<0b11_10>(fours));
        let whole = _mm_add_epi32(twos, _mm_shuffle_epi32::<0b01>(twos));
        _mm_cvtsi128_si32(whole).cast_unsigned()
    }
}

/// Four squares at a time.
mod four {
    use core::arch::x86_64::{
        __m512i, _mm256_loadu_si256, _mm512_abs_epi16 as absolute, _mm512_add_epi16 as add,
        _mm512_add_epi32 as add_long, _mm512_cvtepu8_epi16, _mm512_madd_epi16,
        _mm512_max_epi16 as maximum, _mm512_reduce_add_epi32, _mm512_set1_epi16,
        _mm512_setzero_si512 as zero, _mm512_sub_epi16 as subtract,
        _mm512_unpackhi_epi16 as high_words, _mm512_unpackhi_epi32 as high_pairs,
        _mm512_unpackhi_epi64 as high_fours, _mm512_unpacklo_epi16 as low_words,
        _mm512_unpacklo_epi32 as low_pairs, _mm512_unpacklo_epi64 as low_fours,
    };

    hadamard!("avx512f,avx512bw,avx512vl", __m512i, 4);

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn pairs(words: __m512i) -> __m512i {
        _mm512_madd_epi16(words, _mm512_set1_epi16(1))
    }

    #[expect(unsafe_code, reason = "a load")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn load(samples: &[u8; 32]) -> __m512i {
        // SAFETY: the reference is good for 32 bytes, and the load needs no alignment.
        _mm512_cvtepu8_epi16(unsafe { _mm256_loadu_si256(samples.as_ptr().cast()) })
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    pub(super) fn total(longs: __m512i) -> u32 {
        _mm512_reduce_add_epi32(longs).cast_unsigned()
    }
}

/// The sum of the magnitudes of a square of four, over eight longs: its four rows, of words, one after the other.
#[target_feature(enable = "avx2")]
#[inline]
pub(crate) fn square_of_four(rows: __m256i) -> __m256i {
    let (upper, lower) = (
        _mm256_castsi256_si128(rows),
        _mm256_extracti128_si256::<1>(rows),
    );
    let (sum, difference) = (_mm_add_epi16(upper, lower), _mm_sub_epi16(upper, lower));
    let even = _mm_unpacklo_epi64(sum, difference);
    let odd = _mm_unpackhi_epi64(sum, difference);
    let rows = _mm256_set_m128i(_mm_sub_epi16(even, odd), _mm_add_epi16(even, odd));
    // Sums and differences of neighbours; of those, the larger magnitude, in both of its places: see above.
    let sums = _mm256_madd_epi16(rows, _mm256_set1_epi16(1));
    let differences = _mm256_madd_epi16(rows, _mm256_set1_epi32(0xffff_0001_u32.cast_signed()));
    let larger = |longs| {
        let longs = _mm256_abs_epi32(longs);
        _mm256_max_epi32(longs, _mm256_shuffle_epi32::<0b10_11_00_01>(longs))
    };
    _mm256_add_epi32(larger(sums), larger(differences))
}

/// The magnitudes of squares of four, four times as large as orthonormal.
#[target_feature(enable = "avx2")]
fn fours(source: &[u8], prediction: &[u8], width: usize) -> u32 {
    let words = |rows: &[u8], column: usize| {
        let mut lines = rows.chunks_exact(width).map(|row| {
            let four = row.as_chunks().0.get(column).copied().unwrap_or([0; 4]);
            i32::from_le_bytes(four)
        });
        let mut next = || lines.next().unwrap_or(0);
        let (a, b, c, d) = (next(), next(), next(), next());
        _mm256_cvtepu8_epi16(_mm_setr_epi32(a, b, c, d))
    };
    let mut sums = _mm256_setzero_si256();
    let bands = source.chunks_exact(4 * width);
    for (source, prediction) in bands.zip(prediction.chunks_exact(4 * width)) {
        for column in 0..width / 4 {
            let difference = _mm256_sub_epi16(words(source, column), words(prediction, column));
            sums = _mm256_add_epi32(sums, square_of_four(difference));
        }
    }
    two::total(sums)
}

/// The magnitudes of squares of four, four times as large as orthonormal.
#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(in super::super) fn fours_avx2(source: &[u8], prediction: &[u8], width: usize) -> u32 {
    // SAFETY: only called for a `Cpu` that says that the processor has AVX2.
    unsafe { fours(source, prediction, width) }
}

/// The magnitudes of squares of eight, eight times as large as orthonormal.
#[expect(unsafe_code, reason = "calls functions for a detected processor")]
pub(in super::super) fn hadamard_avx2(source: &[u8], prediction: &[u8], width: usize) -> u32 {
    // SAFETY: only called for `Cpu::Avx2`, which says that the processor has AVX2.
    2 * unsafe {
        match width {
            8 => one::magnitudes(source, prediction, width),
            _ => two::magnitudes(source, prediction, width),
        }
    }
}

/// The magnitudes of squares of eight, eight times as large as orthonormal.
#[expect(unsafe_code, reason = "calls functions for a detected processor")]
pub(in super::super) fn hadamard_avx512(source: &[u8], prediction: &[u8], width: usize) -> u32 {
    // SAFETY: only called for `Cpu::Avx512`, which says that the processor has AVX2 and AVX-512 F, BW and VL.
    2 * unsafe {
        match width {
            8 => one::magnitudes(source, prediction, width),
            16 => two::magnitudes(source, prediction, width),
            _ => four::magnitudes(source, prediction, width),
        }
    }
}
