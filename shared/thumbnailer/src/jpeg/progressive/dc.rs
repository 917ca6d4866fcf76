//! DC scans: the mean of each block, of one component or of several interleaved.

use super::blocks::Blocks;
use super::scan::{Code, Source};
use crate::jpeg::JpegError;
use crate::jpeg::bits::{Bits, signed};
use crate::jpeg::header::{Header, ScanHeader};

/// In which order the blocks of a scan come: T.81 section A.2.
#[derive(Debug)]
pub(super) struct Interleaving {
    /// The blocks of one unit.
    slots: Vec<Slot>,
    /// Units in a row.
    columns: usize,
    /// Rows of units.
    rows: usize,
}

#[derive(Debug)]
struct Slot {
    /// Which component of the scan.
    component: usize,
    /// Index of its DC coefficient in the first unit.
    first: usize,
    /// To that in the next unit.
    step: usize,
    /// To that in the next row of units.
    row_step: usize,
}

impl Interleaving {
    pub(super) fn new(header: &Header, scan: &ScanHeader, layout: &[Blocks]) -> Self {
        let alone = scan.components.len() == 1;
        let mut interleaving = Self {
            slots: Vec::new(),
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
                for column in 0..h {
                    interleaving.slots.push(Slot {
                        component,
                        first: blocks.first_coefficient + (row * blocks.stride + column) * of_block,
                        step: h * of_block,
                        row_step: v * blocks.stride * of_block,
                    });
                }
            }
        }
        interleaving
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
    let Some(code) = codes.first() else {
        return Err(JpegError::corrupt("a scan has no component"));
    };
    let mut by_component = [code; 4];
    for (by_component, code) in by_component.iter_mut().zip(codes) {
        *by_component = code;
    }
    let mut bits = source.begin(interleaving.slots.len());
    let mut left = source.interval;
    let mut before = [0_i32; 4];
    for row in 0..interleaving.rows {
        source.check(bits)?;
        for column in 0..interleaving.columns {
            if left == 0 {
                bits = source.restart(bits)?;
                left = source.interval;
                before = [0; 4];
            }
            left -= 1;
            source.ensure(&mut bits)?;
            let bytes = source.bytes();
            for slot in &interleaving.slots {
                bits.refill(bytes);
                let entry = match by_component[slot.component & 3].next(&mut bits) {
                    Ok(entry) => entry,
                    Err(error) => return Err(source.blame(bits, error)),
                };
                let difference = signed(
                    bits.buffer << ((entry.bits() - entry.size()) & 63),
                    entry.size(),
                );
                bits.consume(entry.bits());
                let before = &mut before[slot.component & 3];
                *before = before.wrapping_add(difference);
                let at = slot.first + row * slot.row_step + column * slot.step;
                if let Some(coefficient) = coefficients.get_mut(at) {
                    #[expect(
                        clippy::cast_possible_truncation,
                        reason = "only what no encoder writes is cut, and libjpeg cuts it too"
                    )]
                    let value = (*before << low) as i16;
                    *coefficient = value;
                }
            }
        }
    }
    Ok(bits)
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
    for row in 0..interleaving.rows {
        source.check(bits)?;
        for column in 0..interleaving.columns {
            if left == 0 {
                bits = source.restart(bits)?;
                left = source.interval;
            }
            left -= 1;
            source.ensure(&mut bits)?;
            // No unit has more than ten blocks, or sixteen of one component.
            bits.refill(source.bytes());
            for slot in &interleaving.slots {
                let bit = bits.take(1);
                let at = slot.first + row * slot.row_step + column * slot.step;
                if let Some(coefficient) = coefficients.get_mut(at) {
                    *coefficient |= i16::from(bit == 1) << low;
                }
            }
        }
    }
    Ok(bits)
}
