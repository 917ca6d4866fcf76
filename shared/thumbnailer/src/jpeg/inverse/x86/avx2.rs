//! The transforms with AVX2.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_set_epi32, _mm_storeu_si128, _mm256_add_epi32, _mm256_blend_epi16,
    _mm256_broadcastsi128_si256, _mm256_castsi128_si256, _mm256_castsi256_si128,
    _mm256_extracti128_si256, _mm256_inserti128_si256, _mm256_madd_epi16, _mm256_mullo_epi16,
    _mm256_packs_epi32, _mm256_packus_epi16, _mm256_permute4x64_epi64, _mm256_set1_epi32,
    _mm256_shuffle_epi8, _mm256_slli_epi32, _mm256_srai_epi32, _mm256_srli_epi32, _mm256_sub_epi32,
    _mm256_unpackhi_epi16, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64, _mm256_unpacklo_epi16,
    _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
};

use super::super::{
    EVEN, FIRST_ROUND, FIRST_SHIFT, LAST_OF_LOW, LOWEST_ROUND, ODD, ODD_OF_FOUR, SECOND_SHIFT,
    UNIT, flat,
};
use super::kernel::{operations, transforms};
use super::{load_bytes, load_words, portable};

type Vector = __m256i;

transforms!("avx2", u32::cast_signed);

/// How many blocks of 8x8 are made at a time.
const EIGHTS: usize = 2;

/// How many blocks of 4x4 are made at a time.
const FOURS: usize = 4;

/// 4x4 blocks: how many were made.
#[target_feature(enable = "avx2")]
pub(super) fn four(
    coefficients: &[i16],
    last: &[u8],
    quantiser: &[i16; 16],
    out: &mut [&mut [u8]; 4],
) -> usize {
    let blocks = coefficients.as_chunks::<16>().0.as_chunks::<FOURS>().0;
    let lasts = last.as_chunks::<FOURS>().0;
    let [first, second, third, fourth] = out
        .each_mut()
        .map(|row| row.as_chunks_mut::<{ 4 * FOURS }>().0);
    let count = blocks.len().min(lasts.len());
    let rows = first
        .iter_mut()
        .zip(second)
        .zip(third.iter_mut().zip(fourth));
    let mut done = 0;
    for (blocks, ((first, second), (third, fourth))) in blocks.iter().take(count).zip(rows) {
        let (upper, lower) = four_rows(blocks, quantiser);
        let (even, odd) = (four_of(upper[0], lower[0]), four_of(upper[1], lower[1]));
        let (above, below) = (apart(low_pairs(even, odd)), apart(high_pairs(even, odd)));
        store(first, above.0);
        store(second, above.1);
        store(third, below.0);
        store(fourth, below.1);
        done += FOURS;
    }
    done
}

/// Row `row` of two blocks, dequantised.
#[target_feature(enable = "avx2")]
#[inline]
fn row_of(blocks: &[[i16; 64]; EIGHTS], quantiser: &[i16; 64], row: usize) -> Vector {
    let words = |block: &[i16; 64]| load_words(&block.as_chunks::<8>().0[row]);
    let both =
        _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(words(&blocks[0])), words(&blocks[1]));
    _mm256_mullo_epi16(both, _mm256_broadcastsi128_si256(words(quantiser)))
}

#[target_feature(enable = "avx2")]
#[inline]
fn all_rows(blocks: &[[i16; 64]; EIGHTS], quantiser: &[i16; 64]) -> [Vector; 8] {
    [
        row_of(blocks, quantiser, 0),
        row_of(blocks, quantiser, 1),
        row_of(blocks, quantiser, 2),
        row_of(blocks, quantiser, 3),
        row_of(blocks, quantiser, 4),
        row_of(blocks, quantiser, 5),
        row_of(blocks, quantiser, 6),
        row_of(blocks, quantiser, 7),
    ]
}

#[target_feature(enable = "avx2")]
#[inline]
fn low_rows(blocks: &[[i16; 64]; EIGHTS], quantiser: &[i16; 64]) -> [Vector; 4] {
    [
        row_of(blocks, quantiser, 0),
        row_of(blocks, quantiser, 1),
        row_of(blocks, quantiser, 2),
        row_of(blocks, quantiser, 3),
    ]
}

/// Rows 0 and 1, and rows 2 and 3, of blocks 0 and 2, and of blocks 1 and 3, dequantised: each pair of rows of samples
/// then lies in the file's order after one shuffle.
#[target_feature(enable = "avx2")]
#[inline]
fn four_rows(blocks: &[[i16; 16]; FOURS], quantiser: &[i16; 16]) -> ([Vector; 2], [Vector; 2]) {
    let words = |block: &[i16; 16], half: usize| load_words(&block.as_chunks::<8>().0[half]);
    let pair = |block: usize, half: usize| {
        let both = _mm256_inserti128_si256::<1>(
            _mm256_castsi128_si256(words(&blocks[block], half)),
            words(&blocks[block + 2], half),
        );
        _mm256_mullo_epi16(both, _mm256_broadcastsi128_si256(words(quantiser, half)))
    };
    ([pair(0, 0), pair(1, 0)], [pair(0, 1), pair(1, 1)])
}

/// Takes apart two rows that lie in each lane side by side.
#[target_feature(enable = "avx2")]
#[inline]
fn apart(rows: Vector) -> (__m128i, __m128i) {
    let rows = _mm256_permute4x64_epi64::<0b11_01_10_00>(rows);
    (
        _mm256_castsi256_si128(rows),
        _mm256_extracti128_si256::<1>(rows),
    )
}

#[inline]
#[expect(unsafe_code, reason = "stores through a pointer")]
fn store(place: &mut [u8; 16], samples: __m128i) {
    // SAFETY: the reference is valid for writing 16 bytes; the instruction asks for no alignment.
    unsafe { _mm_storeu_si128(place.as_mut_ptr().cast(), samples) }
}

/// [`portable::one`], built for AVX2.
#[target_feature(enable = "avx2")]
pub(super) fn one(coefficients: &[i16], quantiser: u16, out: &mut [u8]) {
    portable::one(coefficients, quantiser, out);
}

/// [`portable::two`], built for AVX2.
#[target_feature(enable = "avx2")]
pub(super) fn two(coefficients: &[i16], quantiser: [i16; 4], out: [&mut [u8]; 2]) {
    portable::two(coefficients, quantiser, out);
}

/// Both words of every pair.
#[target_feature(enable = "avx2")]
#[inline]
fn splat(pair: [i16; 2]) -> Vector {
    let [low, high] = pair.map(i16::cast_unsigned);
    splat_sum((u32::from(high) << 16 | u32::from(low)).cast_signed())
}

#[target_feature(enable = "avx2")]
#[inline]
fn splat_sum(value: i32) -> Vector {
    _mm256_set1_epi32(value)
}

/// Rounds the first pass of lanes 0 to 3.
#[target_feature(enable = "avx2")]
#[inline]
fn lowest_round() -> Vector {
    _mm256_broadcastsi128_si256(_mm_set_epi32(
        FIRST_ROUND,
        FIRST_ROUND,
        FIRST_ROUND,
        LOWEST_ROUND,
    ))
}

#[target_feature(enable = "avx2")]
#[inline]
fn lanes(bytes: &[u8; 16]) -> Vector {
    _mm256_broadcastsi128_si256(load_bytes(bytes))
}

operations!(
    "avx2",
    add = _mm256_add_epi32,
    subtract = _mm256_sub_epi32,
    multiply = _mm256_madd_epi16,
    low_words = _mm256_unpacklo_epi16,
    high_words = _mm256_unpackhi_epi16,
    low_pairs = _mm256_unpacklo_epi32,
    high_pairs = _mm256_unpackhi_epi32,
    low_quads = _mm256_unpacklo_epi64,
    high_quads = _mm256_unpackhi_epi64,
    pack_words = _mm256_packs_epi32,
    pack_bytes = _mm256_packus_epi16,
    shuffle = _mm256_shuffle_epi8,
);

#[target_feature(enable = "avx2")]
#[inline]
fn shift_left<const BITS: i32>(a: Vector) -> Vector {
    _mm256_slli_epi32::<BITS>(a)
}

#[target_feature(enable = "avx2")]
#[inline]
fn shift_right<const BITS: i32>(a: Vector) -> Vector {
    _mm256_srai_epi32::<BITS>(a)
}

#[target_feature(enable = "avx2")]
#[inline]
fn shift_right_logical<const BITS: i32>(a: Vector) -> Vector {
    _mm256_srli_epi32::<BITS>(a)
}

/// The even words of `a` and the odd words of `b`.
#[target_feature(enable = "avx2")]
#[inline]
fn odd_words(a: Vector, b: Vector) -> Vector {
    _mm256_blend_epi16::<0b1010_1010>(a, b)
}
