//! The first scan of a band of AC coefficients: like a sequential scan, but for runs of blocks without any.

use super::scan::{Band, Source, no_code};
use crate::jpeg::JpegError;
use crate::jpeg::bits::{Bits, signed};

/// Decodes the scan into blocks of `N` coefficients, and notes which are not zero.
#[inline(always)]
pub(super) fn decode<const N: usize>(
    source: &mut Source<'_>,
    band: &Band,
    low: u32,
    coefficients: &mut [i16],
    nonzero: &mut [u64],
) -> Result<Bits, JpegError> {
    let blocks = coefficients.as_chunks_mut::<N>().0;
    let places = band.blocks.places();
    let mut bits = source.begin(1);
    let mut left = source.interval;
    // Blocks that have nothing in this band.
    let mut run = 0;
    for row in 0..band.blocks.rows {
        source.check(bits)?;
        let (blocks, maps) = band.row(row, blocks, nonzero)?;
        let mut column = 0;
        while let (Some(block), Some(map)) = (blocks.get_mut(column), maps.get_mut(column)) {
            if left == 0 {
                bits = source.restart(bits)?;
                left = source.interval;
                run = 0;
            }
            if run > 0 {
                let passed = run.min(left).min(band.blocks.width - column);
                column += passed;
                left -= passed;
                run -= passed;
                continue;
            }
            column += 1;
            left -= 1;
            source.ensure(&mut bits)?;
            run = match one(source.bytes(), &mut bits, band, low, &places, block, map) {
                Ok(run) => run,
                Err(error) => return Err(source.blame(bits, error)),
            };
        }
    }
    Ok(bits)
}

/// Decodes a block; how many blocks without anything follow.
#[inline(always)]
fn one<const N: usize>(
    bytes: &[u8],
    bits: &mut Bits,
    band: &Band,
    low: u32,
    places: &[u8; 64],
    block: &mut [i16; N],
    map: &mut u64,
) -> Result<usize, JpegError> {
    let mut index = band.first;
    let mut nonzero = *map;
    let mut run = 0;
    while index <= band.last {
        bits.refill(bytes);
        let entry = band.code.next(bytes, bits).ok_or_else(no_code)?;
        if entry.size() == 0 {
            bits.consume(entry.bits());
            if entry.is_end_of_block() {
                let length = entry.run();
                run = (1 << length) - 1 + bits.take(length) as usize;
                break;
            }
            index += 16;
            continue;
        }
        index += entry.run();
        if index > band.last {
            return Err(JpegError::corrupt("a coefficient past the end of its band"));
        }
        let value = signed(
            bits.buffer << ((entry.bits() - entry.size()) & 63),
            entry.size(),
        );
        bits.consume(entry.bits());
        nonzero |= 1 << index;
        if let Some(coefficient) = block.get_mut(usize::from(places[index as usize & 63])) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "only what no encoder writes is cut, and libjpeg cuts it too"
            )]
            let value = (value << low) as i16;
            *coefficient = value;
        }
        index += 1;
    }
    *map = nonzero;
    Ok(run)
}
