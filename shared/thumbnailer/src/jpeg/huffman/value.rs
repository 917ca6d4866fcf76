#![expect(
    clippy::inline_always,
    reason = "the loops are compiled once for each set of instructions, with all that they call"
)]

use super::HuffmanCode;

/// Bits of an index: nearly all codes of photographs are shorter, and tables of 8 KiB share the first cache.
const INDEX_BITS: u32 = 11;

/// Decodes a code and the value that follows it without a branch: what a coefficient that is kept needs. Codes are held up to
/// 10 bits, so that the sign, which is the first bit of the value, lies within the index too.
#[derive(Debug, Clone)]
pub(crate) struct ValueTable {
    entries: [Value; 1 << INDEX_BITS],
}

/// What begins with the bits of an index: total bits in the lowest byte, in the two above what to add to these bits, as
/// a number, to get the value, and in the highest the advance to the coefficient behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value(u32);

impl Value {
    /// More bits than a refill has to give to four entries, one of which is this: a code that is longer than an
    /// index, or not there.
    pub(crate) const LONG: u32 = 58;

    /// The advance at the end of a block, to beyond its last coefficient.
    const END_OF_BLOCK: u32 = 65;

    /// Length of code and value together in the lowest byte, or [`Value::LONG`]; what is above must not matter to the user.
    #[inline(always)]
    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    /// By how many coefficients it advances: one more than there are zeros before it.
    #[inline(always)]
    pub(crate) fn advance(self) -> u32 {
        self.0 >> 24
    }

    /// The lowest 16 bits of the value, given the bits that the entry was found by.
    #[inline(always)]
    pub(crate) fn value(self, buffer: u64) -> i16 {
        let bits = buffer.wrapping_shr(self.0.wrapping_neg());
        #[expect(clippy::cast_possible_truncation, reason = "wraps as libjpeg's does")]
        let value = (bits as u32).wrapping_add(self.0 >> 8) as i16;
        value
    }
}

impl ValueTable {
    /// The table of a code for DC differences, all of whose symbols are sizes.
    pub(crate) fn dc(code: &HuffmanCode) -> Self {
        Self::new(code, |_| 1)
    }

    /// The table of a code for AC coefficients.
    pub(crate) fn ac(code: &HuffmanCode) -> Self {
        Self::new(code, |symbol| match (symbol >> 4, symbol & 15) {
            // A run without a value ends the block, whatever its length, as in libjpeg: only sixteen zeros are a run.
            (0..15, 0) => Value::END_OF_BLOCK,
            (run, _) => u32::from(run) + 1,
        })
    }

    fn new(code: &HuffmanCode, advance: impl Fn(u8) -> u32) -> Self {
        let long = Value(Value::LONG | Value::END_OF_BLOCK << 24);
        let mut entries = [long; 1 << INDEX_BITS];
        for word in code.codes() {
            let size = u32::from(word.symbol & 15);
            let entry = |offset: u32| {
                let offset = offset & 0xffff;
                Value((word.length + size) | offset << 8 | advance(word.symbol) << 24)
            };
            // The code comes before the value in the number that both are together.
            let code = ((word.code >> (16 - word.length)) << size).wrapping_neg();
            let Some(entries) = (word.entries(INDEX_BITS)).and_then(|range| entries.get_mut(range))
            else {
                continue;
            };
            if size == 0 {
                entries.fill(entry(code));
            } else if entries.len() > 1 {
                let (negative, positive) = entries.split_at_mut(entries.len() / 2);
                negative.fill(entry(code.wrapping_add(1).wrapping_sub(1 << size)));
                positive.fill(entry(code));
            }
        }
        Self { entries }
    }

    /// What the highest bits of `buffer` begin with.
    #[inline(always)]
    pub(crate) fn look_up(&self, buffer: u64) -> Value {
        self.entries[(buffer >> (64 - INDEX_BITS)) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{annex_k_ac, annex_k_dc};
    use super::*;
    use crate::jpeg::bits::signed;

    #[test]
    fn an_entry_knows_the_value_the_advance_and_all_bits() {
        let code = annex_k_ac();
        let table = ValueTable::ac(&code);
        for word in code.codes() {
            let (run, size) = (u32::from(word.symbol >> 4), u32::from(word.symbol & 15));
            for rest in [0, 1 << 63, 0x5555_5555_5555_5555, u64::MAX] {
                let buffer = u64::from(word.code) << 48 | rest >> word.length;
                let entry = table.look_up(buffer);
                if word.length >= INDEX_BITS + u32::from(size == 0) {
                    assert_eq!(entry.bits() & 255, Value::LONG);
                    continue;
                }
                assert_eq!(entry.bits() & 255, word.length + size);
                let advance = if word.symbol == 0 { 65 } else { run + 1 };
                assert_eq!(entry.advance(), advance);
                let value = i32::from(entry.value(buffer));
                assert_eq!(value, signed(buffer << word.length, size), "{word:?}");
            }
        }
        assert_eq!(table.look_up(u64::MAX).bits() & 255, Value::LONG);
    }

    #[test]
    fn all_of_a_dc_symbol_is_a_size() {
        let table = ValueTable::dc(&annex_k_dc());
        // Size 0 is 00.
        let entry = table.look_up(0);
        assert_eq!(
            (entry.bits() & 255, entry.advance(), entry.value(0)),
            (2, 1, 0)
        );
        // Size 5 is 110.
        let buffer = 0b1100_0101 << 56;
        let entry = table.look_up(buffer);
        assert_eq!((entry.bits() & 255, entry.value(buffer)), (8, 5 - 31));
    }
}
