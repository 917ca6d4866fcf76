use std::ops::Range;

use super::geometry::Geometry;
use super::scan::Coding;
use super::units::Units;
use crate::cpu::Cpu;
use crate::jpeg::BlockSide;
use crate::jpeg::inverse::inverse;
use crate::planes::{RowSink, Rows};

/// Puts units into rows and makes samples of each row that is complete.
#[derive(Debug, Default)]
pub(super) struct RowBuffers {
    /// One row of units, component after component, row of blocks after row of blocks.
    coefficients: Vec<i16>,
    last: Vec<u8>,
    samples: Vec<u8>,
    /// Units of the row that are there.
    units: usize,
    /// Rows that have been delivered.
    row: usize,
}

impl RowBuffers {
    /// Makes room for a row of units, and starts with the first row.
    pub(super) fn prepare(&mut self, geometry: &Geometry) {
        self.coefficients.resize(geometry.coefficients, 0);
        self.last.resize(geometry.row_blocks, 0);
        self.last.fill(0);
        let samples = (geometry.lanes.iter())
            .map(|lane| lane.width * lane.side.samples() * lane.side.samples());
        self.samples.resize(samples.max().unwrap_or(0), 0);
        (self.units, self.row) = (0, 0);
    }

    /// Takes some of the whole units. Their DC coefficients are short of `offsets`, by lane.
    pub(super) fn take(
        &mut self,
        coding: &Coding<'_>,
        units: &Units,
        which: Range<usize>,
        offsets: [i32; 4],
        sink: &mut dyn RowSink,
    ) {
        let geometry = coding.geometry;
        let mut first = which.start;
        while first < which.end {
            let count = (which.end - first).min(geometry.units - self.units);
            self.place(geometry, units, first, count, offsets);
            first += count;
            self.units += count;
            if self.units == geometry.units {
                self.deliver(coding.cpu, geometry, sink);
                self.units = 0;
                self.row += 1;
            }
        }
    }

    /// Puts units that fit the row into it.
    fn place(
        &mut self,
        geometry: &Geometry,
        units: &Units,
        first: usize,
        count: usize,
        offsets: [i32; 4],
    ) {
        let (coefficients, last) = (units.coefficients(), units.last());
        let blocks = geometry.blocks.len();
        let mut source_at = first * geometry.unit_coefficients;
        for (index, plan) in geometry.blocks.iter().enumerate() {
            let area = plan.side.samples() * plan.side.samples();
            let place = self.units * plan.step;
            let target = self
                .coefficients
                .get_mut(plan.first_coefficient + place * area..);
            let target = target.unwrap_or_default().chunks_mut(plan.step * area);
            let source = coefficients.get(source_at..).unwrap_or_default();
            let pairs = target.zip(source.chunks(geometry.unit_coefficients).take(count));
            #[expect(clippy::cast_possible_truncation, reason = "wraps as libjpeg's does")]
            let offset = offsets[plan.lane & 3] as i16;
            match plan.side {
                BlockSide::One => copy::<1>(pairs, offset),
                BlockSide::Two => copy::<4>(pairs, offset),
                BlockSide::Four => copy::<16>(pairs, offset),
                BlockSide::Eight => copy::<64>(pairs, offset),
            }
            source_at += area;
            // Where only means are kept there are none of these.
            let target = self.last.get_mut(plan.first + place..).unwrap_or_default();
            let source = last.get(first * blocks + index..).unwrap_or_default();
            let target = target.iter_mut().step_by(plan.step).take(count);
            for (target, source) in target.zip(source.iter().step_by(blocks)) {
                *target = *source;
            }
        }
    }

    /// Transforms the row and gives it to the sink.
    fn deliver(&mut self, cpu: Cpu, geometry: &Geometry, sink: &mut dyn RowSink) {
        for lane in &geometry.lanes {
            let side = lane.side.samples();
            let stride = lane.width * side;
            for y in 0..lane.height {
                let (width, height) = lane.picture;
                let top = (self.row * lane.height + y) * side;
                let count = height.saturating_sub(top).min(side);
                if count == 0 {
                    break;
                }
                let first = lane.coefficients_at + y * lane.width * side * side;
                let coefficients = self
                    .coefficients
                    .get(first..first + lane.width * side * side);
                let first = lane.blocks_at + y * lane.width;
                let last = self.last.get(first..first + lane.width);
                let (Some(coefficients), Some(last)) = (coefficients, last) else {
                    continue;
                };
                inverse(
                    cpu,
                    lane.side,
                    coefficients,
                    last,
                    &lane.quantiser,
                    &mut self.samples,
                    stride,
                );
                sink.rows(
                    lane.component,
                    Rows {
                        samples: &self.samples,
                        stride,
                        width,
                        count,
                    },
                );
            }
        }
    }
}

/// Copies one block from each source to the start of its target.
fn copy<'a, const AREA: usize>(
    pairs: impl Iterator<Item = (&'a mut [i16], &'a [i16])>,
    offset: i16,
) {
    for (target, source) in pairs {
        if let (Some(target), Some(source)) =
            (target.first_chunk_mut::<AREA>(), source.first_chunk())
        {
            *target = *source;
            target[0] = target[0].wrapping_add(offset);
        }
    }
}
