//! The symbols of a block with AVX-512: of all coefficients side by side instead of one after the other, without a
//! branch that depends on how many there are.

use core::arch::x86_64::{
    __m512i, _mm512_abs_epi32, _mm512_add_epi8, _mm512_add_epi32, _mm512_castsi512_si128,
    _mm512_castsi512_si256, _mm512_cmpgt_epu8_mask, _mm512_cvtepi16_epi32, _mm512_cvtepu8_epi16,
    _mm512_cvtepu8_epi32, _mm512_extracti32x4_epi32, _mm512_extracti64x4_epi64, _mm512_lzcnt_epi32,
    _mm512_mask_set1_epi16, _mm512_mask_set1_epi32, _mm512_maskz_compress_epi8,
    _mm512_maskz_permutexvar_epi8, _mm512_or_si512, _mm512_permutex2var_epi16, _mm512_set1_epi8,
    _mm512_set1_epi32, _mm512_slli_epi32, _mm512_sllv_epi32, _mm512_srai_epi32, _mm512_srlv_epi32,
    _mm512_storeu_si512, _mm512_sub_epi8, _mm512_sub_epi32,
};

use super::{load_bytes64, load_words32};
use crate::jpeg_encode::quantise::ZIGZAG;
use crate::jpeg_encode::tokens::{AC, END_OF_BLOCK, Token};

/// 0 to 63.
static PLACES: [u8; 64] = places(0);
/// For each byte of a vector the one before it.
static BEFORE: [u8; 64] = places(63);

const fn places(first: u8) -> [u8; 64] {
    let mut places = [0; 64];
    let mut index = 0;
    while index < 64 {
        places[index as usize] = (first + index) % 64;
        index += 1;
    }
    places
}

/// The symbols of a block with these coefficients, of which `nonzero` are not zero (in zig-zag order), and whose DC
/// differs by `difference` from the one before it; how many symbols.
///
/// `None` when there is a run of more than fifteen zeros or more than 32 coefficients, which is rare.
#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,popcnt,bmi2"
)]
#[inline]
pub(in crate::jpeg_encode) fn block(
    coefficients: &[i16; 64],
    nonzero: u64,
    difference: i16,
    table: Token,
    space: &mut [Token; 64],
) -> Option<usize> {
    let written = nonzero | 1;
    let count = written.count_ones();
    let places = _mm512_maskz_compress_epi8(written, load_bytes64(&PLACES));
    // One past the place of the coefficient before; the first has none before it.
    let next = _mm512_add_epi8(places, _mm512_set1_epi8(1));
    let next = _mm512_maskz_permutexvar_epi8(!1, load_bytes64(&BEFORE), next);
    let runs = _mm512_sub_epi8(places, next);
    let long = _mm512_cmpgt_epu8_mask(runs, _mm512_set1_epi8(15));
    if count > 32 || long << (64 - count) != 0 {
        return None;
    }
    let natural = _mm512_maskz_compress_epi8(written, load_bytes64(&ZIGZAG));
    let natural = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(natural));
    let (halves, _) = coefficients.as_chunks();
    let values =
        _mm512_permutex2var_epi16(load_words32(&halves[0]), natural, load_words32(&halves[1]));
    let values = _mm512_mask_set1_epi16(values, 1, difference);

    let (sixteens, _) = space.as_chunks_mut();
    let ac = _mm512_set1_epi32((table | AC).cast_signed());
    let tables = _mm512_mask_set1_epi32(ac, 1, table.cast_signed());
    let first = tokens(
        _mm512_cvtepi16_epi32(_mm512_castsi512_si256(values)),
        _mm512_cvtepu8_epi32(_mm512_castsi512_si128(runs)),
        tables,
    );
    store(first, &mut sixteens[0]);
    if count > 16 {
        let second = tokens(
            _mm512_cvtepi16_epi32(_mm512_extracti64x4_epi64::<1>(values)),
            _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<1>(runs)),
            ac,
        );
        store(second, &mut sixteens[1]);
    }
    let used = count as usize;
    space[used % 64] = END_OF_BLOCK | AC | table;
    Some(used + usize::from(written >> 63 == 0))
}

/// The tokens of sixteen values after so many zeros each.
#[target_feature(enable = "avx512f,avx512cd")]
#[inline]
fn tokens(values: __m512i, runs: __m512i, tables: __m512i) -> __m512i {
    let zeros = _mm512_lzcnt_epi32(_mm512_abs_epi32(values));
    let size = _mm512_sub_epi32(_mm512_set1_epi32(32), zeros);
    // A negative value less one has the ones' complement of its magnitude in its low bits.
    let extra = _mm512_add_epi32(values, _mm512_srai_epi32::<31>(values));
    // Those bits alone, at bit 16: a value has 12 bits at most, so that there are at least 20 to shift out.
    let extra = _mm512_sllv_epi32(extra, zeros);
    let extra = _mm512_srlv_epi32(extra, _mm512_sub_epi32(zeros, _mm512_set1_epi32(16)));
    let symbol = _mm512_or_si512(size, _mm512_slli_epi32::<4>(runs));
    _mm512_or_si512(_mm512_or_si512(extra, symbol), tables)
}

#[target_feature(enable = "avx512f")]
#[inline]
#[expect(unsafe_code, reason = "a store")]
fn store(vector: __m512i, tokens: &mut [Token; 16]) {
    // SAFETY: the reference is good for 64 bytes, and the store needs no alignment.
    unsafe { _mm512_storeu_si512(tokens.as_mut_ptr().cast(), vector) }
}
