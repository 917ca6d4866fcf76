//! Huffman codes as a file gives them, and the tables that decode them: one symbol at a time, one coefficient with
//! or without its value, or as many coefficients as fit.

mod coefficient;
mod skip;
mod symbol;
mod value;

pub(crate) use coefficient::{CoefficientTable, Entry};
pub(crate) use skip::{AcSkips, Skips};
pub(crate) use symbol::SymbolTable;
pub(crate) use value::{Value, ValueTable};

use super::JpegError;

/// One Huffman code of a DHT segment (T.81, B.2.4.2), known not to be over-subscribed. It may be incomplete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HuffmanCode {
    counts: [u8; 16],
    values: Vec<u8>,
}

impl HuffmanCode {
    /// From the number of codes of each length, 1 to 16 bits, and their symbols, the shortest code's first.
    ///
    /// # Errors
    ///
    /// Refuses more codes than fit their lengths, and a number of symbols that is not that of the codes.
    pub(crate) fn new(counts: [u8; 16], values: &[u8]) -> Result<Self, JpegError> {
        let total: usize = counts.iter().map(|&count| usize::from(count)).sum();
        let space: u32 = counts
            .iter()
            .zip((0..16).rev())
            .map(|(&count, shift)| u32::from(count) << shift)
            .sum();
        if total > 256 || total != values.len() || space > 1 << 16 {
            return Err(JpegError::corrupt("a Huffman table with too many codes"));
        }
        Ok(Self {
            counts,
            values: values.to_vec(),
        })
    }

    /// The largest symbol.
    pub(crate) fn largest(&self) -> u8 {
        self.values.iter().copied().max().unwrap_or(0)
    }

    /// Each symbol with its code, shortest first.
    fn codes(&self) -> impl Iterator<Item = CodeWord> {
        let lengths = self
            .counts
            .iter()
            .zip(1..)
            .flat_map(|(&count, length)| std::iter::repeat_n(length, usize::from(count)));
        // In 16 bits from the top, codes follow each other without a gap: C.2 of T.81 says so by its flow charts.
        lengths
            .zip(&self.values)
            .scan(0_u32, |next, (length, &symbol)| {
                let code = *next;
                *next += 1 << (16 - length);
                Some(CodeWord {
                    code,
                    length,
                    symbol,
                })
            })
    }
}

/// A symbol and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CodeWord {
    /// The code in the highest of 16 bits.
    code: u32,
    /// Its length in bits, 1 to 16.
    length: u32,
    symbol: u8,
}

impl CodeWord {
    /// The entries of a table of `2^bits` that begin with this code; `None` when the code is longer than an index.
    fn entries(self, bits: u32) -> Option<std::ops::Range<usize>> {
        let shared = bits.checked_sub(self.length)?;
        let first = (self.code >> (16 - bits)) as usize;
        Some(first..first + (1 << shared))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The luminance AC code of T.81's Annex K.
    pub(crate) fn annex_k_ac() -> HuffmanCode {
        let mut values = Vec::new();
        for row in [
            "0102030004110512213141061351610722711432",
            "8191a1082342b1c11552d1f02433627282090a16",
            "1718191a25262728292a3435363738393a434445",
            "464748494a535455565758595a63646566676869",
            "6a737475767778797a838485868788898a929394",
            "95969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6",
            "b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8",
            "d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8",
            "f9fa",
        ] {
            for at in (0..row.len()).step_by(2) {
                values.push(u8::from_str_radix(&row[at..at + 2], 16).unwrap());
            }
        }
        let counts = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125];
        HuffmanCode::new(counts, &values).unwrap()
    }

    /// The luminance DC code of T.81's Annex K.
    pub(crate) fn annex_k_dc() -> HuffmanCode {
        let counts = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
        HuffmanCode::new(counts, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]).unwrap()
    }

    #[test]
    fn codes_are_those_of_annex_k() {
        let code = annex_k_ac();
        let find = |symbol: u8| {
            let word = code.codes().find(|word| word.symbol == symbol).unwrap();
            (word.code >> (16 - word.length), word.length)
        };
        assert_eq!(find(0x00), (0b1010, 4));
        assert_eq!(find(0x01), (0b00, 2));
        assert_eq!(find(0xf0), (0b111_1111_1001, 11));
        assert_eq!(find(0xfa), (0b1111_1111_1111_1110, 16));
    }

    #[test]
    fn more_codes_than_their_lengths_allow_are_refused() {
        let mut counts = [0; 16];
        counts[0] = 2;
        assert!(HuffmanCode::new(counts, &[1, 2]).is_ok());
        counts[15] = 1;
        assert!(HuffmanCode::new(counts, &[1, 2, 3]).is_err());
        counts[15] = 0;
        assert!(HuffmanCode::new(counts, &[1]).is_err());
        assert!(HuffmanCode::new(counts, &[1, 2, 3]).is_err());
    }
}
