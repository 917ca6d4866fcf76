//! Prediction of a block from the samples around it: AV1 7.11.2 and 7.11.5, to the bit.
//!
//! The loops are plain Rust over rows of a constant width, which the compiler turns into vectors for each of the
//! instruction sets that they are made for.

#![expect(
    clippy::inline_always,
    reason = "loops become vectors only within a function for a processor"
)]

mod directional;
mod edges;
mod luma;
mod modes;
mod rough;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use edges::{Available, Edges};
pub(crate) use luma::{from_luma, luma_ac};
pub(crate) use rough::{ROUGH, rough};

use super::processors::for_processors;
use crate::cpu::Cpu;

/// How a block is predicted, numbered as the standard does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mode {
    Dc = 0,
    Vertical = 1,
    Horizontal = 2,
    D45 = 3,
    D135 = 4,
    D113 = 5,
    D157 = 6,
    D203 = 7,
    D67 = 8,
    Smooth = 9,
    SmoothVertical = 10,
    SmoothHorizontal = 11,
    Paeth = 12,
}

/// Degrees from one angle of a directional mode to the next.
const ANGLE_STEP: i32 = 3;

impl Mode {
    /// All of them.
    pub(crate) const ALL: [Self; 13] = [
        Self::Dc,
        Self::Vertical,
        Self::Horizontal,
        Self::D45,
        Self::D135,
        Self::D113,
        Self::D157,
        Self::D203,
        Self::D67,
        Self::Smooth,
        Self::SmoothVertical,
        Self::SmoothHorizontal,
        Self::Paeth,
    ];

    /// The direction that samples come from, in degrees: from above at 90, from the left at 180.
    const fn angle(self) -> Option<i32> {
        match self {
            Self::Vertical => Some(90),
            Self::Horizontal => Some(180),
            Self::D45 => Some(45),
            Self::D135 => Some(135),
            Self::D113 => Some(113),
            Self::D157 => Some(157),
            Self::D203 => Some(203),
            Self::D67 => Some(67),
            _ => None,
        }
    }
}

/// The largest side of a block.
const LONGEST: usize = 64;

/// Predicts a block of `width` times `height` samples into `out` (rows without padding).
///
/// `angle_delta` is the deviation of a directional mode, -3 to 3; `smooth_neighbour` is the standard's `filterType`:
/// whether the block above or to the left is predicted by a smooth mode.
///
/// # Panics
///
/// If a side is not 4, 8, 16, 32 or 64, or `out` is not of the block's size.
#[expect(
    clippy::too_many_arguments,
    reason = "what the standard's process takes"
)]
pub(crate) fn predict(
    cpu: Cpu,
    mode: Mode,
    angle_delta: i8,
    smooth_neighbour: bool,
    edges: &Edges,
    width: usize,
    height: usize,
    out: &mut [u8],
) {
    assert!(out.len() == width * height && height <= LONGEST);
    if let Some(angle) = mode.angle() {
        let job = directional::Job {
            angle: angle + i32::from(angle_delta) * ANGLE_STEP,
            smooth_neighbour,
            edges,
        };
        directional::predict(cpu, job, width, out);
        return;
    }
    // The compiler makes good vectors of rows of 64 only.
    #[cfg(target_arch = "x86_64")]
    if cpu != Cpu::Portable && mode != Mode::Dc && width < LONGEST {
        x86::predict(mode, edges, width, out);
        return;
    }
    undirected(cpu, mode, edges, width, out);
}

for_processors! {
    fn undirected(mode: Mode, edges: &Edges, width: usize, out: &mut [u8]) = undirected_any;
}

#[inline(always)]
fn undirected_any(mode: Mode, edges: &Edges, width: usize, out: &mut [u8]) {
    match width {
        4 => undirected_rows::<4>(mode, edges, out.as_chunks_mut().0),
        8 => undirected_rows::<8>(mode, edges, out.as_chunks_mut().0),
        16 => undirected_rows::<16>(mode, edges, out.as_chunks_mut().0),
        32 => undirected_rows::<32>(mode, edges, out.as_chunks_mut().0),
        64 => undirected_rows::<64>(mode, edges, out.as_chunks_mut().0),
        _ => panic!("no block has this width"),
    }
}

#[inline(always)]
fn undirected_rows<const W: usize>(mode: Mode, edges: &Edges, out: &mut [[u8; W]]) {
    match mode {
        Mode::Smooth => modes::smooth(edges, out),
        Mode::SmoothVertical => modes::smooth_vertical(edges, out),
        Mode::SmoothHorizontal => modes::smooth_horizontal(edges, out),
        Mode::Paeth => modes::paeth(edges, out),
        _ => modes::dc(edges, out),
    }
}
