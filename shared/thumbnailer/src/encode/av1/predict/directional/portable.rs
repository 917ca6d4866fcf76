//! Directions without assumptions about the processor.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "samples again, of which the standard's arithmetic keeps eight bits"
)]

use super::super::LONGEST;
use super::super::edges::ORIGIN;
use super::{FROM, Job, KERNELS, Line, corner, doubles, step, strength};

directional!();

/// See [`super::predict`].
pub(super) fn predict(job: Job<'_>, width: usize, out: &mut [u8]) {
    predict_any(job, width, out);
}

/// Smooths the first `count` samples after the corner, which stays as it is (7.11.2.12).
///
/// What comes after them is the same as the last (where the picture ends) or is not used: so this can go by sixteen
/// and put it back.
#[inline]
fn smooth(line: &mut Line, count: usize, strength: usize) {
    let Some(kernel) = strength.checked_sub(1).and_then(|place| KERNELS.get(place)) else {
        return;
    };
    let count = count.min(2 * LONGEST);
    line.samples[ORIGIN - 2] = line.samples[ORIGIN - 1];
    let last = line.samples[ORIGIN + count - 1];
    line.samples[ORIGIN + count] = last;
    line.samples[ORIGIN + count + 1] = last;
    // Two samples before those to smooth.
    let mut place = ORIGIN - 2;
    let mut near: [u8; 20] = part(line, place);
    for _ in 0..count.div_ceil(16) {
        let next = part(line, place + 16);
        let at = |place: usize| u16::from(near[place]);
        let smoothed: [u8; 16] = std::array::from_fn(|place| {
            let sum = kernel[0] * at(place + 2)
                + kernel[1] * (at(place + 1) + at(place + 3))
                + kernel[2] * (at(place) + at(place + 4));
            ((sum + 8) >> 4) as u8
        });
        if let Some(place) = line.samples[place + 2..].first_chunk_mut() {
            *place = smoothed;
        }
        place += 16;
        near = next;
    }
    if let Some(beyond) = line.samples[ORIGIN + count..].first_chunk_mut::<16>() {
        beyond.fill(last);
    }
}

/// `N` samples from a place on.
#[inline]
fn part<const N: usize>(line: &Line, place: usize) -> [u8; N] {
    let part = line.samples.get(place..).and_then(<[u8]>::first_chunk);
    part.copied().unwrap_or([0; N])
}

/// Puts samples between the corner and the first `count` samples (7.11.2.11), at most 16. What comes after them is not
/// used, so this makes 16 of them.
#[inline]
fn double(line: &mut Line, count: usize) {
    let count = count.min(16);
    line.samples[ORIGIN - 2] = line.samples[ORIGIN - 1];
    line.samples[ORIGIN + count] = line.samples[ORIGIN + count - 1];
    let near: [u8; 19] = part(line, ORIGIN - 2);
    let at = |place: usize| i16::from(near[place]);
    let between: [u8; 16] = std::array::from_fn(|place| {
        let sum = 9 * (at(place + 1) + at(place + 2)) - at(place) - at(place + 3);
        ((sum + 8) >> 4).clamp(0, 255) as u8
    });
    if let Some(pairs) = line.samples[ORIGIN - 1..].first_chunk_mut::<32>() {
        let pairs = pairs.as_chunks_mut::<2>().0.iter_mut();
        for ((pair, between), own) in pairs.zip(between).zip(&near[2..]) {
            *pair = [between, *own];
        }
    }
    line.doubled = true;
}

/// `N` samples one apart from `position` on, in 64ths of a sample, between the two nearest each.
#[inline]
fn along<const N: usize>(line: &Line, position: i32) -> [u8; N] {
    let bits = if line.doubled { 5 } else { 6 };
    let base = usize::try_from(ORIGIN.cast_signed() + (position >> bits) as isize).unwrap_or(0);
    let far = ((position << (6 - bits) >> 1) & 31) as u16;
    let mut out = [0; N];
    let blend = |a: u8, b: u8| ((u16::from(a) * (32 - far) + u16::from(b) * far + 16) >> 5) as u8;
    if line.doubled {
        let pairs = line.samples[base..].as_chunks::<2>().0;
        for (out, [a, b]) in out.iter_mut().zip(pairs) {
            *out = blend(*a, *b);
        }
    } else {
        let from = &line.samples[base..];
        for (out, (a, b)) in out.iter_mut().zip(from.iter().zip(&from[1..])) {
            *out = blend(*a, *b);
        }
    }
    out
}

/// Swaps rows and columns of eight times eight samples: halves, then quarters, then neighbours.
#[inline]
fn transposed(mut lines: [u64; 8]) -> [u64; 8] {
    for (distance, mask) in [
        (4, 0x0000_0000_ffff_ffff),
        (2, 0x0000_ffff_0000_ffff),
        (1, 0x00ff_00ff_00ff_00ff),
    ] {
        let bits = 8 * distance;
        for first in 0..8 {
            if first & distance == 0 {
                let other = first + distance;
                let swapped = ((lines[first] >> bits) ^ lines[other]) & mask;
                lines[other] ^= swapped;
                lines[first] ^= swapped << bits;
            }
        }
    }
    lines
}
