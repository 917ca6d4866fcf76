//! A later scan of a band of AC coefficients: a bit for each that is not zero, and where new ones become so.
//!
//! The bits of old coefficients lie between the symbols that place new ones, so that their number decides where the
//! next symbol is. With a map of the coefficients that are not zero this is a matter of counting: a symbol's run is a
//! single bit that is deposited on the zeros, what lies below is passed, and its old coefficients are as many bits. One
//! after another these steps are the time of the scan (about twenty cycles a symbol), so everything else is left for
//! the end of the block: the corrections are collected as they come and deposited once, and only kept coefficients are
//! touched.

use super::deposit::Deposit;
use super::scan::{Band, Code, Source, no_code};
use crate::jpeg::JpegError;
use crate::jpeg::bits::Bits;
use crate::jpeg::huffman::Entry;

/// Decodes the scan into blocks of `N` coefficients, and notes which have ceased to be zero.
#[inline(always)]
pub(super) fn decode<const N: usize>(
    deposit: impl Deposit,
    source: &mut Source<'_>,
    band: &Band,
    low: u32,
    coefficients: &mut [i16],
    nonzero: &mut [u64],
) -> Result<Bits, JpegError> {
    let blocks = coefficients.as_chunks_mut::<N>().0;
    let refinement = Refinement {
        code: &band.code,
        steps: Steps::new(&band.code),
        band: (u64::MAX << band.first) & (u64::MAX >> (63 - band.last)),
        bit: 1 << low,
        places: band.blocks.places(),
        kept: band.blocks.kept(),
        deposit,
    };
    let mut bits = source.begin(1);
    let mut left = source.interval;
    // Blocks in which nothing ceases to be zero.
    let mut run = 0;
    for row in 0..band.blocks.rows {
        source.check(bits)?;
        let (blocks, maps) = band.row(row, blocks, nonzero)?;
        for (block, map) in blocks.iter_mut().zip(maps) {
            if left == 0 {
                bits = source.restart(bits)?;
                left = source.interval;
                run = 0;
            }
            left -= 1;
            if run > 0 {
                run -= 1;
                let old = *map & refinement.band;
                if old != 0 {
                    source.ensure(&mut bits)?;
                    let bytes = source.bytes();
                    bits.refill(bytes);
                    let mut collected = 0;
                    collect(bytes, &mut bits, old.count_ones(), &mut collected);
                    refinement.correct(block, old, collected, 0, 0);
                }
            } else {
                source.ensure(&mut bits)?;
                run = match refinement.one(source.bytes(), &mut bits, block, map) {
                    Ok(run) => run,
                    Err(error) => return Err(source.blame(bits, error)),
                };
            }
        }
    }
    Ok(bits)
}

/// Appends `count` (0 to 63) bits to those that are collected. At least 32 must be valid.
#[inline(always)]
fn collect(bytes: &[u8], bits: &mut Bits, mut count: u32, collected: &mut u64) {
    if count > 32 {
        *collected = *collected << 32 | u64::from(bits.take(32));
        bits.refill(bytes);
        count -= 32;
    }
    *collected = *collected << count | u64::from(bits.take(count));
}

/// Bits of an index of [`Steps`].
const INDEX_BITS: u32 = 10;

/// What a symbol of a refinement does, by the next bits. In the lowest six bits of an entry are how many bits it takes,
/// with the sign; then come flags; the upper half has the bit of its run set, or none at the end of the block.
#[derive(Debug)]
struct Steps([u32; 1 << INDEX_BITS]);

impl Steps {
    /// It places a new coefficient.
    const NEW: u32 = 1 << 6;
    /// A run of blocks, a long code, or nothing valid.
    const RARE: u32 = 1 << 7;

    fn new(code: &Code) -> Self {
        Self(std::array::from_fn(|index| {
            Self::of(code.look_up((index as u64) << (64 - INDEX_BITS)))
        }))
    }

    #[inline(always)]
    fn of(entry: Entry) -> u32 {
        if entry.is_long() || entry.size() > 1 {
            return Self::RARE;
        }
        match (entry.is_end_of_block(), entry.run()) {
            (true, 0) => entry.bits(),
            (true, _) => Self::RARE,
            (false, run) => entry.bits() | (entry.size() * Self::NEW) | 1 << (16 + run),
        }
    }

    #[inline(always)]
    fn look_up(&self, buffer: u64) -> u32 {
        let index = (buffer >> (64 - INDEX_BITS)) as usize;
        self.0[index]
    }
}

struct Refinement<'a, D> {
    code: &'a Code,
    steps: Steps,
    /// The band as a map.
    band: u64,
    /// What a correction adds.
    bit: i16,
    places: [u8; 64],
    kept: u64,
    deposit: D,
}

impl<D: Deposit> Refinement<'_, D> {
    /// Decodes a block; in how many blocks after it nothing ceases to be zero.
    #[inline(always)]
    fn one<const N: usize>(
        &self,
        bytes: &[u8],
        bits: &mut Bits,
        block: &mut [i16; N],
        map: &mut u64,
    ) -> Result<usize, JpegError> {
        let old = self.band & *map;
        // What of the band has not been passed.
        let (mut old_left, mut zeros) = (old, self.band & !*map);
        let (mut new, mut negative) = (0, 0);
        let mut collected = 0;
        let mut run = 0;
        while old_left | zeros != 0 {
            bits.refill(bytes);
            let mut step = self.steps.look_up(bits.buffer);
            if step & Steps::RARE != 0 {
                // A copy: what a function that is not inlined can reach cannot stay in registers.
                let mut moved = *bits;
                (step, run) = self.rare(bytes, &mut moved)?;
                *bits = moved;
            }
            let placed = self.deposit.deposit((step >> 16).into(), zeros);
            // All up to the placed one; when there is none, all there are.
            let passed = placed ^ placed.wrapping_sub(1);
            let count = (old_left & passed).count_ones();
            old_left &= !passed;
            zeros &= !passed;
            let is_positive = bits.buffer << ((step.wrapping_sub(1)) & 63) >> 63;
            let is_new = u64::from(step & Steps::NEW != 0).wrapping_neg();
            if placed == 0 && is_new != 0 {
                return Err(past_the_end());
            }
            new |= placed & is_new;
            negative |= placed & is_positive.wrapping_sub(1);
            bits.consume(step & 63);
            collect(bytes, bits, count, &mut collected);
        }
        self.correct(block, old, collected, new, negative);
        *map |= new;
        Ok(run)
    }

    /// A step that is not in the table, of which the sign is still to be consumed, and the run of blocks after this one.
    #[cold]
    #[inline(never)]
    fn rare(&self, bytes: &[u8], bits: &mut Bits) -> Result<(u32, usize), JpegError> {
        let entry = self.code.next(bytes, bits).ok_or_else(no_code)?;
        bits.consume(entry.bits() - entry.size());
        if entry.size() > 1 {
            return Err(JpegError::corrupt("a new coefficient of more than one bit"));
        }
        if entry.is_end_of_block() {
            let length = entry.run();
            let run = (1 << length) - 1 + bits.take(length) as usize;
            bits.refill(bytes);
            return Ok((0, run));
        }
        let step = entry.size() | (entry.size() * Steps::NEW) | 1 << (16 + entry.run());
        Ok((step, 0))
    }

    /// Adds a bit to those coefficients of `old` for which one has been collected, and places the `new` ones.
    #[inline(always)]
    fn correct<const N: usize>(
        &self,
        block: &mut [i16; N],
        old: u64,
        collected: u64,
        new: u64,
        negative: u64,
    ) {
        // The first of them is the highest.
        let first_is_lowest = (collected << 1 << (63 - old.count_ones())).reverse_bits();
        let corrections = self.deposit.deposit(first_is_lowest, old);
        let mut changes = (corrections | new) & self.kept;
        while changes != 0 {
            let index = changes.trailing_zeros();
            changes &= changes - 1;
            if let Some(coefficient) = block.get_mut(usize::from(self.places[index as usize & 63]))
            {
                // All ones below zero. A new one is zero so far.
                let sign = *coefficient >> 15 | -i16::from(negative >> index & 1 == 1);
                *coefficient = coefficient.wrapping_add((self.bit ^ sign) - sign);
            }
        }
    }
}

#[cold]
fn past_the_end() -> JpegError {
    JpegError::corrupt("a coefficient past the end of its band")
}
