//! Resizing planes with Lanczos3, while their rows arrive.
//!
//! Vertical first: a ring holds the source rows that open target rows still need, and a target row is their weighted
//! sum. Sixteen such rows are turned on their side and summed the other way. Both passes are the same step, a
//! register of pairs of 16-bit samples multiplied by one pair of weights and added up in 32 bits, in integers: every
//! processor gives the same bytes.

mod axis;
mod box_shrink;
mod fineness;
mod horizontal;
mod kernel;
mod linear;
mod pool;
mod resizer;
#[cfg(test)]
mod tests;
mod vertical;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use axis::Axis;
pub(crate) use fineness::{LEAST_CHROMA_RATIO, LEAST_PYRAMID_RATIO, least_luma_ratio};
pub(crate) use pool::Pool;

use crate::cpu::Cpu;
use crate::planes::{Plane, Rows};
use linear::LIGHT;
use resizer::Resizer;

/// Resizes one plane whose rows arrive from the top.
#[derive(Debug)]
pub(crate) struct PlaneResizer(Resizer);

impl PlaneResizer {
    /// A resizer with buffers of its own.
    #[cfg(test)]
    pub(crate) fn new(cpu: Cpu, x: &Axis, y: &Axis) -> Self {
        Self::new_in(&mut Pool::default(), cpu, x, y)
    }

    /// A resizer with buffers of the pool.
    pub(crate) fn new_in(pool: &mut Pool, cpu: Cpu, x: &Axis, y: &Axis) -> Self {
        Self(Resizer::new(pool, cpu, 1, None, x, y))
    }

    /// Takes the next source rows.
    pub(crate) fn push(&mut self, rows: Rows<'_>) {
        for row in rows.iter() {
            self.0.push(row);
        }
    }

    /// Whether no row that is still to come matters: the rest lies below what the target shows.
    #[cfg(test)]
    pub(crate) fn done(&self) -> bool {
        self.0.done()
    }

    /// The target.
    #[cfg(test)]
    pub(crate) fn finish(self) -> Plane {
        self.finish_in(&mut Pool::default())
    }

    /// The target, and the buffers back to the pool.
    pub(crate) fn finish_in(self, pool: &mut Pool) -> Plane {
        self.0.finish(pool).pop().unwrap_or_default()
    }
}

/// Resizes rows of 1, 3 or 4 channels in turn, eight bits each, to one plane for each channel.
#[derive(Debug)]
pub(crate) struct InterleavedResizer(Resizer);

impl InterleavedResizer {
    /// A resizer with buffers of the pool.
    pub(crate) fn new_in(pool: &mut Pool, cpu: Cpu, channels: usize, x: &Axis, y: &Axis) -> Self {
        Self(Resizer::new(pool, cpu, channels.max(1), None, x, y))
    }

    /// A resizer of sRGB that sums light instead of samples: mixed colours keep their brightness. For colours without
    /// alpha.
    pub(crate) fn linear_in(
        pool: &mut Pool,
        cpu: Cpu,
        channels: usize,
        x: &Axis,
        y: &Axis,
    ) -> Self {
        Self(Resizer::new(pool, cpu, channels.max(1), Some(&LIGHT), x, y))
    }

    /// Takes the next source row.
    pub(crate) fn push(&mut self, row: &[u8]) {
        self.0.push(row);
    }

    /// Whether no row that is still to come matters.
    pub(crate) fn done(&self) -> bool {
        self.0.done()
    }

    /// The target's planes, one for each channel, and the buffers back to the pool.
    pub(crate) fn finish_in(self, pool: &mut Pool) -> Vec<Plane> {
        self.0.finish(pool)
    }
}

/// Resizes a plane that is there already.
#[cfg(test)]
pub(crate) fn resize(cpu: Cpu, source: &Plane, x: &Axis, y: &Axis) -> Plane {
    resize_in(&mut Pool::default(), cpu, source, x, y)
}

/// Resizes a plane that is there already, with buffers of the pool.
pub(crate) fn resize_in(pool: &mut Pool, cpu: Cpu, source: &Plane, x: &Axis, y: &Axis) -> Plane {
    let mut resizer = PlaneResizer::new_in(pool, cpu, x, y);
    for row in source.samples.chunks_exact(source.width.max(1)) {
        resizer.0.push(row);
    }
    resizer.finish_in(pool)
}
