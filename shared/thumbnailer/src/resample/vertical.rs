//! The vertical pass: rows of the source as they arrive, weighed and summed to rows of the target.

use super::axis::PairWeights;
use super::kernel::{LANES, Pairs, Samples, Sums};
#[cfg(target_arch = "x86_64")]
use super::x86::{Sums256, Sums512};
use crate::cpu::Cpu;

/// Chunks of a row that are summed side by side, so that they share the loads of the weights.
pub(super) const BLOCK: usize = 4;

/// The rows that open target rows still need, as pairs of an even row and the odd one below it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    /// Slots of as many chunks as a row has, used in turn: that after the last is the first.
    pub(super) ring: &'a [Pairs],
    /// In which slot the first pair of rows lies that counts.
    pub(super) first_slot: usize,
}

/// Sums pairs of rows by `weights` into one row of chunks, a multiple of [`BLOCK`].
pub(super) fn sum_rows(
    cpu: Cpu,
    window: Window<'_>,
    weights: &[PairWeights],
    shift: u32,
    out: &mut [Samples],
) {
    match cpu {
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "the kernel needs instructions that were detected"
        )]
        // SAFETY: `Cpu::Avx512` is a processor that has them.
        Cpu::Avx512 => unsafe { avx512(window, weights, shift, out) },
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "the kernel needs instructions that were detected"
        )]
        // SAFETY: `Cpu::Avx2` is a processor that has them.
        Cpu::Avx2 => unsafe { avx2(window, weights, shift, out) },
        _ => portable(window, weights, shift, out),
    }
}

/// The loop of all kernels: for a block of chunks, all pairs of rows, the sums in registers.
macro_rules! kernel {
    ($name:ident, $sums:ident, $block:expr $(, #[$feature:meta])?) => {
        $(#[$feature])?
        fn $name(window: Window<'_>, weights: &[PairWeights], shift: u32, out: &mut [Samples]) {
            let chunks = out.len();
            let Window { ring, first_slot } = window;
            for (block, out) in out.as_chunks_mut::<{ $block }>().0.iter_mut().enumerate() {
                let mut sums = [$sums::half(shift); $block];
                let mut at = first_slot * chunks + block * $block;
                for &weights in weights {
                    if at >= ring.len() {
                        at -= ring.len();
                    }
                    let Some(pairs) = ring.get(at..).and_then(<[_]>::first_chunk::<{ $block }>) else {
                        break;
                    };
                    for lane in 0..$block {
                        sums[lane].add(&pairs[lane], weights);
                    }
                    at += chunks;
                }
                for lane in 0..$block {
                    out[lane] = sums[lane].samples(shift);
                }
            }
        }
    };
}

kernel!(portable, Sums, 1);
#[cfg(target_arch = "x86_64")]
kernel!(avx2, Sums256, BLOCK, #[target_feature(enable = "avx2")]);
#[cfg(target_arch = "x86_64")]
kernel!(avx512, Sums512, BLOCK, #[target_feature(enable = "avx512f,avx512bw")]);

/// Writes an even row and the odd one below it as pairs; where a row is short, zeros.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "compiled once for each set of instructions"
)]
pub(super) fn interleave<S: Copy + Default + Into<i16>>(even: &[S], odd: &[S], out: &mut [Pairs]) {
    let (even_chunks, even_rest) = even.as_chunks::<LANES>();
    let (odd_chunks, odd_rest) = odd.as_chunks::<LANES>();
    let whole = even_chunks.len().min(odd_chunks.len()).min(out.len());
    let (out, rest) = out.split_at_mut(whole);
    for (pairs, (even, odd)) in out.iter_mut().zip(even_chunks.iter().zip(odd_chunks)) {
        for lane in 0..LANES {
            pairs.0[2 * lane] = even[lane].into();
            pairs.0[2 * lane + 1] = odd[lane].into();
        }
    }
    // At most one chunk, unless rows differ in length.
    if even_rest.is_empty() && odd_rest.is_empty() && even.len() == odd.len() {
        return;
    }
    let mut even = even.iter().skip(whole * LANES);
    let mut odd = odd.iter().skip(whole * LANES);
    for pair in rest
        .iter_mut()
        .flat_map(|pairs| pairs.0.as_chunks_mut::<2>().0)
    {
        pair[0] = even.next().map_or(0, |&sample| sample.into());
        pair[1] = odd.next().map_or(0, |&sample| sample.into());
    }
}

/// [`interleave`] of bytes.
pub(super) fn interleave_bytes(cpu: Cpu, even: &[u8], odd: &[u8], out: &mut [Pairs]) {
    match cpu {
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "the kernel needs instructions that were detected"
        )]
        // SAFETY: `Cpu::Avx512` is a processor that has them.
        Cpu::Avx512 => unsafe { interleave_avx512(even, odd, out) },
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "the kernel needs instructions that were detected"
        )]
        // SAFETY: `Cpu::Avx2` is a processor that has them.
        Cpu::Avx2 => unsafe { interleave_avx2(even, odd, out) },
        _ => interleave(even, odd, out),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn interleave_avx2(even: &[u8], odd: &[u8], out: &mut [Pairs]) {
    interleave(even, odd, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn interleave_avx512(even: &[u8], odd: &[u8], out: &mut [Pairs]) {
    interleave(even, odd, out);
}
