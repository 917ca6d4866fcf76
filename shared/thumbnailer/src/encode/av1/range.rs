//! The arithmetic coder of a tile, by the standard's symbol decoding process (8.2) the other way round.

/// A distribution of N symbols that follows what is coded: 32768 less the cumulative probability of each symbol but the
/// last, whose place holds how often it has been used, up to 32.
pub(super) type Distribution<const N: usize> = [u16; N];

/// Bits of the window that the range is in; those of `low` above them are ready to be written.
const WINDOW: u32 = 15;

/// Narrows a range by symbol after symbol and writes where it lies.
pub(super) struct RangeEncoder {
    bytes: Vec<u8>,
    low: u64,
    range: u32,
    /// How many bits `low` has above the window, carry aside.
    ready: u32,
}

impl RangeEncoder {
    pub(super) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            low: 0,
            range: 1 << WINDOW,
            ready: 0,
        }
    }

    /// Writes a symbol and lets its distribution follow.
    #[inline]
    pub(super) fn symbol<const N: usize>(
        &mut self,
        symbol: usize,
        distribution: &mut Distribution<N>,
    ) {
        self.fixed(symbol, distribution);
        adapt(symbol, distribution);
    }

    /// Writes a symbol of a distribution that stays as it is.
    #[inline]
    pub(super) fn fixed<const N: usize>(&mut self, symbol: usize, distribution: &Distribution<N>) {
        let high = if symbol == 0 {
            self.range
        } else {
            self.bound(distribution[symbol - 1], N - symbol)
        };
        let low = if symbol == N - 1 {
            0
        } else {
            self.bound(distribution[symbol], N - 1 - symbol)
        };
        self.narrow(high, low);
    }

    /// Writes one bit as likely as not.
    #[inline]
    pub(super) fn bit(&mut self, bit: bool) {
        self.fixed(bit.into(), &[1 << 14, 0]);
    }

    /// Writes the lowest `count` bits, the highest of them first.
    #[inline]
    pub(super) fn bits(&mut self, value: u32, count: u32) {
        for place in (0..count).rev() {
            self.bit(value >> place & 1 != 0);
        }
    }

    /// Where the range is cut for a probability: every symbol keeps at least 4 parts of it.
    #[inline]
    fn bound(&self, inverse: u16, symbols_left: usize) -> u32 {
        (((self.range >> 8) * u32::from(inverse >> 6)) >> 1) + 4 * symbols_left as u32
    }

    #[inline]
    fn narrow(&mut self, high: u32, low: u32) {
        self.low += u64::from(self.range - high);
        self.range = high - low;
        let shift = self.range.leading_zeros() - (31 - WINDOW);
        self.range <<= shift;
        self.low <<= shift;
        self.ready += shift;
        if self.ready >= 32 {
            self.flush();
        }
    }

    /// Moves whole bytes out of `low`; a carry goes into those written before.
    fn flush(&mut self) {
        while self.ready >= 8 {
            let place = self.ready + WINDOW - 8;
            let byte = self.low >> place;
            self.low &= (1 << place) - 1;
            self.ready -= 8;
            self.push(byte as u32);
        }
    }

    /// Writes a byte, whose higher bits go into those before.
    fn push(&mut self, byte: u32) {
        let mut carry = byte >> 8;
        for before in self.bytes.iter_mut().rev() {
            if carry == 0 {
                break;
            }
            carry += u32::from(*before);
            *before = carry as u8;
            carry >>= 8;
        }
        self.bytes.push(byte as u8);
    }

    /// The shortest end that lies in the range: a one, which the standard wants as the last bit, and zeros.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let half = 1u64 << (WINDOW - 1);
        self.low = (self.low + half - 1) & !(half - 1) | half;
        self.flush();
        // Between 1 and 8 bits are left above the lowest 14, the one among them.
        let last = self.low << (7 - self.ready) >> (WINDOW - 1);
        self.push(last as u32);
        self.bytes
    }
}

/// Moves a distribution towards the symbol that came, first fast and then slowly.
#[inline]
fn adapt<const N: usize>(symbol: usize, distribution: &mut Distribution<N>) {
    let count = distribution[N - 1];
    let speed = 3 + u16::from(count > 15) + u16::from(count > 31) + N.ilog2().min(2) as u16;
    for (place, value) in distribution[..N - 1].iter_mut().enumerate() {
        if place < symbol {
            *value += (32768 - *value) >> speed;
        } else {
            *value -= *value >> speed;
        }
    }
    distribution[N - 1] = count + u16::from(count < 32);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard's decoder, bit by bit.
    struct Decoder<'a> {
        bytes: &'a [u8],
        place: usize,
        value: u32,
        range: u32,
    }

    impl<'a> Decoder<'a> {
        fn new(bytes: &'a [u8]) -> Self {
            let mut decoder = Self {
                bytes,
                place: 0,
                value: 0,
                range: 1 << 15,
            };
            for _ in 0..15 {
                decoder.value = decoder.value << 1 | u32::from(!decoder.next());
            }
            decoder
        }

        fn next(&mut self) -> bool {
            let byte = self.bytes.get(self.place / 8).copied().unwrap_or(0);
            let bit = byte >> (7 - self.place % 8) & 1 != 0;
            self.place += 1;
            bit
        }

        fn symbol<const N: usize>(&mut self, distribution: &mut Distribution<N>) -> usize {
            let mut current = self.range;
            let mut symbol = 0;
            loop {
                let previous = current;
                let inverse = if symbol == N - 1 {
                    0
                } else {
                    distribution[symbol]
                };
                current = (((self.range >> 8) * u32::from(inverse >> 6)) >> 1)
                    + 4 * (N - 1 - symbol) as u32;
                if self.value >= current {
                    self.range = previous - current;
                    self.value -= current;
                    break;
                }
                symbol += 1;
            }
            while self.range < 1 << 15 {
                self.range <<= 1;
                self.value = self.value << 1 | u32::from(!self.next());
            }
            adapt(symbol, distribution);
            symbol
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut state = 1u32;
        let symbols: Vec<usize> = (0..20_000)
            .map(|index| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if index % 7 == 0 {
                    (state >> 28) as usize % 13
                } else {
                    12 * (state >> 31) as usize
                }
            })
            .collect();
        let start: Distribution<13> =
            std::array::from_fn(|place| 32768 - 2500 * (place as u16 + 1));
        let mut start = start;
        start[12] = 0;
        for length in (0..150).chain([20_000]) {
            let mut distribution = start;
            let mut encoder = RangeEncoder::new();
            for &symbol in &symbols[..length] {
                encoder.symbol(symbol, &mut distribution);
            }
            let bytes = encoder.finish();
            assert_ne!(bytes.last(), Some(&0));
            let mut distribution = start;
            let mut decoder = Decoder::new(&bytes);
            let read: Vec<usize> = (0..length)
                .map(|_| decoder.symbol(&mut distribution))
                .collect();
            assert_eq!(read, symbols[..length]);
        }
    }
}
