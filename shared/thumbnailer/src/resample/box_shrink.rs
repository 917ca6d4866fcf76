//! Means of blocks of samples, as rows stream in: what makes the kernel short when a picture shrinks a lot.

use crate::cpu::Cpu;

use super::axis::EXTRA_BITS;

/// The largest factor: so many rows of bytes sum to 16 bits, and so many columns of those to 24, which a 32-bit float
/// holds exactly.
pub(super) const MOST: usize = 256;

/// Shrinks rows of `channels` samples in turn by whole factors.
#[derive(Debug, Clone, Default)]
pub(super) struct BoxShrink {
    across: usize,
    down: usize,
    channels: usize,
    /// How many rows are in `sums`.
    rows: usize,
    sums: Vec<u16>,
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
            self.finish()
        } else {
            None
        }
    }

    /// The means of the rows that are left, fewer than a block.
    pub(super) fn finish(&mut self) -> Option<&[i16]> {
        if self.rows == 0 {
            return None;
        }
        let Self {
            across, channels, ..
        } = *self;
        let block = across * channels;
        self.means.clear();
        let whole = self.sums.chunks_exact(block);
        let rest = whole.remainder();
        let scale = Scale::new(across * self.rows);
        match channels {
            1 => means::<1>(whole, scale, &mut self.means),
            3 => means::<3>(whole, scale, &mut self.means),
            4 => means::<4>(whole, scale, &mut self.means),
            _ => {}
        }
        if !rest.is_empty() {
            let scale = Scale::new(rest.len() / channels * self.rows);
            let rest = rest.chunks_exact(rest.len());
            match channels {
                1 => means::<1>(rest, scale, &mut self.means),
                3 => means::<3>(rest, scale, &mut self.means),
                4 => means::<4>(rest, scale, &mut self.means),
                _ => {}
            }
        }
        self.rows = 0;
        Some(&self.means)
    }
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

fn means<const CHANNELS: usize>(
    blocks: std::slice::ChunksExact<'_, u16>,
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
fn add_body(sums: &mut [u16], row: &[u8]) {
    for (sum, &sample) in sums.iter_mut().zip(row) {
        *sum = sum.wrapping_add(u16::from(sample));
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn add_avx2(sums: &mut [u16], row: &[u8]) {
    add_body(sums, row);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn add_avx512(sums: &mut [u16], row: &[u8]) {
    add_body(sums, row);
}

fn add(cpu: Cpu, sums: &mut [u16], row: &[u8]) {
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
        _ => add_body(sums, row),
    }
}
