#![expect(
    clippy::inline_always,
    reason = "the loops are compiled once for each set of instructions, with all that they call"
)]

use super::HuffmanCode;

/// Bits of an index: nearly all codes of photographs are this short, and 2 KiB a table stay in the first cache.
const INDEX_BITS: u32 = 10;

/// Decodes a code and says at once how long it is with the value bits that follow it: what a coefficient that is kept
/// needs. For DC and for AC codes of sequential scans.
#[derive(Debug, Clone)]
pub(crate) struct CoefficientTable {
    entries: [Entry; 1 << INDEX_BITS],
}

/// What begins with the bits of an index: total bits in the lowest 6 (0: ask the symbol table), the size of the value
/// in the next 4, the run of zeros before it in the next 4, then a bit for the end of the block.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Entry(u16);

impl Entry {
    /// Length of code and value together, in the lowest six bits; what is above must not matter to the user.
    #[inline(always)]
    pub(crate) fn bits(self) -> u32 {
        u32::from(self.0) & 63
    }

    /// Length of the value.
    #[inline(always)]
    pub(crate) fn size(self) -> u32 {
        u32::from(self.0 >> 6) & 15
    }

    /// Zeros before the coefficient.
    #[inline(always)]
    pub(crate) fn run(self) -> u32 {
        u32::from(self.0 >> 10) & 15
    }

    /// No more coefficients in this block.
    #[inline(always)]
    pub(crate) fn is_end_of_block(self) -> bool {
        self.0 & (1 << 14) != 0
    }

    /// The code is longer than an index, or there is none.
    #[inline(always)]
    pub(crate) fn is_long(self) -> bool {
        self.0 == 0
    }

    /// The entry of a symbol whose code has `length` bits. In a DC code all of a symbol is the size.
    pub(crate) fn of(symbol: u8, length: u32) -> Self {
        let (run, size) = (u16::from(symbol >> 4), u16::from(symbol & 15));
        // A run without a value ends the block, whatever its length, as in libjpeg: only sixteen zeros are a run.
        let end = u16::from(size == 0 && run != 15);
        #[expect(clippy::cast_possible_truncation, reason = "16 bits and 15 at most")]
        let bits = (length + u32::from(size)) as u16;
        Self(bits | size << 6 | run << 10 | end << 14)
    }
}

impl CoefficientTable {
    /// The table of a code.
    pub(crate) fn new(code: &HuffmanCode) -> Self {
        let mut table = Self {
            entries: [Entry::default(); 1 << INDEX_BITS],
        };
        for word in code.codes() {
            if let Some(entries) = word.entries(INDEX_BITS)
                && let Some(entries) = table.entries.get_mut(entries)
            {
                entries.fill(Entry::of(word.symbol, word.length));
            }
        }
        table
    }

    /// What the highest bits of `buffer` begin with.
    #[inline(always)]
    pub(crate) fn look_up(&self, buffer: u64) -> Entry {
        let index = (buffer >> (64 - INDEX_BITS)) as usize;
        self.entries[index]
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::annex_k_ac;
    use super::*;

    #[test]
    fn an_entry_knows_the_run_the_size_and_all_bits() {
        let table = CoefficientTable::new(&annex_k_ac());
        // 0x51 is 1111010.
        let entry = table.look_up(0b111_1010 << 57);
        assert_eq!((entry.run(), entry.size(), entry.bits()), (5, 1, 8));
        assert!(!entry.is_end_of_block() && !entry.is_long());
        assert!(table.look_up(0b1010 << 60).is_end_of_block());
        assert!(table.look_up(u64::MAX).is_long());
        let zeros = Entry::of(0xf0, 11);
        assert_eq!((zeros.run(), zeros.size(), zeros.bits()), (15, 0, 11));
        assert!(!zeros.is_end_of_block());
    }
}
