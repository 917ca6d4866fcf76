//! The predictions along a direction (7.11.2.4), with the smoothing and the doubling of the edges that go before.

#[macro_use]
mod kernel;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::edges::{ORIGIN, Side};
use super::{Edges, LONGEST};
use crate::cpu::Cpu;

/// How far a step of one row or column moves along the other edge, in 64ths, by a third of the angle in degrees: its
/// cotangent, as the standard rounds it. Angles that no mode has are zero.
static STEPS: [u16; 30] = [
    0, 1023, 547, 372, 273, 215, 178, 151, 132, 116, 102, 0, 90, 80, 71, 64, 57, 51, 45, 40, 35,
    31, 27, 23, 19, 15, 0, 11, 7, 3,
];

/// The step of an angle between the direction and an edge.
#[inline]
fn step(angle: i32) -> u16 {
    let place = usize::try_from(angle / 3).unwrap_or(0);
    STEPS.get(place).copied().unwrap_or(0)
}

/// The smoothing of an edge by strength: the weights of a sample, of its neighbours and of theirs, in sixteenths.
const KERNELS: [[u16; 3]; 3] = [[8, 4, 0], [6, 5, 0], [4, 4, 2]];

/// How strongly an edge is smoothed (7.11.2.9), by its angle to the direction and the sum of the block's sides.
#[inline]
fn strength(sides: usize, smooth_neighbour: bool, angle: i32) -> usize {
    if smooth_neighbour {
        match sides {
            ..=8 => usize::from(angle >= 40) + usize::from(angle >= 64),
            9..=16 => usize::from(angle >= 20) + usize::from(angle >= 48),
            17..=24 => 3 * usize::from(angle >= 4),
            _ => 3,
        }
    } else {
        match sides {
            ..=8 => usize::from(angle >= 56),
            9..=16 => usize::from(angle >= 40),
            17..=24 => {
                usize::from(angle >= 8) + usize::from(angle >= 16) + usize::from(angle >= 32)
            }
            25..=32 => 1 + usize::from(angle >= 4) + usize::from(angle >= 32),
            _ => 3,
        }
    }
}

/// Whether an edge is doubled (7.11.2.10).
#[inline]
fn doubles(sides: usize, smooth_neighbour: bool, angle: i32) -> bool {
    angle > 0 && angle < 40 && sides <= if smooth_neighbour { 8 } else { 16 }
}

/// The corner, smoothed between its neighbours if the direction passes it in a block that is large enough (7.11.2.7).
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a mean of bytes")]
fn corner(angle: i32, sides: usize, edges: &Edges) -> u8 {
    let corner = edges.corner();
    if angle > 90 && angle < 180 && sides >= 24 {
        let neighbours = u16::from(edges.left[ORIGIN]) + u16::from(edges.above[ORIGIN]);
        ((5 * neighbours + 6 * u16::from(corner) + 8) >> 4) as u8
    } else {
        corner
    }
}

/// An edge as one direction wants it.
struct Line {
    samples: Side,
    /// Whether there are samples between the samples.
    doubled: bool,
}

impl Line {
    /// A side's samples as they are.
    #[inline]
    fn new(side: &Side) -> Self {
        Self {
            samples: *side,
            doubled: false,
        }
    }

    /// Lets the sample at `last` stand for all after it that a row of a block may read.
    #[inline]
    fn end_at(&mut self, last: usize) {
        let value = self.samples[ORIGIN + last];
        // The longest edge ends at 127 samples, and a row reads at most 176 samples after the origin: see `along`.
        if let Some(beyond) = self.samples[ORIGIN + last..].first_chunk_mut::<48>() {
            beyond.fill(value);
        }
    }
}

/// Ones from [`LONGEST`] on: what a row takes that begins at some column.
static FROM: [u8; 2 * LONGEST] = {
    let mut ones = [0; 2 * LONGEST];
    let mut place = LONGEST;
    while place < 2 * LONGEST {
        ones[place] = u8::MAX;
        place += 1;
    }
    ones
};

/// What is predicted.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    /// In degrees.
    pub(super) angle: i32,
    pub(super) smooth_neighbour: bool,
    pub(super) edges: &'a Edges,
}

/// Predicts along an angle, in rows of `width` samples.
pub(super) fn predict(cpu: Cpu, job: Job<'_>, width: usize, out: &mut [u8]) {
    match cpu {
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx2 | Cpu::Avx512 => x86::predict(job, width, out),
        _ => portable::predict(job, width, out),
    }
}
