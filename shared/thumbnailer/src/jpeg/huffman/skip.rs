#![expect(
    clippy::inline_always,
    reason = "the loops are compiled once for each set of instructions, with all that they call"
)]

use super::HuffmanCode;
use super::coefficient::Entry;

/// Bits of an index: longer ones would go over more at once, but the tables of luma and chroma, 16 KiB each for
/// the beginning of a block and for what follows, fill the first cache already.
const INDEX_BITS: u32 = 13;

/// A look-up may go this far past the bits of its index: the value of its last symbol need not be among them, since nobody
/// wants it.
const OVERHANG: u32 = 1;

/// By the next 13 bits, what all symbols come to whose codes lie within them, and whose values do so but for
/// [`OVERHANG`]. A symbol that is alone may have more bits.
///
/// An entry is the number of those bits in its lowest seven, so that it can be a shift as it is, and above them by how many
/// coefficients it advances. Added up over [`Skips::LOOK_UPS`], from [`Skips::START`] at the beginning of each block,
/// entries say of themselves how it went:
///
/// | advance | |
/// |---|---|
/// | 0 to 62 | within the block |
/// | 63 | the block is over, its last coefficient is not zero |
/// | 129 to 191 | the block is over |
/// | with a bit of 64 | [`Skips::WRONG`]: a symbol that no entry holds, or one beyond the end of the block |
#[derive(Debug, Clone)]
pub(crate) struct Skips([u16; 1 << INDEX_BITS]);

impl Skips {
    /// How many look-ups one refill is enough for, nearly always: an entry of several symbols has at most 14 bits.
    pub(crate) const LOOK_UPS: u32 = 4;
    /// The bits of an entry, or of a sum.
    pub(crate) const BITS: u32 = (1 << 7) - 1;
    /// The sum at the beginning of a block. DC is no advance, so the sum is one less than the next coefficient's index.
    pub(crate) const START: u32 = 0;
    /// At least this is the sum when the block is over.
    pub(crate) const OVER: u32 = 63 << 7;
    /// A bit of the sum when it is wrong.
    pub(crate) const WRONG: u32 = 64 << 7;
    /// What the end of a block adds.
    pub(crate) const END_OF_BLOCK: u32 = 129 << 7;
    /// What each coefficient adds.
    pub(crate) const COEFFICIENT: u32 = 1 << 7;

    /// The entry for the highest bits of `buffer`.
    #[inline(always)]
    pub(crate) fn look_up(&self, buffer: u64) -> u32 {
        u32::from(self.0[(buffer >> (64 - INDEX_BITS)) as usize])
    }

    /// For the beginning of blocks: a DC code, and what follows it.
    pub(crate) fn first(dc: &HuffmanCode, ac: &AcSkips) -> Box<Self> {
        let mut skips = Box::new(Self([NOTHING; 1 << INDEX_BITS]));
        for word in dc.codes() {
            let Some(range) = word.entries(INDEX_BITS) else {
                continue;
            };
            #[expect(clippy::cast_possible_truncation, reason = "16 bits and 15 at most")]
            let bits = word.length as u16 + u16::from(word.symbol & 15);
            let left = INDEX_BITS.saturating_sub(u32::from(bits));
            for (index, entry) in range
                .clone()
                .zip(skips.0.get_mut(range).unwrap_or_default())
            {
                *entry = bits
                    + match ac.known(left, index) {
                        NOTHING => 0,
                        tail => tail,
                    };
            }
        }
        skips
    }
}

/// An entry without a symbol.
const NOTHING: u16 = 64 << 7;
const _: () = assert!(NOTHING as u32 == Skips::WRONG);

/// The end of a block.
const END: u16 = 129 << 7;
const _: () = assert!(END as u32 == Skips::END_OF_BLOCK);

/// Passes over AC coefficients.
#[derive(Debug, Clone)]
pub(crate) struct AcSkips {
    /// For indices of each number of bits up to that of an index, those of r bits from 2^r on.
    shorter: Box<[u16; 1 << INDEX_BITS]>,
    skips: Box<Skips>,
}

impl AcSkips {
    /// The table of a code.
    ///
    /// Worked out for every number of remaining bits from none upwards: the whole symbols of `r` bits are the first one
    /// and those of the bits that it leaves, which are known by then, for all that begin with it at once.
    pub(crate) fn new(code: &HuffmanCode) -> Self {
        let mut shorter = Box::new([NOTHING; 1 << INDEX_BITS]);
        let mut skips = Box::new(Skips([NOTHING; 1 << INDEX_BITS]));
        for remaining in 1..INDEX_BITS {
            let (below, these) = shorter.split_at_mut(1 << remaining);
            fill(code, remaining, below, these);
        }
        fill(code, INDEX_BITS, shorter.as_slice(), &mut skips.0);
        Self { shorter, skips }
    }

    /// The table itself.
    pub(crate) fn skips(&self) -> &Skips {
        &self.skips
    }

    /// What is known of the `left` lowest bits of an index, less than all.
    fn known(&self, left: u32, index: usize) -> u16 {
        let place = index & ((1 << left) - 1) | 1 << left;
        self.shorter.get(place).copied().unwrap_or(NOTHING)
    }
}

/// The entries for indices of `remaining` bits, from those for fewer.
fn fill(code: &HuffmanCode, remaining: u32, below: &[u16], these: &mut [u16]) {
    for word in code.codes() {
        let entry = Entry::of(word.symbol, word.length);
        let is_whole = entry.bits() <= remaining + OVERHANG || remaining == INDEX_BITS;
        let Some(these) = (word.entries(remaining))
            .filter(|_| is_whole)
            .and_then(|range| these.get_mut(range))
        else {
            continue;
        };
        #[expect(clippy::cast_possible_truncation, reason = "31 bits at most")]
        let bits = entry.bits() as u16;
        if entry.is_end_of_block() {
            these.fill(END | bits);
            continue;
        }
        #[expect(clippy::cast_possible_truncation, reason = "16 at most")]
        let head = (entry.run() as u16 + 1) << 7 | bits;
        let Some(left) = remaining.checked_sub(entry.bits()) else {
            these.fill(head);
            continue;
        };
        let tails = below.get(1 << left..2 << left).unwrap_or_default();
        for these in these.chunks_mut(1 << left) {
            for (entry, &tail) in these.iter_mut().zip(tails) {
                *entry = joined(head, tail);
            }
        }
    }
}

/// A symbol and what follows it.
#[inline]
fn joined(head: u16, tail: u16) -> u16 {
    // An advance of a whole block and more is never right, and must not be taken for another. `NOTHING` is that too.
    let plain = if tail >= END { tail - END } else { tail };
    if (head >> 7) + (plain >> 7) > 63 {
        head
    } else {
        head + tail
    }
}

#[cfg(test)]
mod tests {
    use super::super::SymbolTable;
    use super::super::tests::{annex_k_ac, annex_k_dc};
    use super::*;
    use crate::jpeg::bits::Bits;

    /// The symbol that follows the first `used` bits of an index, and the length of its code.
    fn symbol(symbols: &SymbolTable, index: u64, used: u32) -> Option<(u8, u32)> {
        let mut bits = Bits {
            buffer: (index << (64 - INDEX_BITS)) << used,
            count: 63,
            at: 8,
        };
        let symbol = symbols.decode(&mut bits)?;
        Some((symbol, 63 - bits.count))
    }

    /// What AC symbols add to an entry of which `used` bits are taken, symbol by symbol.
    fn one_by_one(symbols: &SymbolTable, index: u64, mut used: u32) -> u32 {
        let (first, mut advance) = (used, 0);
        while used < INDEX_BITS {
            let Some((symbol, length)) = symbol(symbols, index, used) else {
                break;
            };
            let total = used + length + u32::from(symbol & 15);
            let is_alone = used == 0;
            if used + length > INDEX_BITS || total > INDEX_BITS + OVERHANG && !is_alone {
                break;
            }
            if symbol == 0 {
                return (advance << 7) + Skips::END_OF_BLOCK + total - first;
            }
            if advance + u32::from(symbol >> 4) + 1 > 63 {
                break;
            }
            advance += u32::from(symbol >> 4) + 1;
            used = total;
        }
        if used == first {
            return Skips::WRONG;
        }
        advance << 7 | (used - first)
    }

    #[test]
    fn an_entry_holds_every_symbol_whose_code_lies_in_it() {
        let code = annex_k_ac();
        let (table, symbols) = (AcSkips::new(&code), SymbolTable::new(&code));
        for index in 0..1 << INDEX_BITS {
            let expected = one_by_one(&symbols, index, 0);
            let entry = table.skips().look_up(index << (64 - INDEX_BITS));
            assert_eq!(entry, expected, "{index:013b}");
        }
    }

    #[test]
    fn a_block_begins_with_its_dc_code_and_goes_on_with_ac_codes() {
        let (dc, ac) = (annex_k_dc(), annex_k_ac());
        let table = Skips::first(&dc, &AcSkips::new(&ac));
        let (dc, ac) = (SymbolTable::new(&dc), SymbolTable::new(&ac));
        for index in 0..1 << INDEX_BITS {
            let entry = table.look_up(index << (64 - INDEX_BITS));
            let Some((size, length)) = symbol(&dc, index, 0) else {
                assert_eq!(entry, Skips::WRONG);
                continue;
            };
            let used = length + u32::from(size);
            let expected = used
                + match one_by_one(&ac, index, used) {
                    Skips::WRONG => 0,
                    others => others,
                };
            assert_eq!(entry, expected, "{index:013b}");
        }
    }

    #[test]
    fn an_entry_goes_no_further_than_a_block() {
        let mut counts = [0; 16];
        (counts[0], counts[1]) = (1, 1);
        // Sixteen zeros are 0: 13 bits would be 208 coefficients.
        let code = HuffmanCode::new(counts, &[0xf0, 0x00]).unwrap();
        let table = AcSkips::new(&code);
        let advance = |index: u64| table.skips().look_up(index << (64 - INDEX_BITS)) >> 7;
        // What follows is taken as a whole or not at all.
        assert_eq!(advance(0), 16);
        assert_eq!(advance(0b10 << (INDEX_BITS - 2)), 129);
        assert_eq!(advance(0b0_0010 << (INDEX_BITS - 5)), 129 + 48);
        for index in 0..1 << INDEX_BITS {
            assert!(matches!(advance(index), 0..=63 | 64 | 129..=192));
        }
    }
}
