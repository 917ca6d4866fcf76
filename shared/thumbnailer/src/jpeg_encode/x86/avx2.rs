//! The transform of two blocks at a time, with AVX2.

use core::arch::x86_64::{
    __m128i, __m256i, _mm_cvtsi32_si128, _mm_storeu_si128, _mm256_abs_epi16 as absolute,
    _mm256_add_epi16 as add, _mm256_add_epi32 as add_long, _mm256_broadcastsi128_si256,
    _mm256_castsi256_si128, _mm256_cmpeq_epi8, _mm256_cvtepu8_epi16, _mm256_extracti128_si256,
    _mm256_madd_epi16 as multiply_add, _mm256_movemask_epi8,
    _mm256_mulhi_epi16 as multiply_high_signed, _mm256_mulhi_epu16 as multiply_high,
    _mm256_or_si256, _mm256_packs_epi16 as pack_words, _mm256_packs_epi32 as pack_longs,
    _mm256_set1_epi16 as every_word, _mm256_set1_epi32 as every_pair, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_sign_epi16 as with_sign, _mm256_slli_epi16, _mm256_sra_epi32,
    _mm256_srai_epi16, _mm256_sub_epi16 as subtract, _mm256_unpackhi_epi16 as high_words,
    _mm256_unpackhi_epi32 as high_pairs, _mm256_unpackhi_epi64 as high_fours,
    _mm256_unpacklo_epi16 as low_words, _mm256_unpacklo_epi32 as low_pairs,
    _mm256_unpacklo_epi64 as low_fours,
};

use super::{Rows, load_bytes, load_words};
use crate::jpeg_encode::forward::{FRACTION, Group, KEPT, factor};
use crate::jpeg_encode::quantise::{Quantiser, ZIGZAG};

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
fn every_lane(words: &[u16; 8]) -> __m256i {
    _mm256_broadcastsi128_si256(load_words(words))
}

#[target_feature(enable = "avx2")]
#[inline]
#[expect(unsafe_code, reason = "a store")]
fn store(vector: __m128i, words: &mut [i16; 8]) {
    // SAFETY: the reference is good for 16 bytes, and the store needs no alignment.
    unsafe { _mm_storeu_si128(words.as_mut_ptr().cast(), vector) }
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
                    *samples = subtract(_mm256_cvtepu8_epi16(load_bytes(half)), every_word(128));
                }
            }
        }
        for half in 0..2 {
            let rows = coefficients(samples.map(|row| row[half]), quantiser);
            let (blocks, _) = group.coefficients.as_chunks_mut();
            let [first, second] = &mut blocks[half];
            let places = first.as_chunks_mut().0.iter_mut();
            let places = places.zip(second.as_chunks_mut().0);
            for (row, (first, second)) in rows.iter().zip(places) {
                store(_mm256_castsi256_si128(*row), first);
                store(_mm256_extracti128_si256::<1>(*row), second);
            }
            let (masks, _) = group.nonzero.as_chunks_mut();
            masks[half] = nonzero(&rows);
        }
    }
}
