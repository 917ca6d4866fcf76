//! The coefficients of blocks whose beginnings are known: the inner loops of what is kept.
#![expect(
    clippy::inline_always,
    reason = "the loops are compiled once for each set of instructions, with all that they call"
)]

use std::hint::select_unpredictable;

use super::stream::Plan;
use super::tables::{AcTables, DcTables};
use crate::jpeg::ZIGZAG;
use crate::jpeg::bits::{Bits, word_at};
use crate::jpeg::huffman::{SymbolTable, Value};

/// A code that stands for nothing, or more coefficients than a block has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadCode;

/// Bits that [`buffer_at`] guarantees.
pub(super) const REFILLED: u32 = 57;
const _: () = assert!(Value::LONG > REFILLED);

/// The bits from a position on, highest first.
#[inline(always)]
pub(super) fn buffer_at(bytes: &[u8], position: usize) -> u64 {
    word_at(bytes, position / 8) << (position % 8)
}

/// Reads a DC difference.
#[inline(always)]
pub(super) fn difference(tables: &DcTables, bytes: &[u8], position: usize) -> i16 {
    dc(tables, bytes, position).1
}

/// Reads a DC difference. Gives the position behind it too.
#[inline(always)]
fn dc(tables: &DcTables, bytes: &[u8], position: usize) -> (usize, i16) {
    let buffer = buffer_at(bytes, position);
    let entry = tables.values.look_up(buffer);
    if is_long(entry.bits()) {
        let symbol = Symbol::read(&tables.symbols, bytes, position);
        return (position + symbol.bits, symbol.value);
    }
    (
        position + (entry.bits() & 255) as usize,
        entry.value(buffer),
    )
}

/// Whether entries of these bits, up to four of them added up, have come to a code that the table does not hold, or to more
/// bits than there were.
#[inline(always)]
fn is_long(bits: u32) -> bool {
    bits & 255 > REFILLED
}

/// A symbol and the value that follows it.
#[derive(Debug)]
struct Symbol {
    bits: usize,
    run: u32,
    size: u32,
    value: i16,
}

impl Symbol {
    /// Reads one where codes have been gone over already, so that it is there.
    #[cold]
    #[inline(never)]
    fn read(symbols: &SymbolTable, bytes: &[u8], position: usize) -> Self {
        let mut bits = Bits {
            buffer: buffer_at(bytes, position),
            count: REFILLED,
            at: 0,
        };
        let symbol = symbols.decode(&mut bits).unwrap_or_default();
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        #[expect(clippy::cast_possible_truncation, reason = "wraps as libjpeg's does")]
        let value = bits.take_signed(size) as i16;
        Self {
            bits: (REFILLED - bits.count) as usize,
            run,
            size,
            value,
        }
    }
}

/// Coefficients that are read with one refill.
const GROUP: usize = 4;

/// Reads two blocks at once: the kept AC coefficients into their places in row-major order, and DC differences into the
/// first ones. Gives the highest zig-zag index of each that may not be zero.
#[inline(always)]
pub(super) fn coefficients<const SIDE: usize, const AREA: usize>(
    plan: &Plan<'_>,
    bytes: &[u8],
    [position, other_position]: [usize; 2],
    [block, other_block]: [&mut [i16; AREA]; 2],
) -> (u8, u8) {
    let (position, difference) = dc(plan.dc, bytes, position);
    let (other_position, other_difference) = dc(plan.dc, bytes, other_position);
    let mut reader = Reader::<SIDE, AREA>::new(position, block);
    let mut other = Reader::<SIDE, AREA>::new(other_position, other_block);
    loop {
        reader.begin_group(bytes);
        other.begin_group(bytes);
        let (start, other_start) = (reader.place, other.place);
        for _ in 0..GROUP {
            reader.coefficient(plan.ac);
            other.coefficient(plan.ac);
        }
        reader.end_group(start, plan.ac, bytes);
        other.end_group(other_start, plan.ac, bytes);
        // Side two has no more than a group.
        if SIDE == 2 || reader.is_over() && other.is_over() {
            break;
        }
    }
    reader.block[0] = difference;
    other.block[0] = other_difference;
    #[expect(clippy::cast_possible_truncation, reason = "at most 63")]
    let last = (reader.place.last as u8, other.place.last as u8);
    last
}

/// A block that is being read to `SIDE * SIDE = AREA` coefficients.
struct Reader<'a, const SIDE: usize, const AREA: usize> {
    block: &'a mut [i16; AREA],
    place: Place,
    buffer: u64,
    /// Bits that the group has taken, in the lowest byte.
    bits: u32,
}

/// Where a reader is.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// In bits; that of the group, while it is read.
    position: usize,
    /// Index of the next coefficient.
    next: u32,
    /// The highest index of one that was kept.
    last: u32,
}

impl<'a, const SIDE: usize, const AREA: usize> Reader<'a, SIDE, AREA> {
    /// The last index of what is kept.
    const LIMIT: u32 = limit(SIDE);

    const PLACES: &'static [u8; PLACES] = &places(SIDE);

    /// A reader behind the DC code.
    #[inline(always)]
    fn new(position: usize, block: &'a mut [i16; AREA]) -> Self {
        block.fill(0);
        Self {
            block,
            place: Place {
                position,
                next: 1,
                last: 0,
            },
            buffer: 0,
            bits: 0,
        }
    }

    #[inline(always)]
    fn begin_group(&mut self, bytes: &[u8]) {
        self.buffer = buffer_at(bytes, self.place.position);
        self.bits = 0;
        // What is beyond the block stays within the table of places.
        self.place.next = self.place.next.min(64);
    }

    /// Reads a coefficient. Beyond the last one it reads nonsense, and does no harm.
    #[inline(always)]
    fn coefficient(&mut self, ac: &AcTables) {
        let entry = ac.values.look_up(self.buffer);
        self.place.next += entry.advance();
        let index = self.place.next - 1;
        let place = Self::PLACES[index as usize % PLACES];
        self.block[usize::from(place) % AREA] = entry.value(self.buffer);
        // Side two makes no use of it.
        if SIDE > 2 {
            self.place.last = select_unpredictable(index <= Self::LIMIT, index, self.place.last);
        }
        self.buffer = self.buffer.wrapping_shl(entry.bits());
        self.bits = self.bits.wrapping_add(entry.bits());
    }

    #[inline(always)]
    fn end_group(&mut self, start: Place, ac: &AcTables, bytes: &[u8]) {
        if is_long(self.bits) && start.next <= Self::LIMIT {
            self.place = one_by_one(ac, bytes, start, self.block, Self::PLACES, Self::LIMIT);
        } else {
            self.place.position += (self.bits & 255) as usize;
        }
    }

    #[inline(always)]
    fn is_over(&self) -> bool {
        self.place.next > Self::LIMIT
    }
}

/// Reads what a group does where that has come to a code that the table does not hold.
#[cold]
#[inline(never)]
fn one_by_one(
    ac: &AcTables,
    bytes: &[u8],
    mut place: Place,
    block: &mut [i16],
    places: &[u8; PLACES],
    limit: u32,
) -> Place {
    // The group may have made something of bits that were not there.
    for place in places
        .iter()
        .take(limit as usize + 1)
        .skip(place.next as usize)
    {
        if let Some(value) = block.get_mut(usize::from(*place)) {
            *value = 0;
        }
    }
    for _ in 0..GROUP {
        let symbol = Symbol::read(&ac.symbols, bytes, place.position);
        place.position += symbol.bits;
        let is_end = symbol.size == 0 && symbol.run != 15;
        let index = place.next + symbol.run;
        place.next = if is_end { 64 } else { index + 1 };
        if is_end || index > limit {
            break;
        }
        place.last = index;
        if let Some(value) = block.get_mut(usize::from(places[index as usize % PLACES])) {
            *value = symbol.value;
        }
        if place.next > limit {
            break;
        }
    }
    place
}

/// The last index of what is kept.
const fn limit(side: usize) -> u32 {
    match side {
        1 => 0,
        2 => 4,
        4 => 24,
        _ => 63,
    }
}

/// Indices that a group may come to: it begins with 64 at most, and advances by 65 at most each time.
const PLACES: usize = 512;
const _: () = assert!(64 + GROUP * 65 <= PLACES);

/// For each zig-zag index the place in a row-major block of `side * side`. What is not kept goes where DC will be, which
/// comes last.
const fn places(side: usize) -> [u8; PLACES] {
    let mut places = [0; PLACES];
    let mut index = 0;
    while index < 64 {
        let (row, column) = (ZIGZAG[index] as usize / 8, ZIGZAG[index] as usize % 8);
        if row < side && column < side {
            #[expect(clippy::cast_possible_truncation, reason = "at most 63")]
            {
                places[index] = (row * side + column) as u8;
            }
        }
        index += 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg::BlockSide;
    use crate::jpeg::huffman::{HuffmanCode, Skips};

    #[test]
    fn coefficients_of_more_bits_than_a_refill_gives_leave_nothing_else_behind() {
        let code = |length: usize, symbols: &[u8]| {
            let mut counts = [0; 16];
            counts[length - 1] = u8::try_from(symbols.len()).unwrap();
            HuffmanCode::new(counts, symbols).unwrap()
        };
        let dc = DcTables::new(code(1, &[0])).unwrap();
        // Five zeros and a value of one bit are 0000, a value of 15 bits is 0001, the end of the block is 0010.
        let ac = AcTables::new(&code(4, &[0x51, 0x0f, 0x00]));
        let first = Skips::first(&code(1, &[0]), &ac.skips);
        let plan = Plan {
            lane: 0,
            side: BlockSide::Eight,
            dc: &dc,
            ac: &ac,
            first: &first,
        };
        // From bit 7 on a refill gives 57 bits: three of these.
        let value = "0001".to_owned() + &"1".repeat(15);
        let bits = "0".repeat(7) + &value.repeat(4) + "0010" + &"0".repeat(80);
        let bytes: Vec<u8> = (bits.as_bytes().chunks_exact(8))
            .map(|byte| {
                byte.iter()
                    .fold(0, |sum, bit| sum << 1 | u8::from(*bit == b'1'))
            })
            .collect();
        let (mut one, mut other) = ([7; 64], [7; 64]);
        let last = coefficients::<8, 64>(&plan, &bytes, [6, 6], [&mut one, &mut other]);
        let mut expected = [0; 64];
        for index in 1..5 {
            expected[usize::from(ZIGZAG[index])] = 0x7fff;
        }
        assert_eq!((one, other), (expected, expected));
        assert_eq!(last, (4, 4));
    }
}
