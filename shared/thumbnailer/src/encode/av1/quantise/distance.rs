//! How far blocks are from one another.

#![expect(
    clippy::inline_always,
    reason = "loops become vectors only within a function for a processor"
)]

use super::super::processors::for_processors;
#[cfg(target_arch = "x86_64")]
use super::x86;
use crate::cpu::Cpu;

for_processors! {
    /// The differences of samples from their predictions.
    pub(crate) fn residual(source: &[u8], prediction: &[u8], out: &mut [i16]) = residual_any;
}

#[inline(always)]
fn residual_any(source: &[u8], prediction: &[u8], out: &mut [i16]) {
    let rows = source.as_chunks::<16>().0.iter();
    let rows = rows.zip(prediction.as_chunks::<16>().0);
    for ((source, prediction), out) in rows.zip(out.as_chunks_mut::<16>().0) {
        for lane in 0..16 {
            out[lane] = i16::from(source[lane]) - i16::from(prediction[lane]);
        }
    }
}

/// The sum of the magnitudes of the differences' Hadamard transforms, orthonormal, in squares of eight, or of four where a
/// side has no more: near what a block's coefficients amount to. Blocks of `width` times `height` samples.
///
/// # Panics
///
/// If a block is not of that size.
pub(crate) fn satd(cpu: Cpu, source: &[u8], prediction: &[u8], width: usize, height: usize) -> u32 {
    let length = width * height;
    assert!(source.len() == length && prediction.len() == length);
    if width == 4 || height == 4 {
        // On the scale of a square of eight.
        let sum = match cpu {
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx2 | Cpu::Avx512 => x86::fours_avx2(source, prediction, width),
            _ => squares_of_four(source, prediction, width),
        };
        return (2 * sum + 4) >> 3;
    }
    let sum = match cpu {
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx2 => x86::hadamard_avx2(source, prediction, width),
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx512 => x86::hadamard_avx512(source, prediction, width),
        _ => squares_of_eight(source, prediction, width),
    };
    (sum + 4) >> 3
}

/// Sums and differences of lines that are `distance` apart.
#[inline(always)]
fn meet<const N: usize>(lines: &mut [[i16; N]; N], distance: usize) {
    for first in 0..N {
        if first & distance == 0 {
            let (a, b) = (lines[first], lines[first + distance]);
            lines[first] = std::array::from_fn(|lane| a[lane] + b[lane]);
            lines[first + distance] = std::array::from_fn(|lane| a[lane] - b[lane]);
        }
    }
}

/// The magnitudes of squares of eight, eight times as large as orthonormal.
fn squares_of_eight(source: &[u8], prediction: &[u8], width: usize) -> u32 {
    squares::<8>(source, prediction, width)
}

/// The magnitudes of squares of four, four times as large as orthonormal.
fn squares_of_four(source: &[u8], prediction: &[u8], width: usize) -> u32 {
    squares::<4>(source, prediction, width)
}

#[inline(always)]
fn squares<const N: usize>(source: &[u8], prediction: &[u8], width: usize) -> u32 {
    let mut sum = 0;
    let bands = source.chunks_exact(N * width);
    for (source, prediction) in bands.zip(prediction.chunks_exact(N * width)) {
        for column in 0..width / N {
            let mut lines = [[0_i16; N]; N];
            let rows = source
                .chunks_exact(width)
                .zip(prediction.chunks_exact(width));
            for (line, (source, prediction)) in lines.iter_mut().zip(rows) {
                let source = &source.as_chunks::<N>().0[column];
                let prediction = &prediction.as_chunks::<N>().0[column];
                *line = std::array::from_fn(|i| i16::from(source[i]) - i16::from(prediction[i]));
            }
            for _ in 0..2 {
                meet(&mut lines, 1);
                meet(&mut lines, 2);
                if N == 8 {
                    meet(&mut lines, 4);
                }
                lines = std::array::from_fn(|i| lines.map(|line| line[i]));
            }
            let magnitudes = lines.as_flattened().iter();
            sum += magnitudes
                .map(|value| u32::from(value.unsigned_abs()))
                .sum::<u32>();
        }
    }
    sum
}
