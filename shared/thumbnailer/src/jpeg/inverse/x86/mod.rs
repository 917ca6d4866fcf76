//! The transforms with AVX2 and with AVX-512: several blocks side by side, one in each 128-bit lane, so that shuffles
//! stay within their lane until the samples are stored.
//!
//! Both passes take 16-bit inputs in pairs, which `vpmaddwd` multiplies by two constants and adds without loss. What
//! the first pass leaves is paired for the second by shifting and blending instead of packing, which saves a third of
//! the shuffles of the whole transform.

mod avx2;
mod avx512;
mod kernel;

use std::arch::x86_64::{__m128i, _mm_loadu_si128};

use super::portable;
use crate::cpu::Cpu;

/// [`portable::one`], built for AVX2.
#[expect(unsafe_code, reason = "calls what needs AVX2")]
pub(super) fn one(cpu: Cpu, coefficients: &[i16], quantiser: u16, out: &mut [u8]) {
    match cpu {
        Cpu::Portable => portable::one(coefficients, quantiser, out),
        // SAFETY: these variants are only made where AVX2 was found.
        Cpu::Avx2 | Cpu::Avx512 => unsafe { avx2::one(coefficients, quantiser, out) },
    }
}

/// [`portable::two`], built for AVX2.
#[expect(unsafe_code, reason = "calls what needs AVX2")]
pub(super) fn two(cpu: Cpu, coefficients: &[i16], quantiser: [i16; 4], out: [&mut [u8]; 2]) {
    match cpu {
        Cpu::Portable => portable::two(coefficients, quantiser, out),
        // SAFETY: these variants are only made where AVX2 was found.
        Cpu::Avx2 | Cpu::Avx512 => unsafe { avx2::two(coefficients, quantiser, out) },
    }
}

/// As many blocks of 4x4 as fill vectors: how many were made.
#[expect(unsafe_code, reason = "calls what needs AVX2 or AVX-512")]
pub(super) fn four(
    cpu: Cpu,
    coefficients: &[i16],
    last: &[u8],
    quantiser: &[i16; 16],
    out: &mut [&mut [u8]; 4],
) -> usize {
    match cpu {
        Cpu::Portable => 0,
        // SAFETY: this variant is only made where AVX2 was found.
        Cpu::Avx2 => unsafe { avx2::four(coefficients, last, quantiser, out) },
        // SAFETY: this variant is only made where AVX-512 F and BW were found.
        Cpu::Avx512 => unsafe { avx512::four(coefficients, last, quantiser, out) },
    }
}

/// As many blocks of 8x8 as fill vectors: how many were made.
#[expect(unsafe_code, reason = "calls what needs AVX2 or AVX-512")]
pub(super) fn eight(
    cpu: Cpu,
    coefficients: &[i16],
    last: &[u8],
    quantiser: &[i16; 64],
    out: &mut [&mut [u8]; 8],
) -> usize {
    match cpu {
        Cpu::Portable => 0,
        // SAFETY: this variant is only made where AVX2 was found.
        Cpu::Avx2 => unsafe { avx2::eight(coefficients, last, quantiser, out) },
        // SAFETY: this variant is only made where AVX-512 F and BW were found.
        Cpu::Avx512 => unsafe { avx512::eight(coefficients, last, quantiser, out) },
    }
}

/// Eight words. SSE2, which this needs, is part of x86-64.
#[inline]
#[expect(unsafe_code, reason = "loads through a pointer")]
fn load_words(words: &[i16; 8]) -> __m128i {
    // SAFETY: the reference is valid for reading the 16 bytes of the array; the instruction asks for no alignment.
    unsafe { _mm_loadu_si128(words.as_ptr().cast()) }
}

/// Sixteen bytes.
#[inline]
#[expect(unsafe_code, reason = "loads through a pointer")]
fn load_bytes(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: the reference is valid for reading the 16 bytes of the array; the instruction asks for no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}
