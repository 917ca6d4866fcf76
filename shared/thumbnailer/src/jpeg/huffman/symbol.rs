#![expect(
    clippy::inline_always,
    reason = "the loops are compiled once for each set of instructions, with all that they call"
)]

use super::HuffmanCode;
use crate::jpeg::bits::Bits;

/// Codes up to this length are found by one look-up.
const INDEX_BITS: u32 = 9;

/// Decodes one symbol at a time: the slow way, for codes that the wider tables do not hold, and for scans that need no
/// faster one.
#[derive(Debug, Clone)]
pub(crate) struct SymbolTable {
    /// By the next bits: length in the high byte, symbol in the low one; 0 for codes that are longer or not there.
    short: [u16; 1 << INDEX_BITS],
    /// For each length beyond [`INDEX_BITS`]: the first code, in 16 bits from the top, that is longer; and what to add
    /// to a code's own bits for the index of its symbol.
    long: [(u32, u32); 16 - INDEX_BITS as usize],
    symbols: [u8; 256],
}

impl SymbolTable {
    /// The table of a code.
    pub(crate) fn new(code: &HuffmanCode) -> Self {
        let mut table = Self {
            short: [0; 1 << INDEX_BITS],
            long: [(0, 0); 16 - INDEX_BITS as usize],
            symbols: [0; 256],
        };
        for (symbol, value) in table.symbols.iter_mut().zip(&code.values) {
            *symbol = *value;
        }
        let mut end = 0;
        let mut index = 0_u32;
        let mut words = code.codes().peekable();
        for length in 1..=16 {
            // In wrapping arithmetic the difference may be "negative".
            let difference = index.wrapping_sub(end >> (16 - length));
            while let Some(word) = words.next_if(|word| word.length == length) {
                index += 1;
                end = word.code + (1 << (16 - length));
                if let Some(entries) = word.entries(INDEX_BITS)
                    && let Some(entries) = table.short.get_mut(entries)
                {
                    #[expect(clippy::cast_possible_truncation, reason = "a length of at most 16")]
                    entries.fill((length as u16) << 8 | u16::from(word.symbol));
                }
            }
            if let Some(row) = (length.checked_sub(INDEX_BITS + 1))
                .and_then(|row| table.long.get_mut(row as usize))
            {
                *row = (end, difference);
            }
        }
        table
    }

    /// The next symbol, `None` for a code that stands for none. 16 bits must be valid, as after a refill.
    #[inline(always)]
    pub(crate) fn decode(&self, bits: &mut Bits) -> Option<u8> {
        let entry = self.short[bits.peek(INDEX_BITS) as usize & ((1 << INDEX_BITS) - 1)];
        if entry == 0 {
            return self.decode_long(bits);
        }
        bits.consume(u32::from(entry >> 8));
        Some(entry.to_le_bytes()[0])
    }

    #[cold]
    fn decode_long(&self, bits: &mut Bits) -> Option<u8> {
        let code = bits.peek(16);
        let lengths = INDEX_BITS + 1..;
        let (&(_, difference), length) = self
            .long
            .iter()
            .zip(lengths)
            .find(|((end, _), _)| code < *end)?;
        bits.consume(length);
        let index = (code >> (16 - length)).wrapping_add(difference);
        self.symbols.get(index as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::annex_k_ac;
    use super::*;

    #[test]
    fn every_code_gives_its_symbol_and_its_length() {
        let code = annex_k_ac();
        let table = SymbolTable::new(&code);
        let mut lengths = 0;
        for word in code.codes() {
            let mut bits = Bits {
                buffer: u64::from(word.code) << 48,
                count: 63,
                at: 8,
            };
            assert_eq!(table.decode(&mut bits), Some(word.symbol));
            assert_eq!(63 - bits.count, word.length);
            lengths += word.length;
        }
        assert!(lengths > 162 * 9);
    }

    #[test]
    fn a_code_that_stands_for_nothing_is_no_symbol() {
        let table = SymbolTable::new(&annex_k_ac());
        let mut bits = Bits {
            buffer: u64::MAX,
            count: 63,
            at: 8,
        };
        assert_eq!(table.decode(&mut bits), None);
        let empty = SymbolTable::new(&HuffmanCode::new([0; 16], &[]).unwrap());
        assert_eq!(
            empty.decode(&mut Bits {
                buffer: 0,
                count: 63,
                at: 8
            }),
            None
        );
    }
}
