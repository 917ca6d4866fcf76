//! One block of coefficients: the inner loops of everything sequential.

use super::tables::{AcTables, DcTables};
use crate::jpeg::ZIGZAG;
use crate::jpeg::bits::{Bits, signed};
use crate::jpeg::huffman::SkipTable;

/// A code that stands for nothing, or more coefficients than a block has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadCode;

/// Reads a DC difference. Leaves at least 31 valid bits.
#[inline(always)]
pub(super) fn difference(tables: &DcTables, bytes: &[u8], bits: &mut Bits) -> Result<i32, BadCode> {
    bits.refill(bytes);
    let entry = tables.values.look_up(bits.buffer);
    if entry.is_long() {
        return long_difference(tables, bytes, bits);
    }
    let value = signed(
        bits.buffer << ((entry.bits() - entry.size()) & 63),
        entry.size(),
    );
    bits.consume(entry.bits());
    Ok(value)
}

#[cold]
fn long_difference(tables: &DcTables, bytes: &[u8], bits: &mut Bits) -> Result<i32, BadCode> {
    let size = tables.symbols.decode(bits).ok_or(BadCode)?;
    let value = bits.take_signed(u32::from(size & 15));
    bits.refill(bytes);
    Ok(value)
}

/// Passes over the AC coefficients from zig-zag index `next` (1 to 64) to the end of the block.
#[inline(always)]
pub(super) fn skip(
    tables: &AcTables,
    bytes: &[u8],
    bits: &mut Bits,
    mut next: u32,
) -> Result<(), BadCode> {
    const FULL: u32 = 64 << SkipTable::ADVANCE_SHIFT;
    if next >= 64 {
        return Ok(());
    }
    'refill: loop {
        bits.refill(bytes);
        // Sums up bits and coefficients at once: the bits of one refill do not reach those of the coefficients.
        let mut sum = next << SkipTable::ADVANCE_SHIFT;
        for _ in 0..SkipTable::LOOK_UPS {
            let entry = tables.skip.look_up(bits.buffer);
            let total = sum + entry;
            if total < FULL {
                bits.buffer = bits.buffer.wrapping_shl(entry);
                sum = total;
                continue;
            }
            let reached = total >> SkipTable::ADVANCE_SHIFT;
            if reached == 64 || reached.wrapping_sub(SkipTable::END_OF_BLOCK) < 64 {
                bits.buffer = bits.buffer.wrapping_shl(entry);
                bits.count = bits.count.wrapping_sub(total & 63);
                return Ok(());
            }
            bits.count = bits.count.wrapping_sub(sum & 63);
            next = one_symbol(tables, bytes, bits, sum >> SkipTable::ADVANCE_SHIFT)?;
            if next >= 64 {
                return Ok(());
            }
            continue 'refill;
        }
        bits.count = bits.count.wrapping_sub(sum & 63);
        next = sum >> SkipTable::ADVANCE_SHIFT;
    }
}

/// Passes over one symbol where the skip table knows none, or knows more than belong to this block: the index after
/// it, 64 at the end of the block.
#[cold]
#[inline(never)]
fn one_symbol(tables: &AcTables, bytes: &[u8], bits: &mut Bits, next: u32) -> Result<u32, BadCode> {
    bits.refill(bytes);
    let symbol = tables.symbols.decode(bits).ok_or(BadCode)?;
    let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    bits.consume(size);
    match next + run + 1 {
        _ if size == 0 && run != 15 => Ok(64),
        next @ ..=64 => Ok(next),
        _ => Err(BadCode),
    }
}

/// Reads the AC coefficients of a block that are kept, into their places, and passes over the others. Gives the
/// highest zig-zag index that may not be zero.
///
/// `block` has a place for each coefficient that is kept, in row-major order, and at least one behind them for what is
/// not: `LENGTH`, a power of two, in all, unless all 64 are kept. All are zero.
#[inline(always)]
pub(super) fn coefficients<const SIDE: usize, const LENGTH: usize>(
    tables: &AcTables,
    bytes: &[u8],
    bits: &mut Bits,
    block: &mut [i16; LENGTH],
) -> Result<u8, BadCode> {
    let limit = const { limit(SIDE) };
    let places = const { &places(SIDE) };
    let mut next = 1_u32;
    let mut last = 0;
    'block: {
        while next <= limit {
            bits.refill(bytes);
            // Two of at most 25 bits for each refill.
            for _ in 0..2 {
                let entry = tables.values.look_up(bits.buffer);
                let (size, run);
                let value = if entry.is_long() {
                    bits.refill(bytes);
                    let symbol = tables.symbols.decode(bits).ok_or(BadCode)?;
                    (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
                    let value = bits.take_signed(size);
                    bits.refill(bytes);
                    value
                } else {
                    (run, size) = (entry.run(), entry.size());
                    let buffer = bits.buffer << ((entry.bits() - size) & 63);
                    bits.consume(entry.bits());
                    signed(buffer, size)
                };
                if size == 0 && run != 15 {
                    return Ok(last);
                }
                next += run;
                if next > limit {
                    if next > 63 {
                        return Err(BadCode);
                    }
                    next += 1;
                    break 'block;
                }
                let place = usize::from(places[next as usize & 63]);
                #[expect(clippy::cast_possible_truncation, reason = "wraps as libjpeg's does")]
                {
                    block[place & (LENGTH - 1)] = value as i16;
                    last = next as u8;
                }
                next += 1;
                if next > limit {
                    break 'block;
                }
            }
        }
    }
    if SIDE < 8 {
        skip(tables, bytes, bits, next)?;
    }
    Ok(last)
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
