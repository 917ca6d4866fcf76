//! The transforms with AVX2 and AVX-512.

use core::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm_loadu_si128, _mm_storeu_si128, _mm256_loadu_si256,
    _mm256_storeu_si256, _mm512_loadu_si512, _mm512_storeu_si512,
};

use super::{Kind, Size};

mod eight;
mod four;
mod sixteen;

#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(super) fn forward_avx2(size: Size, kind: Kind, residual: &[i16], out: &mut [i32]) {
    // SAFETY: only called for `Cpu::Avx2`, which says that the processor has AVX2.
    unsafe { four::forward(size, kind, residual, out) }
}

#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(super) fn inverse_add_avx2(
    size: Size,
    kind: Kind,
    coefficients: &[i32],
    used: [usize; 2],
    samples: &mut [u8],
) {
    // SAFETY: only called for `Cpu::Avx2`, which says that the processor has AVX2.
    unsafe { four::inverse_add(size, kind, coefficients, used, samples) }
}

#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(super) fn forward_avx512(size: Size, kind: Kind, residual: &[i16], out: &mut [i32]) {
    // SAFETY: only called for `Cpu::Avx512`, which says that the processor has AVX-512 F, BW and VL.
    unsafe { sixteen::forward(size, kind, residual, out) }
}

#[expect(unsafe_code, reason = "calls a function for a detected processor")]
pub(super) fn inverse_add_avx512(
    size: Size,
    kind: Kind,
    coefficients: &[i32],
    used: [usize; 2],
    samples: &mut [u8],
) {
    // SAFETY: only called for `Cpu::Avx512`, which says that the processor has AVX-512 F, BW and VL.
    unsafe { sixteen::inverse_add(size, kind, coefficients, used, samples) }
}

/// Four longs as a vector.
#[expect(unsafe_code, reason = "a load")]
#[target_feature(enable = "avx2")]
#[inline]
fn load_four(from: &[i32; 4]) -> __m128i {
    // SAFETY: the reference is good for as many bytes as the vector has, and the load needs no alignment.
    unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
}

/// Eight longs as a vector.
#[expect(unsafe_code, reason = "a load")]
#[target_feature(enable = "avx2")]
#[inline]
fn load_eight(from: &[i32; 8]) -> __m256i {
    // SAFETY: the reference is good for as many bytes as the vector has, and the load needs no alignment.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

/// Sixteen longs as a vector.
#[expect(unsafe_code, reason = "a load")]
#[target_feature(enable = "avx512f")]
#[inline]
fn load_sixteen(from: &[i32; 16]) -> __m512i {
    // SAFETY: the reference is good for as many bytes as the vector has, and the load needs no alignment.
    unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
}

/// Eight words as a vector.
#[expect(unsafe_code, reason = "a load")]
#[target_feature(enable = "avx2")]
#[inline]
fn load_eight_words(from: &[i16; 8]) -> __m128i {
    // SAFETY: the reference is good for as many bytes as the vector has, and the load needs no alignment.
    unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
}

/// Sixteen words as a vector.
#[expect(unsafe_code, reason = "a load")]
#[target_feature(enable = "avx2")]
#[inline]
fn load_sixteen_words(from: &[i16; 16]) -> __m256i {
    // SAFETY: the reference is good for as many bytes as the vector has, and the load needs no alignment.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

/// Sixteen bytes as a vector.
#[expect(unsafe_code, reason = "a load")]
#[target_feature(enable = "avx2")]
#[inline]
fn load_bytes(from: &[u8; 16]) -> __m128i {
    // SAFETY: the reference is good for as many bytes as the vector has, and the load needs no alignment.
    unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
}

/// A vector as four longs.
#[expect(unsafe_code, reason = "a store")]
#[target_feature(enable = "avx2")]
#[inline]
fn store_four(vector: __m128i, to: &mut [i32; 4]) {
    // SAFETY: the reference is good for as many bytes as the vector has, and the store needs no alignment.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), vector) }
}

/// A vector as eight longs.
#[expect(unsafe_code, reason = "a store")]
#[target_feature(enable = "avx2")]
#[inline]
fn store_eight(vector: __m256i, to: &mut [i32; 8]) {
    // SAFETY: the reference is good for as many bytes as the vector has, and the store needs no alignment.
    unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), vector) }
}

/// A vector as sixteen longs.
#[expect(unsafe_code, reason = "a store")]
#[target_feature(enable = "avx512f")]
#[inline]
fn store_sixteen(vector: __m512i, to: &mut [i32; 16]) {
    // SAFETY: the reference is good for as many bytes as the vector has, and the store needs no alignment.
    unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), vector) }
}

/// A vector as sixteen bytes.
#[expect(unsafe_code, reason = "a store")]
#[target_feature(enable = "avx2")]
#[inline]
fn store_bytes(vector: __m128i, to: &mut [u8; 16]) {
    // SAFETY: the reference is good for as many bytes as the vector has, and the store needs no alignment.
    unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), vector) }
}
