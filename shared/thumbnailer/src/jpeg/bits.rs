//! The bit reader of every entropy-coded scan.
#![expect(
    clippy::inline_always,
    reason = "the loops are compiled once for each set of instructions, with all that they call"
)]

/// Where a reader stands in bytes without stuffing, and the next 56 to 63 bits.
///
/// It does not hold the bytes: their owner slides them along between two units of decoding. Reading past the end gives
/// zeros and is found out afterwards, by [`Bits::position`], so that the inner loops need not ask.
///
/// The buffer is aligned to the top: the next bits are its highest ones, an index into a table of 2^n entries is one
/// shift. Refilling has no branch: bytes are taken in one unaligned load, what does not fit is loaded again.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bits {
    /// The next bits, highest first. Below the valid ones lie either zeros or what a refill would put there.
    pub(crate) buffer: u64,
    /// How many bits of `buffer` are valid, at most 63.
    pub(crate) count: u32,
    /// Index of the first byte that is not in the valid bits as a whole.
    pub(crate) at: usize,
}

impl Bits {
    /// Bits that [`Bits::refill`] guarantees.
    pub(crate) const REFILLED: u32 = 56;

    /// A reader that stands before byte `at`, and has to be refilled.
    pub(crate) const fn before(at: usize) -> Self {
        Self {
            buffer: 0,
            count: 0,
            at,
        }
    }

    /// A reader that stands before a bit.
    pub(crate) fn at_bit(position: usize, bytes: &[u8]) -> Self {
        let mut bits = Self::before(position / 8);
        bits.refill(bytes);
        #[expect(clippy::cast_possible_truncation, reason = "less than eight")]
        bits.consume((position % 8) as u32);
        bits
    }

    /// Makes at least [`Bits::REFILLED`] bits valid.
    #[inline(always)]
    pub(crate) fn refill(&mut self, bytes: &[u8]) {
        let word = word_at(bytes, self.at);
        self.buffer |= word >> (self.count & 63);
        self.at += ((63 - self.count) >> 3) as usize;
        self.count |= Self::REFILLED;
    }

    /// The next `length` bits (1 to 32) as a number. They must be valid.
    #[inline(always)]
    pub(crate) fn peek(&self, length: u32) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits are left")]
        let bits = (self.buffer >> ((64 - length) & 63)) as u32;
        bits
    }

    /// Goes on by `length` bits (0 to 63). They must be valid.
    #[inline(always)]
    pub(crate) fn consume(&mut self, length: u32) {
        self.buffer <<= length & 63;
        self.count = self.count.wrapping_sub(length);
    }

    /// Reads `length` bits (0 to 32) as a number. They must be valid.
    #[inline(always)]
    pub(crate) fn take(&mut self, length: u32) -> u32 {
        // In two shifts, because a shift by 64 is none.
        #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits are left")]
        let bits = ((self.buffer >> 1) >> ((63 - length) & 63)) as u32;
        self.consume(length);
        bits
    }

    /// Reads a signed value of `size` bits (0 to 16), as EXTEND of T.81 F.2.2.1 has it. They must be valid.
    #[inline(always)]
    pub(crate) fn take_signed(&mut self, size: u32) -> i32 {
        let value = signed(self.buffer, size);
        self.consume(size);
        value
    }

    /// How many bits lie before the reader, counted from byte 0.
    pub(crate) fn position(&self) -> usize {
        (self.at * 8).wrapping_sub(self.count as usize)
    }
}

/// The signed value (EXTEND of T.81 F.2.2.1) in the `size` (0 to 16) highest bits of `buffer`: those whose first bit is
/// zero are negative.
#[inline(always)]
pub(crate) fn signed(buffer: u64, size: u32) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "at most 16 bits are left")]
    let bits = ((buffer >> 1) >> ((63 - size) & 63)) as i32;
    // All ones when the first bit is zero.
    let negative = !((buffer.cast_signed() >> 63) as i32);
    bits + (negative & (1 - (1 << size)))
}

/// The eight bytes from a place on, zeros after the last.
#[inline(always)]
pub(crate) fn word_at(bytes: &[u8], at: usize) -> u64 {
    match bytes
        .get(at..at.wrapping_add(8))
        .and_then(<[u8]>::first_chunk)
    {
        Some(word) => u64::from_be_bytes(*word),
        None => last_word(bytes, at),
    }
}

/// The word at the end of the bytes, filled up with zeros.
#[cold]
fn last_word(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter()
        .take(8)
        .zip((0..8).rev())
        .fold(0, |word, (&byte, place)| {
            word | u64::from(byte) << (8 * place)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bit `index` of `bytes`, zero past the end.
    fn bit(bytes: &[u8], index: usize) -> u32 {
        let byte = bytes.get(index / 8).copied().unwrap_or(0);
        u32::from(byte >> (7 - index % 8)) & 1
    }

    #[test]
    fn bits_come_in_order_and_zeros_after_the_last() {
        let bytes: Vec<u8> = (0..40_u8)
            .map(|index| index.wrapping_mul(151) ^ 0x5a)
            .collect();
        let mut bits = Bits::before(0);
        let mut at = 0;
        for step in 0..200 {
            let length = step * 7 % 33;
            bits.refill(&bytes);
            let expected =
                (at..at + length as usize).fold(0, |sum, index| sum << 1 | bit(&bytes, index));
            if length > 0 {
                assert_eq!(bits.peek(length), expected);
            }
            assert_eq!(bits.take(length), expected);
            at += length as usize;
            assert_eq!(bits.position(), at);
        }
        assert!(at > bytes.len() * 8);
    }

    #[test]
    fn a_value_whose_first_bit_is_zero_is_negative() {
        let read = |bits: u64, size: u32| signed(bits.checked_shl(64 - size).unwrap_or(0), size);
        assert_eq!(read(0, 0), 0);
        assert_eq!((read(0, 1), read(1, 1)), (-1, 1));
        assert_eq!(
            (read(0b00, 2), read(0b01, 2), read(0b10, 2), read(0b11, 2)),
            (-3, -2, 2, 3)
        );
        assert_eq!((read(0, 11), read(0x7ff, 11)), (-2047, 2047));
        assert_eq!((read(0, 16), read(0x8000, 16)), (-65535, 32768));
    }
}
