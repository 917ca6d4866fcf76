//! The samples around a block.

#![expect(
    clippy::inline_always,
    reason = "loops become vectors only within a function for a processor"
)]

use super::LONGEST;

/// How many decoded samples there are along a block's sides, the picture's end counted in: none if the side itself has
/// no neighbour, more than its length if what follows it is decoded too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Available {
    /// Of the row above, from the block's first column on.
    pub(crate) above: usize,
    /// Of the column to the left, from the block's first row on.
    pub(crate) left: usize,
}

/// Where the first sample after the corner is in a [`Side`]: far enough in that a row of a block may begin a whole row's
/// length before the samples that it needs.
pub(super) const ORIGIN: usize = LONGEST + 16;

/// A side's samples, from [`ORIGIN`] on; the corner before them. After them there is room for what a whole row of a block
/// reads beyond the samples that it needs.
pub(super) type Side = [u8; 256];

/// The samples above a block and to its left, by the rules for those that are not there (7.11.2). They are the same for
/// every mode.
#[derive(Debug, Clone)]
pub(crate) struct Edges {
    pub(super) above: Side,
    pub(super) left: Side,
    pub(super) available: Available,
}

/// What stands for samples when there are neither above nor left ones.
const ABOVE_NOTHING: u8 = 127;
const LEFT_NOTHING: u8 = 129;
const CORNER_NOTHING: u8 = 128;

impl Edges {
    /// Reads them from a plane, of which `samples` begins at the first row.
    ///
    /// # Panics
    ///
    /// If the block with its available neighbours is not within the plane.
    pub(crate) fn gather(
        samples: &[u8],
        stride: usize,
        x: usize,
        y: usize,
        width: usize,
        height: usize,
        available: Available,
    ) -> Self {
        let mut edges = Self {
            above: [0; 256],
            left: [0; 256],
            available,
        };
        let length = (width + height).min(2 * LONGEST);
        let above_count = available.above.min(length);
        let left_count = available.left.min(length);
        let above = &mut edges.above[ORIGIN..ORIGIN + length];
        if above_count > 0 {
            let from = (y - 1) * stride + x;
            let row = &samples[from..from + above_count];
            above[..above_count].copy_from_slice(row);
            above[above_count..].fill(row[above_count - 1]);
        }
        let left = &mut edges.left[ORIGIN..ORIGIN + length];
        if left_count > 0 {
            let column = samples[y * stride + x - 1..].iter().step_by(stride);
            let (real, beyond) = left.split_at_mut(left_count);
            for (sample, from) in real.iter_mut().zip(column) {
                *sample = *from;
            }
            beyond.fill(real[left_count - 1]);
        }
        let corner = match (above_count > 0, left_count > 0) {
            (true, true) => samples[(y - 1) * stride + x - 1],
            (true, false) => {
                left.fill(above[0]);
                above[0]
            }
            (false, true) => {
                above.fill(left[0]);
                left[0]
            }
            (false, false) => {
                above.fill(ABOVE_NOTHING);
                left.fill(LEFT_NOTHING);
                CORNER_NOTHING
            }
        };
        edges.above[ORIGIN - 1] = corner;
        edges.left[ORIGIN - 1] = corner;
        edges
    }

    /// The first samples above the block.
    #[inline(always)]
    pub(super) fn above<const W: usize>(&self) -> &[u8; W] {
        self.above[ORIGIN..].first_chunk().unwrap_or(&[0; W])
    }

    /// The first samples to the left of the block.
    #[inline(always)]
    pub(super) fn left(&self, height: usize) -> &[u8] {
        &self.left[ORIGIN..ORIGIN + height]
    }

    /// The sample above and to the left of the block.
    #[inline(always)]
    pub(super) fn corner(&self) -> u8 {
        self.above[ORIGIN - 1]
    }
}
