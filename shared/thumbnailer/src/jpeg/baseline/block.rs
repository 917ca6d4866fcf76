//! One block of coefficients: the inner loops of everything sequential.
#![expect(
    clippy::inline_always,
    reason = "the loops are compiled once for each set of instructions, with all that they call"
)]

use super::tables::{AcTables, DcTables};
use crate::jpeg::ZIGZAG;
use crate::jpeg::bits::{Bits, signed};

/// A code that stands for nothing, or more coefficients than a block has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadCode;

/// Reads a DC difference. Leaves at least 31 valid bits.
#[inline(always)]
pub(super) fn difference(tables: &DcTables, bytes: &[u8], bits: &mut Bits) -> Result<i32, BadCode> {
    bits.refill(bytes);
    let entry = tables.values.look_up(bits.buffer);
    if entry.is_long() {
        let value;
        (*bits, value) = long_difference(tables, bytes, *bits)?;
        return Ok(value);
    }
    let value = signed(
        bits.buffer << ((entry.bits() - entry.size()) & 63),
        entry.size(),
    );
    bits.consume(entry.bits());
    Ok(value)
}

#[cold]
#[inline(never)]
fn long_difference(
    tables: &DcTables,
    bytes: &[u8],
    mut bits: Bits,
) -> Result<(Bits, i32), BadCode> {
    let size = tables.symbols.decode(&mut bits).ok_or(BadCode)?;
    let value = bits.take_signed(u32::from(size & 15));
    bits.refill(bytes);
    Ok((bits, value))
}

/// Passes over one symbol where the skip table knows none, or knows more than belong to this block: the index after
/// it, 64 at the end of the block.
#[cold]
#[inline(never)]
pub(super) fn one_symbol(
    tables: &AcTables,
    bytes: &[u8],
    mut bits: Bits,
    next: u32,
) -> Result<(Bits, u32), BadCode> {
    bits.refill(bytes);
    let symbol = tables.symbols.decode(&mut bits).ok_or(BadCode)?;
    let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    bits.consume(size);
    match next + run + 1 {
        _ if size == 0 && run != 15 => Ok((bits, 64)),
        next @ ..=64 => Ok((bits, next)),
        _ => Err(BadCode),
    }
}

/// Reads the AC coefficients of a block that are kept into their places. Gives the highest zig-zag index that may not
/// be zero, and the index of the next coefficient, 64 when the block has ended.
///
/// `block` has a place for each coefficient that is kept, in row-major order, and at least one behind them for what is
/// not: `LENGTH`, a power of two, in all, unless all 64 are kept. All are zero.
#[inline(always)]
pub(super) fn coefficients<const SIDE: usize, const LENGTH: usize>(
    tables: &AcTables,
    bytes: &[u8],
    bits: &mut Bits,
    block: &mut [i16; LENGTH],
) -> Result<(u8, u32), BadCode> {
    let limit = const { limit(SIDE) };
    let places = const { &places(SIDE) };
    let mut next = 1_u32;
    let mut last = 0;
    loop {
        bits.refill(bytes);
        // Two of at most 25 bits for each refill.
        for _ in 0..2 {
            let entry = tables.values.look_up(bits.buffer);
            let (size, run, value);
            if entry.is_long() {
                (*bits, size, run, value) = long_coefficient(tables, bytes, *bits)?;
            } else {
                (size, run) = (entry.size(), entry.run());
                value = signed(bits.buffer << ((entry.bits() - size) & 63), size);
                bits.consume(entry.bits());
            }
            if size == 0 && run != 15 {
                return Ok((last, 64));
            }
            next += run;
            if next > limit {
                return if next < 64 {
                    Ok((last, next + 1))
                } else {
                    Err(BadCode)
                };
            }
            #[expect(clippy::cast_possible_truncation, reason = "wraps as libjpeg's does")]
            {
                block[usize::from(places[next as usize & 63]) & (LENGTH - 1)] = value as i16;
                last = next as u8;
            }
            next += 1;
            if next > limit {
                return Ok((last, next));
            }
        }
    }
}

#[cold]
#[inline(never)]
fn long_coefficient(
    tables: &AcTables,
    bytes: &[u8],
    mut bits: Bits,
) -> Result<(Bits, u32, u32, i32), BadCode> {
    bits.refill(bytes);
    let symbol = tables.symbols.decode(&mut bits).ok_or(BadCode)?;
    let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    let value = bits.take_signed(size);
    bits.refill(bytes);
    Ok((bits, size, run, value))
}

const fn limit(side: usize) -> u32 {
    match side {
        1 => 0,
        2 => 4,
        4 => 24,
        _ => 63,
    }
}

/// For each zig-zag index the place in a row-major block of `side * side`; one behind for what is not kept.
const fn places(side: usize) -> [u8; 64] {
    let mut places = [0; 64];
    let mut index = 0;
    while index < 64 {
        let (row, column) = (ZIGZAG[index] as usize / 8, ZIGZAG[index] as usize % 8);
        let place = if row < side && column < side {
            row * side + column
        } else {
            side * side
        };
        #[expect(clippy::cast_possible_truncation, reason = "at most 64")]
        {
            places[index] = place as u8;
        }
        index += 1;
    }
    places
}
