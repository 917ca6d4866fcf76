#![expect(
    clippy::inline_always,
    reason = "the loops are compiled once for each set of instructions, with all that they call"
)]

use super::HuffmanCode;
use super::coefficient::Entry;

/// Bits of an index: as many as leave room for four look-ups in one refill. Tables of 13 bits and 16-bit entries for
/// luma and chroma, 16 KiB each, share the first cache.
const INDEX_BITS: u32 = 13;
const _: () = assert!(MOST_BITS * SkipTable::LOOK_UPS <= crate::jpeg::bits::Bits::REFILLED);

/// An entry goes no further than this. The value of its last symbol need not be among the bits of the index: nobody
/// wants it.
const MOST_BITS: u32 = 14;

/// Passes over AC coefficients that nobody needs: one look-up goes over all the symbols whose codes lie within the bits
/// of an index.
#[derive(Debug, Clone)]
pub(crate) struct SkipTable {
    entries: Box<[u16; 1 << INDEX_BITS]>,
}

impl SkipTable {
    /// How many look-ups one refill is enough for.
    pub(crate) const LOOK_UPS: u32 = 4;
    /// An entry is the number of its bits in the lowest six, so that it can be a shift as it is, and above them by how
    /// many coefficients it advances.
    pub(crate) const ADVANCE_SHIFT: u32 = 6;
    /// Is added to the advance when the last symbol ends the block.
    pub(crate) const END_OF_BLOCK: u32 = 512;
    /// The advance when not even one symbol fits.
    pub(crate) const NOTHING: u32 = 1023;

    /// The table of a code.
    pub(crate) fn new(code: &HuffmanCode) -> Self {
        let mut first = vec![Entry::default(); 1 << INDEX_BITS];
        for word in code.codes() {
            if let Some(entries) = word.entries(INDEX_BITS)
                && let Some(entries) = first.get_mut(entries)
            {
                entries.fill(Entry::of(word.symbol, word.length));
            }
        }
        Self {
            entries: several(&first),
        }
    }

    /// What to add to a sum of advances (from [`SkipTable::ADVANCE_SHIFT`] on) and bits (below it) for the highest bits
    /// of `buffer`.
    #[inline(always)]
    pub(crate) fn look_up(&self, buffer: u64) -> u32 {
        let index = (buffer >> (64 - INDEX_BITS)) as usize;
        u32::from(self.entries[index])
    }
}

/// An entry without a symbol.
const NOTHING: u16 = 1023 << 6;
const _: () = assert!(NOTHING as u32 == SkipTable::NOTHING << SkipTable::ADVANCE_SHIFT);

/// The flag of an entry whose last symbol ends the block.
const END: u16 = 512 << 6;
const _: () = assert!(END as u32 == SkipTable::END_OF_BLOCK << SkipTable::ADVANCE_SHIFT);

/// From the first symbol at each index to all of them.
///
/// Worked out for every number of remaining bits from none upwards, the whole symbols of `r` bits are the first one and
/// those of the bits that it leaves, which are known by then: constant work for each of twice the entries.
fn several(first: &[Entry]) -> Box<[u16; 1 << INDEX_BITS]> {
    // The entries of r bits start at 2^r.
    let mut known = vec![NOTHING; 2 << INDEX_BITS];
    for remaining in 1..=INDEX_BITS {
        let (below, these) = known.split_at_mut(1 << remaining);
        let firsts = first.iter().step_by(1 << (INDEX_BITS - remaining));
        for ((entry, &head), index) in these.iter_mut().zip(firsts).zip(0_usize..) {
            let is_within = head.bits() - head.size() <= remaining
                && head.bits() <= remaining + MOST_BITS - INDEX_BITS;
            if head.is_long() || !is_within {
                continue;
            }
            #[expect(clippy::cast_possible_truncation, reason = "at most 14 bits")]
            let bits = head.bits() as u16;
            if head.is_end_of_block() {
                *entry = END | bits;
                continue;
            }
            #[expect(clippy::cast_possible_truncation, reason = "at most 16")]
            let head = (head.run() as u16 + 1) << SkipTable::ADVANCE_SHIFT | bits;
            let Some(left) = remaining.checked_sub(u32::from(bits)) else {
                *entry = head;
                continue;
            };
            let rest = index & ((1 << left) - 1) | 1 << left;
            let tail = below.get(rest).copied().unwrap_or(NOTHING);
            // An advance of a whole block and more is never right, and must not be taken for a flag.
            let advance = (head + (tail & !END)) >> SkipTable::ADVANCE_SHIFT;
            *entry = if tail == NOTHING || advance >= 64 {
                head
            } else {
                head + tail
            };
        }
    }
    let mut entries = Box::new([NOTHING; 1 << INDEX_BITS]);
    for (entry, known) in entries.iter_mut().zip(known.iter().skip(1 << INDEX_BITS)) {
        *entry = *known;
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::super::SymbolTable;
    use super::super::tests::annex_k_ac;
    use super::*;
    use crate::jpeg::bits::Bits;

    /// What an entry ought to be, symbol by symbol.
    fn one_by_one(symbols: &SymbolTable, index: u64) -> u32 {
        let (mut used, mut advance) = (0, 0);
        while used < INDEX_BITS {
            let mut bits = Bits {
                buffer: (index << (64 - INDEX_BITS)) << used,
                count: 63,
                at: 8,
            };
            let Some(symbol) = symbols.decode(&mut bits) else {
                break;
            };
            let code = used + 63 - bits.count;
            let total = code + u32::from(symbol & 15);
            if code > INDEX_BITS || total > MOST_BITS {
                break;
            }
            if symbol == 0 {
                return (advance + SkipTable::END_OF_BLOCK) << SkipTable::ADVANCE_SHIFT | total;
            }
            if advance + u32::from(symbol >> 4) + 1 >= 64 {
                break;
            }
            advance += u32::from(symbol >> 4) + 1;
            used = total;
        }
        let advance = if used == 0 {
            SkipTable::NOTHING
        } else {
            advance
        };
        advance << SkipTable::ADVANCE_SHIFT | used
    }

    #[test]
    fn an_entry_holds_every_symbol_whose_code_lies_in_it() {
        let code = annex_k_ac();
        let (table, symbols) = (SkipTable::new(&code), SymbolTable::new(&code));
        for index in 0..1 << INDEX_BITS {
            let expected = one_by_one(&symbols, index);
            assert_eq!(
                table.look_up(index << (64 - INDEX_BITS)),
                expected,
                "{index:013b}"
            );
        }
    }
}
