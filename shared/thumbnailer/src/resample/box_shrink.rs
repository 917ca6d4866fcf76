//! Means of blocks of samples, as rows stream in: what makes the kernel short when a picture shrinks a lot.

use std::slice::ChunksExact;

use super::axis::EXTRA_BITS;
use crate::cpu::Cpu;

/// The largest factor: so many rows of bytes sum to 16 bits, and so many columns of those to 24, which a 32-bit float
/// holds exactly.
pub(super) const MOST: usize = 256;

/// Samples of a block whose sum fits 16 bits.
const MOST_NARROW: usize = 257;

/// Shrinks rows of 1, 3 or 4 samples in turn by whole factors.
#[derive(Debug, Clone, Default)]
pub(super) struct BoxShrink {
    across: usize,
    down: usize,
    channels: usize,
    /// How many rows are in `sums`.
    rows: usize,
    sums: Vec<u16>,
    runs: Vec<u16>,
    picked: Vec<u16>,
    means: Vec<i16>,
}

impl BoxShrink {
    /// Takes `across` by `down` samples to one, [`MOST`] at most either way.
    pub(super) fn reset(&mut self, across: usize, down: usize, channels: usize) {
        self.across = across.clamp(1, MOST);
        self.down = down.clamp(1, MOST);
        self.channels = channels.max(1);
        self.rows = 0;
        self.sums.clear();
    }

    /// Adds a row. Gives a row of means, with [`EXTRA_BITS`] more than the samples, when it was the last of a block.
    pub(super) fn push(&mut self, cpu: Cpu, row: &[u8]) -> Option<&[i16]> {
        if self.rows == 0 {
            self.sums.clear();
            self.sums
                .extend(row.iter().map(|&sample| u16::from(sample)));
        } else {
            add(cpu, &mut self.sums, row);
        }
        self.rows += 1;
        if self.rows == self.down {
            self.finish(cpu)
        } else {
            None
        }
    }

    /// The means of the rows that are left, fewer than a block.
    pub(super) fn finish(&mut self, cpu: Cpu) -> Option<&[i16]> {
        if self.rows == 0 {
            return None;
        }
        let block = self.across * self.channels;
        let whole = self.sums.len() / block * block;
        self.means.clear();
        if self.across * self.rows <= MOST_NARROW {
            self.narrow(cpu, whole);
        } else {
            let sums = self.sums.get(..whole).unwrap_or_default();
            let scale = Scale::new(self.across * self.rows);
            means(
                self.channels,
                sums.chunks_exact(block),
                scale,
                &mut self.means,
            );
        }
        let rest = self.sums.get(whole..).unwrap_or_default();
        if !rest.is_empty() {
            let scale = Scale::new(rest.len() / self.channels * self.rows);
            means(
                self.channels,
                rest.chunks_exact(rest.len()),
                scale,
                &mut self.means,
            );
        }
        self.rows = 0;
        Some(&self.means)
    }

    /// The means of blocks that sum to 16 bits. All runs of `across` samples are summed, and then those picked that
    /// are blocks: many additions of whole registers take less time than few of single samples.
    fn narrow(&mut self, cpu: Cpu, whole: usize) {
        let (across, channels) = (self.across, self.channels);
        let sums = self.sums.get(..whole).unwrap_or_default();
        self.runs.clear();
        self.runs.extend_from_slice(sums);
        for offset in 1..across {
            let ahead = sums.get(offset * channels..).unwrap_or_default();
            add(cpu, &mut self.runs, ahead);
        }
        let blocks = self.runs.chunks_exact(across * channels);
        self.picked.clear();
        match channels {
            1 => pick::<1>(blocks, &mut self.picked),
            3 => pick::<3>(blocks, &mut self.picked),
            _ => pick::<4>(blocks, &mut self.picked),
        }
        let scale = Scale::new(across * self.rows);
        let means = self.picked.iter().map(|&sum| scale.mean(u32::from(sum)));
        self.means.extend(means);
    }
}

fn pick<const CHANNELS: usize>(blocks: ChunksExact<'_, u16>, picked: &mut Vec<u16>) {
    picked.extend(blocks.flat_map(|block| {
        let first = block.first_chunk::<CHANNELS>();
        first.copied().unwrap_or([0; CHANNELS])
    }));
}

/// One over a number of samples.
#[derive(Debug, Clone, Copy)]
struct Scale(f32);

impl Scale {
    #[expect(
        clippy::cast_precision_loss,
        reason = "at most the square of MOST, which a float holds exactly"
    )]
    fn new(samples: usize) -> Self {
        Self((1u32 << EXTRA_BITS) as f32 / samples.max(1) as f32)
    }

    /// The mean of samples that sum to `sum`. In floating point, where every step is exact or rounded the same way on
    /// every processor; a flat block gives its sample exactly.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a sum is below 2^24, a mean below 2^14"
    )]
    fn mean(self, sum: u32) -> i16 {
        // Adding 2^23 leaves the rounded integer in the low bits.
        let mean = sum as f32 * self.0 + 8_388_608.0;
        (mean.to_bits() & 0x7fff) as i16
    }
}

fn means(channels: usize, blocks: ChunksExact<'_, u16>, scale: Scale, means: &mut Vec<i16>) {
    match channels {
        1 => wide_means::<1>(blocks, scale, means),
        3 => wide_means::<3>(blocks, scale, means),
        _ => wide_means::<4>(blocks, scale, means),
    }
}

fn wide_means<const CHANNELS: usize>(
    blocks: ChunksExact<'_, u16>,
    scale: Scale,
    means: &mut Vec<i16>,
) {
    means.extend(blocks.flat_map(|block| {
        let mut sums = [0u32; CHANNELS];
        for pixel in block.as_chunks::<CHANNELS>().0 {
            for (sum, &sample) in sums.iter_mut().zip(pixel) {
                *sum += u32::from(sample);
            }
        }
        sums.map(|sum| scale.mean(sum))
    }));
}

#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "compiled once for each set of instructions"
)]
fn add_portable<S: Copy + Into<u16>>(sums: &mut [u16], row: &[S]) {
    for (sum, &sample) in sums.iter_mut().zip(row) {
        *sum = sum.wrapping_add(sample.into());
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn add_avx2<S: Copy + Into<u16>>(sums: &mut [u16], row: &[S]) {
    add_portable(sums, row);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn add_avx512<S: Copy + Into<u16>>(sums: &mut [u16], row: &[S]) {
    add_portable(sums, row);
}

fn add<S: Copy + Into<u16>>(cpu: Cpu, sums: &mut [u16], row: &[S]) {
    match cpu {
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "the kernel needs instructions that were detected"
        )]
        // SAFETY: `Cpu::Avx512` is a processor that has them.
        Cpu::Avx512 => unsafe { add_avx512(sums, row) },
        #[cfg(target_arch = "x86_64")]
        #[expect(
            unsafe_code,
            reason = "the kernel needs instructions that were detected"
        )]
        // SAFETY: `Cpu::Avx2` is a processor that has them.
        Cpu::Avx2 => unsafe { add_avx2(sums, row) },
        _ => add_portable(sums, row),
    }
}
