//! A later scan of a band of AC coefficients: a bit for each that is not zero, and where new ones become so.
//!
//! The bits of old coefficients lie between the symbols that place new ones, so that their number decides where the
//! next symbol is. With a map of the coefficients that are not zero it is a matter of counting bits; the corrections
//! are gathered into a map too, and only those of kept coefficients are carried out, once for each block.

use super::deposit::Deposit;
use super::scan::{Band, Source};
use crate::jpeg::JpegError;
use crate::jpeg::bits::Bits;

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
        band,
        whole: from(band.first) & !from(band.last + 1),
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
        let start = row * band.blocks.stride;
        let (Some(blocks), Some(maps)) = (
            blocks.get_mut(start..start + band.blocks.width),
            nonzero.get_mut(start..start + band.blocks.width),
        ) else {
            return Err(JpegError::corrupt(
                "a scan of more blocks than the image has",
            ));
        };
        for (block, map) in blocks.iter_mut().zip(maps) {
            if left == 0 {
                bits = source.restart(bits)?;
                left = source.interval;
                run = 0;
            }
            left -= 1;
            if run > 0 {
                run -= 1;
                let old = *map & refinement.whole;
                if old != 0 {
                    source.ensure(&mut bits)?;
                    bits.refill(source.bytes());
                    let corrections = refinement.corrections(source.bytes(), &mut bits, old);
                    refinement.correct(block, corrections);
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

/// The zig-zag indices from `index` on, as a map.
#[inline(always)]
fn from(index: u32) -> u64 {
    // In two shifts: a shift by 64 is none.
    (u64::MAX << (index >> 1)) << (index - (index >> 1))
}

struct Refinement<'a, D> {
    band: &'a Band,
    /// The band as a map.
    whole: u64,
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
        let mut nonzero = *map;
        // What of the band has not been passed.
        let mut rest = self.whole;
        let mut corrections = 0;
        let mut run = 0;
        while rest != 0 {
            bits.refill(bytes);
            let entry = self.band.code.next(bits)?;
            if entry.size() > 1 {
                return Err(JpegError::corrupt("a new coefficient of more than one bit"));
            }
            let is_new = entry.size() == 1;
            let positive = bits.buffer << ((entry.bits() - entry.size()) & 63) >> 63 == 1;
            bits.consume(entry.bits());
            let passed = if entry.is_end_of_block() {
                let length = entry.run();
                run = (1 << length) - 1 + bits.take(length) as usize;
                bits.refill(bytes);
                std::mem::take(&mut rest)
            } else {
                let index = self.deposit.nth(rest & !nonzero, entry.run());
                let after = from((index + 1).min(64));
                let passed = rest & !after;
                rest &= after;
                if is_new {
                    if index > 63 {
                        return Err(JpegError::corrupt("a coefficient past the end of its band"));
                    }
                    let place = usize::from(self.places[index as usize & 63]);
                    if let Some(coefficient) = block.get_mut(place) {
                        *coefficient = if positive { self.bit } else { -self.bit };
                    }
                }
                nonzero |= u64::from(is_new) << (index & 63);
                passed
            };
            // What this scan itself made has no correction: the map of before it.
            corrections |= self.corrections(bytes, bits, passed & *map);
        }
        self.correct(block, corrections);
        *map = nonzero;
        Ok(run)
    }

    /// Reads a bit for each of the coefficients of `old`. At least 32 bits must be valid.
    #[inline(always)]
    fn corrections(&self, bytes: &[u8], bits: &mut Bits, old: u64) -> u64 {
        let count = old.count_ones();
        if count <= 32 {
            let read = self.deposit.deposit(bits.buffer.reverse_bits(), old);
            bits.consume(count);
            return read;
        }
        let mut read = 0;
        for half in [old & 0xffff_ffff, old >> 32 << 32] {
            bits.refill(bytes);
            read |= self.deposit.deposit(bits.buffer.reverse_bits(), half);
            bits.consume(half.count_ones());
        }
        read
    }

    /// Carries the corrections out.
    #[inline(always)]
    fn correct<const N: usize>(&self, block: &mut [i16; N], corrections: u64) {
        let mut corrections = corrections & self.kept;
        while corrections != 0 {
            let index = corrections.trailing_zeros() as usize;
            corrections &= corrections - 1;
            if let Some(coefficient) = block.get_mut(usize::from(self.places[index & 63])) {
                let bit = if *coefficient < 0 {
                    -self.bit
                } else {
                    self.bit
                };
                *coefficient = coefficient.wrapping_add(bit);
            }
        }
    }
}
