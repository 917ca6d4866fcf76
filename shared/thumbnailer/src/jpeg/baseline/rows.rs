use super::geometry::Geometry;
use super::units::Units;
use crate::cpu::Cpu;
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

    /// Takes whole units from number `first` on. Their DC coefficients are short of `offsets`, by lane.
    pub(super) fn take(
        &mut self,
        cpu: Cpu,
        geometry: &Geometry,
        units: &Units,
        first: usize,
        offsets: [i32; 4],
        sink: &mut dyn RowSink,
    ) {
        let mut first = first;
        while first < units.count() {
            let count = (units.count() - first).min(geometry.units - self.units);
            if geometry.unit_coefficients == geometry.blocks.len() {
                self.place_means(geometry, units, first, count, offsets);
            } else {
                self.place(geometry, units, first, count, offsets);
            }
            first += count;
            self.units += count;
            if self.units == geometry.units {
                self.deliver(cpu, geometry, sink);
                self.units = 0;
                self.row += 1;
            }
        }
    }

    /// Puts units that fit the row into it, where only means are kept.
    fn place_means(
        &mut self,
        geometry: &Geometry,
        units: &Units,
        first: usize,
        count: usize,
        offsets: [i32; 4],
    ) {
        let blocks = geometry.blocks.len();
        let Some(source) = units
            .coefficients()
            .get(first * blocks..(first + count) * blocks)
        else {
            return;
        };
        for (index, plan) in geometry.blocks.iter().enumerate() {
            #[expect(clippy::cast_possible_truncation, reason = "wraps as libjpeg's does")]
            let offset = offsets[plan.lane & 3] as i16;
            let target = self
                .coefficients
                .get_mut(plan.first_coefficient + self.units * plan.step..);
            let target = target.unwrap_or_default().iter_mut().step_by(plan.step);
            for (target, value) in target.zip(source.iter().skip(index).step_by(blocks)) {
                *target = value.wrapping_add(offset);
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
        let blocks = geometry.blocks.len();
        let mut source = units
            .coefficients()
            .get(first * geometry.unit_coefficients..)
            .unwrap_or_default();
        let mut last = units
            .last()
            .get(first * blocks..)
            .unwrap_or_default()
            .iter();
        for unit in self.units..self.units + count {
            for plan in &geometry.blocks {
                let area = plan.side.samples() * plan.side.samples();
                let place = unit * plan.step;
                let at = plan.first_coefficient + place * area;
                let (Some((block, rest)), Some(target)) = (
                    source.split_at_checked(area),
                    self.coefficients.get_mut(at..at + area),
                ) else {
                    return;
                };
                source = rest;
                copy(target, block);
                if let Some(dc) = target.first_mut() {
                    #[expect(clippy::cast_possible_truncation, reason = "wraps as libjpeg's does")]
                    let offset = offsets[plan.lane & 3] as i16;
                    *dc = dc.wrapping_add(offset);
                }
                if let (Some(target), Some(last)) =
                    (self.last.get_mut(plan.first + place), last.next())
                {
                    *target = *last;
                }
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

/// Copies a block; of the sizes that there are, so that no call is made.
#[inline]
fn copy(target: &mut [i16], block: &[i16]) {
    fn fixed<const AREA: usize>(target: &mut [i16], block: &[i16]) -> bool {
        match (target.first_chunk_mut::<AREA>(), block.first_chunk()) {
            (Some(target), Some(block)) if block.len() == AREA => {
                *target = *block;
                true
            }
            _ => false,
        }
    }
    let _ = match block.len() {
        64 => fixed::<64>(target, block),
        16 => fixed::<16>(target, block),
        4 => fixed::<4>(target, block),
        _ => fixed::<1>(target, block),
    };
}
