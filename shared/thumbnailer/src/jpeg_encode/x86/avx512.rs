//! The transform of four blocks at a time, with AVX-512.

use core::arch::x86_64::{
    __m256i, __m512i, _mm_cvtsi32_si128, _mm256_loadu_si256, _mm512_abs_epi16 as absolute,
    _mm512_add_epi16 as add, _mm512_add_epi32 as add_long, _mm512_broadcast_i32x4,
    _mm512_cvtepu8_epi16, _mm512_madd_epi16 as multiply_add, _mm512_mask_sub_epi16,
    _mm512_movepi16_mask, _mm512_mulhi_epi16 as multiply_high_signed,
    _mm512_mulhi_epu16 as multiply_high, _mm512_packs_epi16 as pack_words,
    _mm512_packs_epi32 as pack_longs, _mm512_permutexvar_epi8, _mm512_set1_epi16 as every_word,
    _mm512_set1_epi32 as every_pair, _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_slli_epi16,
    _mm512_sra_epi32, _mm512_srai_epi16, _mm512_storeu_si512, _mm512_sub_epi16 as subtract,
    _mm512_test_epi8_mask, _mm512_unpackhi_epi16 as high_words,
    _mm512_unpackhi_epi32 as high_pairs, _mm512_unpackhi_epi64 as high_fours,
    _mm512_unpacklo_epi16 as low_words, _mm512_unpacklo_epi32 as low_pairs,
    _mm512_unpacklo_epi64 as low_fours,
};

use super::{Rows, load_bytes64, load_words};
use crate::jpeg_encode::forward::{FRACTION, Group, KEPT, factor};
use crate::jpeg_encode::quantise::{Quantiser, ZIGZAG};

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
#[expect(unsafe_code, reason = "a store")]
fn store(vector: __m512i, words: &mut [i16; 32]) {
    // SAFETY: the reference is good for 64 bytes, and the store needs no alignment.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) }
}

/// From four rows of four blocks to the four rows of each.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn part(top: __m512i, second: __m512i, third: __m512i, bottom: __m512i) -> [__m512i; 4] {
    let top01 = _mm512_shuffle_i32x4::<0x44>(top, second);
    let top23 = _mm512_shuffle_i32x4::<0xee>(top, second);
    let bottom01 = _mm512_shuffle_i32x4::<0x44>(third, bottom);
    let bottom23 = _mm512_shuffle_i32x4::<0xee>(third, bottom);
    [
        _mm512_shuffle_i32x4::<0x88>(top01, bottom01),
        _mm512_shuffle_i32x4::<0xdd>(top01, bottom01),
        _mm512_shuffle_i32x4::<0x88>(top23, bottom23),
        _mm512_shuffle_i32x4::<0xdd>(top23, bottom23),
    ]
}

/// Where each coefficient of the zig-zag order is among the bytes of a block whose upper and lower half are packed
/// into one vector lane by lane: row by row, the rows in the order 0, 4, 1, 5, 2, 6, 3, 7.
static PACKED: [u8; 64] = packed();

const fn packed() -> [u8; 64] {
    let mut places = ZIGZAG;
    let mut index = 0;
    while index < 64 {
        let (row, column) = (places[index] / 8, places[index] % 8);
        places[index] = row % 4 * 16 + row / 4 * 8 + column;
        index += 1;
    }
    places
}

/// Which coefficients of a block are not zero, in zig-zag order.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
#[inline]
fn nonzero(upper: __m512i, lower: __m512i) -> u64 {
    let bytes = _mm512_permutexvar_epi8(load_bytes64(&PACKED), pack_words(upper, lower));
    _mm512_test_epi8_mask(bytes, bytes)
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
        let upper = part(rows[0], rows[1], rows[2], rows[3]);
        let lower = part(rows[4], rows[5], rows[6], rows[7]);
        let places = group.coefficients.iter_mut().zip(&mut group.nonzero);
        for ((place, mask), (upper, lower)) in places.zip(upper.into_iter().zip(lower)) {
            let (halves, _) = place.as_chunks_mut();
            store(upper, &mut halves[0]);
            store(lower, &mut halves[1]);
            *mask = nonzero(upper, lower);
        }
    }
}
