//! The transforms of blocks whose sides are sixteen samples or more, sixteen lines at a time.

use core::arch::x86_64::{
    __m512i, _mm_cvtsi32_si128, _mm512_add_epi32 as add, _mm512_cvtepi16_epi32,
    _mm512_cvtepu8_epi32, _mm512_cvtusepi32_epi8, _mm512_max_epi32, _mm512_min_epi32,
    _mm512_mullo_epi32 as multiply, _mm512_set1_epi32 as every, _mm512_shuffle_i32x4,
    _mm512_sll_epi32, _mm512_sra_epi32, _mm512_sub_epi32 as subtract, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use super::super::{
    COLUMN_SHIFT, FORWARD_BITS, FRACTION, HALF_ROOT, Kind, Line, ROOT, SINES, Size, TWICE_ROOT,
    adst_place, between_shift, coded, cosine, dc_alone, forward_shift, reversed, row_shift, sine,
};
use super::{
    four, load_bytes, load_sixteen as load, load_sixteen_words, store_bytes, store_sixteen as store,
};

/// Lanes.
const L: usize = 16;

kernel!(
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    __m512i
);

entries! {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    S16x16: 16 x 16,
    S32x32: 32 x 32,
    S64x64: 64 x 64,
    S16x32: 16 x 32,
    S32x16: 32 x 16,
    S32x64: 32 x 64,
    S64x32: 64 x 32,
    ; four
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn negate(a: __m512i) -> __m512i {
    subtract(every(0), a)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn shift_left<const BITS: u32>(a: __m512i) -> __m512i {
    _mm512_sll_epi32(a, _mm_cvtsi32_si128(BITS.cast_signed()))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn shift_right<const BITS: u32>(a: __m512i) -> __m512i {
    shift_right_by(a, BITS)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn shift_right_by(a: __m512i, bits: u32) -> __m512i {
    _mm512_sra_epi32(a, _mm_cvtsi32_si128(bits.cast_signed()))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn clamp(a: __m512i) -> __m512i {
    _mm512_min_epi32(
        _mm512_max_epi32(a, every(i16::MIN.into())),
        every(i16::MAX.into()),
    )
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
#[expect(
    clippy::large_types_passed_by_value,
    reason = "registers, once inlined"
)]
fn transpose(rows: [__m512i; L]) -> [__m512i; L] {
    // Squares of four within each 128-bit lane, then the lanes as a square of four.
    let mut squares = [[every(0); 4]; 4];
    for (square, rows) in squares.iter_mut().zip(rows.as_chunks::<4>().0) {
        let [a, b, c, d] = *rows;
        let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        *square = [
            _mm512_unpacklo_epi64(ab_low, cd_low),
            _mm512_unpackhi_epi64(ab_low, cd_low),
            _mm512_unpacklo_epi64(ab_high, cd_high),
            _mm512_unpackhi_epi64(ab_high, cd_high),
        ];
    }
    let mut out = [every(0); L];
    for place in 0..4 {
        let [a, b, c, d] = squares.map(|square| square[place]);
        let (even_ab, odd_ab) = (
            _mm512_shuffle_i32x4::<0b10_00_10_00>(a, b),
            _mm512_shuffle_i32x4::<0b11_01_11_01>(a, b),
        );
        let (even_cd, odd_cd) = (
            _mm512_shuffle_i32x4::<0b10_00_10_00>(c, d),
            _mm512_shuffle_i32x4::<0b11_01_11_01>(c, d),
        );
        out[place] = _mm512_shuffle_i32x4::<0b10_00_10_00>(even_ab, even_cd);
        out[4 + place] = _mm512_shuffle_i32x4::<0b10_00_10_00>(odd_ab, odd_cd);
        out[8 + place] = _mm512_shuffle_i32x4::<0b11_01_11_01>(even_ab, even_cd);
        out[12 + place] = _mm512_shuffle_i32x4::<0b11_01_11_01>(odd_ab, odd_cd);
    }
    out
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn load_words(from: &[i16; L]) -> __m512i {
    _mm512_cvtepi16_epi32(load_sixteen_words(from))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn add_to_samples(a: __m512i, samples: &mut [u8; L]) {
    let sum = add(_mm512_cvtepu8_epi32(load_bytes(samples)), a);
    let sum = _mm512_max_epi32(sum, every(0));
    store_bytes(_mm512_cvtusepi32_epi8(sum), samples);
}
