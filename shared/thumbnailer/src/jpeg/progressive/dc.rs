//! DC scans: the mean of each block, of one component or of several interleaved.

use super::blocks::Blocks;
use super::scan::{Code, Source, no_code};
use crate::jpeg::JpegError;
use crate::jpeg::bits::{Bits, signed};
use crate::jpeg::header::{Header, ScanHeader};

/// In which order the blocks of a scan come: T.81 section A.2.
#[derive(Debug)]
pub(super) struct Interleaving {
    /// The blocks of one unit: of which component of the scan each is.
    unit: Vec<usize>,
    /// The same blocks by rows of each component.
    lines: Vec<Line>,
    /// Units in a row.
    columns: usize,
    /// Rows of units.
    rows: usize,
}

/// The blocks of a unit that are beside each other.
#[derive(Debug)]
struct Line {
    /// Index in the unit of the first.
    index: usize,
    /// How many.
    blocks: usize,
    /// Index of the first DC coefficient in the buffer.
    first: usize,
    /// Distance of two of them in a row.
    of_block: usize,
    /// To the first in the next row of units.
    row_step: usize,
}

impl Interleaving {
    pub(super) fn new(header: &Header, scan: &ScanHeader, layout: &[Blocks]) -> Self {
        let alone = scan.components.len() == 1;
        let mut interleaving = Self {
            unit: Vec::new(),
            lines: Vec::new(),
            columns: header.width.div_ceil(8 * u32::from(header.h_max)) as usize,
            rows: header.height.div_ceil(8 * u32::from(header.v_max)) as usize,
        };
        for (component, scanned) in scan.components.iter().enumerate() {
            let (Some(blocks), Some(frame)) = (
                layout.get(scanned.index),
                header.components.get(scanned.index),
            ) else {
                continue;
            };
            let (mut h, mut v) = (usize::from(frame.h), usize::from(frame.v));
            if alone {
                (h, v) = (1, 1);
                (interleaving.columns, interleaving.rows) = (blocks.width, blocks.rows);
            }
            let of_block = blocks.of_block();
            for row in 0..v {
                interleaving.lines.push(Line {
                    index: interleaving.unit.len(),
                    blocks: h,
                    first: blocks.first_coefficient + row * blocks.stride * of_block,
                    of_block,
                    row_step: v * blocks.stride * of_block,
                });
                interleaving.unit.extend(std::iter::repeat_n(component, h));
            }
        }
        interleaving
    }
}

impl Line {
    /// Calls `set` for each DC coefficient of a row of units, with what `units` has for its unit, and its index there.
    #[inline(always)]
    fn set<U: Copy>(
        &self,
        row: usize,
        coefficients: &mut [i16],
        units: impl Iterator<Item = U>,
        set: impl Fn(&mut i16, U, usize),
    ) {
        let row = coefficients.get_mut(self.first + row * self.row_step..);
        let row = row.unwrap_or_default();
        // What the smallest size of most images has is a loop over a slice.
        match (self.blocks, self.of_block) {
            (1, 1) => {
                for (coefficient, unit) in row.iter_mut().zip(units) {
                    set(coefficient, unit, self.index);
                }
            }
            (2, 1) => {
                for ([left, right], unit) in row.as_chunks_mut().0.iter_mut().zip(units) {
                    set(left, unit, self.index);
                    set(right, unit, self.index + 1);
                }
            }
            (blocks, of_block) => {
                for (line, unit) in row.chunks_mut(blocks * of_block).zip(units) {
                    for (index, block) in (self.index..).zip(line.chunks_mut(of_block)) {
                        if let Some(coefficient) = block.first_mut() {
                            set(coefficient, unit, index);
                        }
                    }
                }
            }
        }
    }
}

/// The first DC scan: differences, in codes as in a sequential scan.
#[inline(always)]
pub(super) fn first(
    source: &mut Source<'_>,
    interleaving: &Interleaving,
    codes: &[Code],
    low: u32,
    coefficients: &mut [i16],
) -> Result<Bits, JpegError> {
    let unit = interleaving.unit.as_slice();
    let Some(code) = codes.first() else {
        return Err(JpegError::corrupt("a scan has no component"));
    };
    let mut predicted = Predicted {
        codes: [code; 4],
        before: [0; 4],
        low,
    };
    for (by_component, code) in predicted.codes.iter_mut().zip(codes) {
        *by_component = code;
    }
    let mut bits = source.begin(unit.len());
    let mut left = source.interval;
    // One row of units in their order.
    let mut values = vec![0; interleaving.columns * unit.len()];
    for row in 0..interleaving.rows {
        source.check(bits)?;
        for values in values.chunks_exact_mut(unit.len()) {
            if left == 0 {
                bits = source.restart(bits)?;
                left = source.interval;
                predicted.before = [0; 4];
            }
            left -= 1;
            source.ensure(&mut bits)?;
            if predicted
                .unit(source.bytes(), &mut bits, unit, values)
                .is_none()
            {
                return Err(source.blame(bits, no_code()));
            }
        }
        for line in &interleaving.lines {
            let units = values.chunks_exact(unit.len());
            line.set(row, coefficients, units, |coefficient, unit, index| {
                *coefficient = unit.get(index).copied().unwrap_or_default();
            });
        }
    }
    Ok(bits)
}

/// What DC differences are added to, for each component of the scan.
struct Predicted<'a> {
    codes: [&'a Code; 4],
    before: [i32; 4],
    low: u32,
}

impl Predicted<'_> {
    /// Decodes a unit; `None` when there is no such code.
    #[inline(always)]
    fn unit(
        &mut self,
        bytes: &[u8],
        bits: &mut Bits,
        unit: &[usize],
        values: &mut [i16],
    ) -> Option<()> {
        // Two codes that are not long, with their values, are at most 50 bits: refill for two.
        let (pairs, single) = unit.as_chunks();
        let (value_pairs, single_value) = values.as_chunks_mut();
        for (&[first, second], [first_value, second_value]) in pairs.iter().zip(value_pairs) {
            bits.refill(bytes);
            *first_value = self.block(bytes, bits, first)?;
            *second_value = self.block(bytes, bits, second)?;
        }
        for (&component, value) in single.iter().zip(single_value) {
            bits.refill(bytes);
            *value = self.block(bytes, bits, component)?;
        }
        Some(())
    }

    #[inline(always)]
    fn block(&mut self, bytes: &[u8], bits: &mut Bits, component: usize) -> Option<i16> {
        let entry = self.codes[component & 3].next(bytes, bits)?;
        let value_bits = bits.buffer << ((entry.bits() - entry.size()) & 63);
        let before = &mut self.before[component & 3];
        *before = before.wrapping_add(signed(value_bits, entry.size()));
        bits.consume(entry.bits());
        #[expect(
            clippy::cast_possible_truncation,
            reason = "only what no encoder writes is cut, and libjpeg cuts it too"
        )]
        let value = (*before << self.low) as i16;
        Some(value)
    }
}

/// A later DC scan: one more bit of each.
#[inline(always)]
pub(super) fn refine(
    source: &mut Source<'_>,
    interleaving: &Interleaving,
    low: u32,
    coefficients: &mut [i16],
) -> Result<Bits, JpegError> {
    let mut bits = source.begin(1);
    let mut left = source.interval;
    // The bits of each unit in a row.
    let mut units = vec![0_u16; interleaving.columns];
    #[expect(clippy::cast_possible_truncation, reason = "at most ten")]
    let length = interleaving.unit.len() as u32;
    let last = interleaving.unit.len().saturating_sub(1);
    for row in 0..interleaving.rows {
        source.check(bits)?;
        for unit in &mut units {
            if left == 0 {
                bits = source.restart(bits)?;
                left = source.interval;
            }
            left -= 1;
            source.ensure(&mut bits)?;
            bits.refill(source.bytes());
            #[expect(clippy::cast_possible_truncation, reason = "at most ten bits")]
            let word = bits.take(length) as u16;
            *unit = word;
        }
        for line in &interleaving.lines {
            line.set(
                row,
                coefficients,
                units.iter(),
                |coefficient, unit, index| {
                    // The first bit of a unit is the highest.
                    let bit = unit >> (last - index) & 1;
                    *coefficient |= bit.cast_signed() << low;
                },
            );
        }
    }
    Ok(bits)
}
