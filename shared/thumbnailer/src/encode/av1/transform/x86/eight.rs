//! The transforms of blocks whose sides are eight samples or more, eight lines at a time.

use core::arch::x86_64::{
    __m256i, _mm_cvtsi32_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_packus_epi16,
    _mm_packus_epi32, _mm256_add_epi32 as add, _mm256_castsi256_si128, _mm256_cvtepi16_epi32,
    _mm256_cvtepu8_epi32, _mm256_extracti128_si256, _mm256_max_epi32, _mm256_min_epi32,
    _mm256_mullo_epi32 as multiply, _mm256_permute2x128_si256, _mm256_set1_epi32 as every,
    _mm256_sll_epi32, _mm256_sra_epi32, _mm256_sub_epi32 as subtract, _mm256_unpackhi_epi32,
    _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
};

use super::super::portable;
use super::super::{
    COLUMN_SHIFT, FORWARD_BITS, FRACTION, HALF_ROOT, Kind, Line, ROOT, SINES, Size, TWICE_ROOT,
    adst_place, between_shift, coded, cosine, dc_alone, forward_shift, reversed, row_shift, sine,
};
use super::{load_eight as load, load_eight_words, store_eight as store};

/// Lanes.
const L: usize = 8;

kernel!(
    #[target_feature(enable = "avx2")]
    __m256i
);

entries! {
    #[target_feature(enable = "avx2")]
    S8x8: 8 x 8,
    S16x16: 16 x 16,
    S32x32: 32 x 32,
    S64x64: 64 x 64,
    S8x16: 8 x 16,
    S16x8: 16 x 8,
    S16x32: 16 x 32,
    S32x16: 32 x 16,
    S32x64: 32 x 64,
    S64x32: 64 x 32,
    ; portable
}

#[target_feature(enable = "avx2")]
#[inline]
fn negate(a: __m256i) -> __m256i {
    subtract(every(0), a)
}

#[target_feature(enable = "avx2")]
#[inline]
fn shift_left<const BITS: u32>(a: __m256i) -> __m256i {
    _mm256_sll_epi32(a, _mm_cvtsi32_si128(BITS.cast_signed()))
}

#[target_feature(enable = "avx2")]
#[inline]
fn shift_right<const BITS: u32>(a: __m256i) -> __m256i {
    shift_right_by(a, BITS)
}

#[target_feature(enable = "avx2")]
#[inline]
fn shift_right_by(a: __m256i, bits: u32) -> __m256i {
    _mm256_sra_epi32(a, _mm_cvtsi32_si128(bits.cast_signed()))
}

#[target_feature(enable = "avx2")]
#[inline]
fn clamp(a: __m256i) -> __m256i {
    _mm256_min_epi32(
        _mm256_max_epi32(a, every(i16::MIN.into())),
        every(i16::MAX.into()),
    )
}

#[target_feature(enable = "avx2")]
#[inline]
#[expect(clippy::many_single_char_names, reason = "rows of a square")]
fn transpose(rows: [__m256i; L]) -> [__m256i; L] {
    let [a, b, c, d, e, f, g, h] = rows;
    let halves = |low, high| {
        [
            _mm256_permute2x128_si256::<0x20>(low, high),
            _mm256_permute2x128_si256::<0x31>(low, high),
        ]
    };
    let fours = |a, b, c, d| {
        let (ab_low, ab_high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let (cd_low, cd_high) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
        [
            _mm256_unpacklo_epi64(ab_low, cd_low),
            _mm256_unpackhi_epi64(ab_low, cd_low),
            _mm256_unpacklo_epi64(ab_high, cd_high),
            _mm256_unpackhi_epi64(ab_high, cd_high),
        ]
    };
    let (top, bottom) = (fours(a, b, c, d), fours(e, f, g, h));
    let [zero, four] = halves(top[0], bottom[0]);
    let [one, five] = halves(top[1], bottom[1]);
    let [two, six] = halves(top[2], bottom[2]);
    let [three, seven] = halves(top[3], bottom[3]);
    [zero, one, two, three, four, five, six, seven]
}

#[target_feature(enable = "avx2")]
#[inline]
fn load_words(from: &[i16; L]) -> __m256i {
    _mm256_cvtepi16_epi32(load_eight_words(from))
}

#[target_feature(enable = "avx2")]
#[inline]
fn add_to_samples(a: __m256i, samples: &mut [u8; L]) {
    let before = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(i64::from_ne_bytes(*samples)));
    let sum = add(before, a);
    let words = _mm_packus_epi32(
        _mm256_castsi256_si128(sum),
        _mm256_extracti128_si256::<1>(sum),
    );
    *samples = _mm_cvtsi128_si64(_mm_packus_epi16(words, words)).to_ne_bytes();
}
