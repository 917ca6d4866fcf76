//! The transforms of blocks with a side of four samples, four lines at a time.

use core::arch::x86_64::{
    __m128i, _mm_add_epi32 as add, _mm_cvtepi16_epi32, _mm_cvtepu8_epi32, _mm_cvtsi32_si128,
    _mm_cvtsi64_si128, _mm_cvtsi128_si32, _mm_max_epi32, _mm_min_epi32,
    _mm_mullo_epi32 as multiply, _mm_packus_epi16, _mm_packus_epi32, _mm_set1_epi32 as every,
    _mm_sll_epi32, _mm_sra_epi32, _mm_sub_epi32 as subtract, _mm_unpackhi_epi32,
    _mm_unpackhi_epi64, _mm_unpacklo_epi32, _mm_unpacklo_epi64,
};

use super::super::{
    COLUMN_SHIFT, FORWARD_BITS, FRACTION, HALF_ROOT, Kind, Line, ROOT, SINES, Size, TWICE_ROOT,
    adst_place, between_shift, coded, cosine, dc_alone, forward_shift, reversed, row_shift, sine,
};
use super::{eight, load_four as load, store_four as store};

/// Lanes.
const L: usize = 4;

kernel!(
    #[target_feature(enable = "avx2")]
    __m128i
);

entries! {
    #[target_feature(enable = "avx2")]
    S4x4: 4 x 4,
    S4x8: 4 x 8,
    S8x4: 8 x 4,
    ; eight
}

#[target_feature(enable = "avx2")]
#[inline]
fn negate(a: __m128i) -> __m128i {
    subtract(every(0), a)
}

#[target_feature(enable = "avx2")]
#[inline]
fn shift_left<const BITS: u32>(a: __m128i) -> __m128i {
    _mm_sll_epi32(a, _mm_cvtsi32_si128(BITS.cast_signed()))
}

#[target_feature(enable = "avx2")]
#[inline]
fn shift_right<const BITS: u32>(a: __m128i) -> __m128i {
    shift_right_by(a, BITS)
}

#[target_feature(enable = "avx2")]
#[inline]
fn shift_right_by(a: __m128i, bits: u32) -> __m128i {
    _mm_sra_epi32(a, _mm_cvtsi32_si128(bits.cast_signed()))
}

#[target_feature(enable = "avx2")]
#[inline]
fn clamp(a: __m128i) -> __m128i {
    _mm_min_epi32(
        _mm_max_epi32(a, every(i16::MIN.into())),
        every(i16::MAX.into()),
    )
}

#[target_feature(enable = "avx2")]
#[inline]
fn transpose(rows: [__m128i; L]) -> [__m128i; L] {
    let [a, b, c, d] = rows;
    let (ab_low, ab_high) = (_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
    let (cd_low, cd_high) = (_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
    [
        _mm_unpacklo_epi64(ab_low, cd_low),
        _mm_unpackhi_epi64(ab_low, cd_low),
        _mm_unpacklo_epi64(ab_high, cd_high),
        _mm_unpackhi_epi64(ab_high, cd_high),
    ]
}

#[target_feature(enable = "avx2")]
#[inline]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "as for wider vectors")]
fn load_words(from: &[i16; L]) -> __m128i {
    let [a, b, c, d] = from.map(|word| u64::from(word.cast_unsigned()));
    let words = a | b << 16 | c << 32 | d << 48;
    _mm_cvtepi16_epi32(_mm_cvtsi64_si128(words.cast_signed()))
}

#[target_feature(enable = "avx2")]
#[inline]
fn add_to_samples(a: __m128i, samples: &mut [u8; L]) {
    let before = _mm_cvtepu8_epi32(_mm_cvtsi32_si128(i32::from_ne_bytes(*samples)));
    let words = _mm_packus_epi32(add(before, a), a);
    *samples = _mm_cvtsi128_si32(_mm_packus_epi16(words, words)).to_ne_bytes();
}
