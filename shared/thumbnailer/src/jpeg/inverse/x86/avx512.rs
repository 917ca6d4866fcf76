//! The transforms with AVX-512: twice as many blocks at a time as with AVX2.

use std::arch::x86_64::{
    __m256i, __m512i, _mm_set_epi32, _mm256_storeu_si256, _mm512_add_epi32, _mm512_broadcast_i32x4,
    _mm512_castsi512_si256, _mm512_extracti64x4_epi64, _mm512_loadu_si512, _mm512_madd_epi16,
    _mm512_mask_blend_epi16, _mm512_mullo_epi16, _mm512_packs_epi32, _mm512_packus_epi16,
    _mm512_permutex2var_epi32, _mm512_permutexvar_epi64, _mm512_set_epi32, _mm512_set_epi64,
    _mm512_set1_epi32, _mm512_shuffle_epi8, _mm512_shuffle_i64x2, _mm512_slli_epi32,
    _mm512_srai_epi32, _mm512_srli_epi32, _mm512_sub_epi32, _mm512_unpackhi_epi16,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi16, _mm512_unpacklo_epi32,
    _mm512_unpacklo_epi64,
};

use super::super::{
    EVEN, FIRST_ROUND, FIRST_SHIFT, LAST_OF_LOW, LOWEST_ROUND, ODD, ODD_OF_FOUR, SECOND_SHIFT,
    UNIT, flat,
};
use super::kernel::{operations, transforms};
use super::load_bytes;

type Vector = __m512i;

transforms!("avx512f,avx512bw", std::convert::identity);

/// How many blocks of 8x8 are made at a time.
const EIGHTS: usize = 4;

/// How many blocks of 4x4 are made at a time.
const FOURS: usize = 8;

/// 4x4 blocks: how many were made.
#[target_feature(enable = "avx512f,avx512bw")]
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
    let factors = {
        let twice: [i16; 32] = std::array::from_fn(|index| quantiser[index % 16]);
        load(&twice)
    };
    let upper_order = _mm512_set_epi32(29, 25, 21, 17, 13, 9, 5, 1, 28, 24, 20, 16, 12, 8, 4, 0);
    let lower_order = _mm512_set_epi32(31, 27, 23, 19, 15, 11, 7, 3, 30, 26, 22, 18, 14, 10, 6, 2);
    let mut done = 0;
    for (blocks, ((first, second), (third, fourth))) in blocks.iter().take(count).zip(rows) {
        let (upper, lower) = four_rows(blocks, factors, 0);
        let left = four_of(upper, lower);
        let (upper, lower) = four_rows(blocks, factors, 4);
        let right = four_of(upper, lower);
        // A row of a block is 32 bits: in each lane rows 0 to 3 of one block.
        let upper = _mm512_permutex2var_epi32(left, upper_order, right);
        let lower = _mm512_permutex2var_epi32(left, lower_order, right);
        store(first, _mm512_castsi512_si256(upper));
        store(second, _mm512_extracti64x4_epi64::<1>(upper));
        store(third, _mm512_castsi512_si256(lower));
        store(fourth, _mm512_extracti64x4_epi64::<1>(lower));
        done += FOURS;
    }
    done
}

/// The rows of four blocks, dequantised: block by block in one register four rows at a time, and turned.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn low_rows(blocks: &[[i16; 64]; EIGHTS], quantiser: &[i16; 64]) -> [Vector; 4] {
    four_at(blocks, quantiser, 0)
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn all_rows(blocks: &[[i16; 64]; EIGHTS], quantiser: &[i16; 64]) -> [Vector; 8] {
    let upper = four_at(blocks, quantiser, 0);
    let lower = four_at(blocks, quantiser, 1);
    [
        upper[0], upper[1], upper[2], upper[3], lower[0], lower[1], lower[2], lower[3],
    ]
}

/// Rows 0 to 3 (`half` 0) or 4 to 7 (1) of four blocks, dequantised.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn four_at(blocks: &[[i16; 64]; EIGHTS], quantiser: &[i16; 64], half: usize) -> [Vector; 4] {
    let words = |block: &[i16; 64]| load(&block.as_chunks::<32>().0[half]);
    let factors = words(quantiser);
    let rows = |block: usize| _mm512_mullo_epi16(words(&blocks[block]), factors);
    let (first, second, third, fourth) = (rows(0), rows(1), rows(2), rows(3));
    // Lanes of 128 bits: rows 0 and 1, then 2 and 3, of two blocks each.
    let (upper, lower) = (
        _mm512_shuffle_i64x2::<0b01_00_01_00>(first, second),
        _mm512_shuffle_i64x2::<0b11_10_11_10>(first, second),
    );
    let (upper_next, lower_next) = (
        _mm512_shuffle_i64x2::<0b01_00_01_00>(third, fourth),
        _mm512_shuffle_i64x2::<0b11_10_11_10>(third, fourth),
    );
    [
        _mm512_shuffle_i64x2::<0b10_00_10_00>(upper, upper_next),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(upper, upper_next),
        _mm512_shuffle_i64x2::<0b10_00_10_00>(lower, lower_next),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(lower, lower_next),
    ]
}

/// Rows 0 and 1, and rows 2 and 3, of four blocks from `first` on, dequantised.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn four_rows(blocks: &[[i16; 16]; FOURS], quantiser: Vector, first: usize) -> (Vector, Vector) {
    let two = |at: usize| {
        let words = blocks.as_flattened().as_chunks::<32>().0[at];
        _mm512_mullo_epi16(load(&words), quantiser)
    };
    let (left, right) = (two(first / 2), two(first / 2 + 1));
    (
        _mm512_shuffle_i64x2::<0b10_00_10_00>(left, right),
        _mm512_shuffle_i64x2::<0b11_01_11_01>(left, right),
    )
}

/// Takes apart two rows that lie in each lane side by side.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn apart(rows: Vector) -> (__m256i, __m256i) {
    let rows = _mm512_permutexvar_epi64(_mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0), rows);
    (
        _mm512_castsi512_si256(rows),
        _mm512_extracti64x4_epi64::<1>(rows),
    )
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
#[expect(unsafe_code, reason = "loads through a pointer")]
fn load(words: &[i16; 32]) -> Vector {
    // SAFETY: the reference is valid for reading the 64 bytes of the array; the instruction asks for no alignment.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
#[expect(unsafe_code, reason = "stores through a pointer")]
fn store(place: &mut [u8; 32], samples: __m256i) {
    // SAFETY: the reference is valid for writing 32 bytes; the instruction asks for no alignment.
    unsafe { _mm256_storeu_si256(place.as_mut_ptr().cast(), samples) }
}

/// Both words of every pair.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn splat(pair: [i16; 2]) -> Vector {
    let [low, high] = pair.map(i16::cast_unsigned);
    splat_sum((u32::from(high) << 16 | u32::from(low)).cast_signed())
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn splat_sum(value: i32) -> Vector {
    _mm512_set1_epi32(value)
}

/// Rounds the first pass of lanes 0 to 3.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn lowest_round() -> Vector {
    _mm512_broadcast_i32x4(_mm_set_epi32(
        FIRST_ROUND,
        FIRST_ROUND,
        FIRST_ROUND,
        LOWEST_ROUND,
    ))
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn lanes(bytes: &[u8; 16]) -> Vector {
    _mm512_broadcast_i32x4(load_bytes(bytes))
}

operations!(
    "avx512f,avx512bw",
    add = _mm512_add_epi32,
    subtract = _mm512_sub_epi32,
    multiply = _mm512_madd_epi16,
    low_words = _mm512_unpacklo_epi16,
    high_words = _mm512_unpackhi_epi16,
    low_pairs = _mm512_unpacklo_epi32,
    high_pairs = _mm512_unpackhi_epi32,
    low_quads = _mm512_unpacklo_epi64,
    high_quads = _mm512_unpackhi_epi64,
    pack_words = _mm512_packs_epi32,
    pack_bytes = _mm512_packus_epi16,
    shuffle = _mm512_shuffle_epi8,
);

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn shift_left<const BITS: u32>(a: Vector) -> Vector {
    _mm512_slli_epi32::<BITS>(a)
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn shift_right<const BITS: u32>(a: Vector) -> Vector {
    _mm512_srai_epi32::<BITS>(a)
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn shift_right_logical<const BITS: u32>(a: Vector) -> Vector {
    _mm512_srli_epi32::<BITS>(a)
}

/// The even words of `a` and the odd words of `b`.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn odd_words(a: Vector, b: Vector) -> Vector {
    _mm512_mask_blend_epi16(0xaaaa_aaaa, a, b)
}
