//! The horizontal pass: sixteen rows of the target at a time, turned on their side so that a column of them is one
//! register and every target sample has the same weights in all lanes.

use super::axis::{EXTRA_BITS, Taps};
use super::kernel::{Bytes, LANES, Pairs, Samples, Sums};
#[cfg(target_arch = "x86_64")]
use super::x86::{self, Sums256, Sums512};
use crate::cpu::Cpu;

/// Sixteen rows of pairs of neighbouring samples, column after column.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    pairs: Vec<Pairs>,
}

impl Columns {
    /// Turns up to sixteen rows on their side. `rows` holds row after row, `chunks` chunks each, of samples of
    /// `channels` channels in turn, of which `channel` is taken.
    pub(super) fn turn(
        &mut self,
        cpu: Cpu,
        rows: &[Samples],
        chunks: usize,
        channels: usize,
        channel: usize,
    ) {
        let samples = chunks * LANES / channels;
        self.pairs
            .resize(samples.div_ceil(2).next_multiple_of(8), Pairs::ZERO);
        match cpu {
            #[cfg(target_arch = "x86_64")]
            #[expect(
                unsafe_code,
                reason = "the kernel needs instructions that were detected"
            )]
            Cpu::Avx2 | Cpu::Avx512 if channels == 1 => {
                // SAFETY: both are processors with AVX2.
                unsafe { turn_avx2(rows, chunks, &mut self.pairs) };
            }
            _ => turn_portable(rows, chunks, channels, channel, &mut self.pairs),
        }
    }

    /// Sums the columns to the target's samples: `out` holds whole rows of `taps.len()` samples.
    pub(super) fn sum(&self, cpu: Cpu, taps: &Taps, last: LastStep<'_>, out: &mut [u8]) {
        match cpu {
            #[cfg(target_arch = "x86_64")]
            #[expect(
                unsafe_code,
                reason = "the kernel needs instructions that were detected"
            )]
            // SAFETY: `Cpu::Avx512` is a processor that has them.
            Cpu::Avx512 => unsafe { sum_avx512(&self.pairs, taps, last, out) },
            #[cfg(target_arch = "x86_64")]
            #[expect(
                unsafe_code,
                reason = "the kernel needs instructions that were detected"
            )]
            // SAFETY: `Cpu::Avx2` is a processor that has them.
            Cpu::Avx2 => unsafe { sum_avx2(&self.pairs, taps, last, out) },
            _ => sum_portable(&self.pairs, taps, last, out),
        }
    }
}

/// How sums become samples of the target.
#[derive(Debug, Clone, Copy)]
pub(super) enum LastStep<'a> {
    /// Rounded to eight bits.
    Round,
    /// Rounded to 8 + [`EXTRA_BITS`] and looked up.
    LookUp(&'a [u8; 1 << (8 + EXTRA_BITS)]),
}

fn look_up(table: &[u8; 1 << (8 + EXTRA_BITS)], samples: Samples) -> Bytes {
    let last = i16::try_from(table.len() - 1).unwrap_or(i16::MAX);
    Bytes(samples.0.map(|sample| {
        let index = usize::from(sample.clamp(0, last).cast_unsigned());
        table.get(index).copied().unwrap_or(u8::MAX)
    }))
}

fn turn_portable(
    rows: &[Samples],
    chunks: usize,
    channels: usize,
    channel: usize,
    out: &mut [Pairs],
) {
    for (row, chunks) in rows.chunks_exact(chunks.max(1)).take(LANES).enumerate() {
        let sample = |index: usize| {
            let chunk = chunks.get(index / LANES);
            chunk.map_or(0, |chunk| chunk.0[index % LANES])
        };
        let mut index = channel;
        for pairs in out.iter_mut() {
            pairs.0[2 * row] = sample(index);
            pairs.0[2 * row + 1] = sample(index + channels);
            index += 2 * channels;
        }
    }
}

/// Sixteen rows by sixteen samples at a time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn turn_avx2(rows: &[Samples], chunks: usize, out: &mut [Pairs]) {
    const BLANK: Samples = Samples::ZERO;
    for (index, out) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let mut block = [&BLANK; LANES];
        for (row, chunk) in block
            .iter_mut()
            .zip(rows.iter().skip(index).step_by(chunks.max(1)))
        {
            *row = chunk;
        }
        x86::turn_pairs(&block, out);
    }
}

/// The loop of all kernels: for sixteen target columns, their sums one after the other, then turned back.
macro_rules! kernel {
    ($name:ident, $sums:ident, $turn:path $(, #[$feature:meta])?) => {
        $(#[$feature])?
        fn $name(columns: &[Pairs], taps: &Taps, last: LastStep<'_>, out: &mut [u8]) {
            let shift = match last {
                LastStep::Round => taps.bits + EXTRA_BITS,
                LastStep::LookUp(_) => taps.bits,
            };
            let mut sums = [Bytes::ZERO; LANES];
            for start in (0..taps.len()).step_by(LANES) {
                let count = LANES.min(taps.len() - start);
                for (lane, bytes) in sums.iter_mut().take(count).enumerate() {
                    let (first_pair, weights) = taps.target(start + lane);
                    let mut sum = $sums::half(shift);
                    let first = first_pair - taps.first / 2;
                    for (pairs, &weights) in columns.get(first..).unwrap_or_default().iter().zip(weights) {
                        sum.add(pairs, weights);
                    }
                    *bytes = match last {
                        LastStep::Round => sum.bytes(shift),
                        LastStep::LookUp(table) => look_up(table, sum.samples(shift)),
                    };
                }
                let turned = $turn(&sums);
                for (row, bytes) in out.chunks_exact_mut(taps.len()).zip(&turned) {
                    if let Some(whole) = row.get_mut(start..).and_then(<[_]>::first_chunk_mut::<LANES>) {
                        *whole = bytes.0;
                    } else {
                        for (sample, byte) in row.iter_mut().skip(start).zip(bytes.0) {
                            *sample = byte;
                        }
                    }
                }
            }
        }
    };
}

fn turn_bytes(columns: &[Bytes; LANES]) -> [Bytes; LANES] {
    let mut rows = [Bytes::ZERO; LANES];
    for (x, column) in columns.iter().enumerate() {
        for (row, byte) in rows.iter_mut().zip(column.0) {
            row.0[x] = byte;
        }
    }
    rows
}

kernel!(sum_portable, Sums, turn_bytes);
#[cfg(target_arch = "x86_64")]
kernel!(sum_avx2, Sums256, x86::turn_bytes, #[target_feature(enable = "avx2")]);
#[cfg(target_arch = "x86_64")]
kernel!(sum_avx512, Sums512, x86::turn_bytes, #[target_feature(enable = "avx2,avx512f,avx512bw")]);
