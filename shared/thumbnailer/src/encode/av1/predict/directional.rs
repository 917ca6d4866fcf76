//! The predictions along a direction (7.11.2.4), with the smoothing and the doubling of the edges that go before.

use super::edges::{START, Side};
use super::{Edges, LONGEST};

/// How far a step of one row or column moves along the other edge, in 64ths, by a third of the angle in degrees: its
/// cotangent, as the standard rounds it. Angles that no mode has are zero.
static STEPS: [u16; 30] = [
    0, 1023, 547, 372, 273, 215, 178, 151, 132, 116, 102, 0, 90, 80, 71, 64, 57, 51, 45, 40, 35,
    31, 27, 23, 19, 15, 0, 11, 7, 3,
];

/// The step of an angle between the direction and an edge.
#[inline(always)]
fn step(angle: i32) -> i32 {
    let place = usize::try_from(angle / 3).unwrap_or(0);
    STEPS.get(place).copied().map_or(0, i32::from)
}

/// Where the first sample after the corner is in a [`Line`]: far enough in that a whole row of a block may begin a block's
/// length before the samples that it needs.
const ORIGIN: usize = LONGEST + 16;

/// An edge as one direction wants it: from [`ORIGIN`] on, the corner before.
struct Line {
    samples: [u8; 256],
    /// Whether there are samples between the samples.
    doubled: bool,
}

/// The smoothing of an edge by strength: the weights of a sample, of its neighbours and of theirs, in sixteenths.
const KERNELS: [[u16; 3]; 3] = [[8, 4, 0], [6, 5, 0], [4, 4, 2]];

/// How strongly an edge is smoothed (7.11.2.9), by its angle to the direction and the sum of the block's sides.
#[inline(always)]
fn strength(sides: usize, smooth_neighbour: bool, angle: i32) -> usize {
    if smooth_neighbour {
        match sides {
            ..=8 => usize::from(angle >= 40) + usize::from(angle >= 64),
            9..=16 => usize::from(angle >= 20) + usize::from(angle >= 48),
            17..=24 => 3 * usize::from(angle >= 4),
            _ => 3,
        }
    } else {
        match sides {
            ..=8 => usize::from(angle >= 56),
            9..=16 => usize::from(angle >= 40),
            17..=24 => {
                usize::from(angle >= 8) + usize::from(angle >= 16) + usize::from(angle >= 32)
            }
            25..=32 => 1 + usize::from(angle >= 4) + usize::from(angle >= 32),
            _ => 3,
        }
    }
}

/// Whether an edge is doubled (7.11.2.10).
#[inline(always)]
fn doubles(sides: usize, smooth_neighbour: bool, angle: i32) -> bool {
    angle > 0 && angle < 40 && sides <= if smooth_neighbour { 8 } else { 16 }
}

impl Line {
    /// A side's samples with another corner.
    #[inline(always)]
    fn new(side: &Side, corner: u8) -> Self {
        let mut samples = [0; 256];
        samples[ORIGIN..ORIGIN + 2 * LONGEST].copy_from_slice(&side[START..]);
        samples[ORIGIN - 1] = corner;
        Self {
            samples,
            doubled: false,
        }
    }

    /// Smooths the first `count` samples after the corner, which stays as it is (7.11.2.12).
    #[inline(always)]
    fn smooth(&mut self, count: usize, strength: usize) {
        let Some(kernel) = strength.checked_sub(1).and_then(|place| KERNELS.get(place)) else {
            return;
        };
        const PAD: usize = 2;
        let mut padded = [0; 2 * LONGEST + 32];
        let edge = &self.samples[ORIGIN - 1..ORIGIN + count];
        padded[..PAD].fill(edge[0]);
        padded[PAD..=PAD + count].copy_from_slice(edge);
        padded[PAD + count + 1..][..PAD].fill(edge[count]);
        let mut smoothed = [[0; 16]; 2 * LONGEST / 16];
        for (index, smoothed) in smoothed.iter_mut().take(count.div_ceil(16)).enumerate() {
            let near: &[u8] = &padded[16 * index + 1..][..16 + 2 * PAD];
            for (place, sample) in smoothed.iter_mut().enumerate() {
                let at = |place: usize| u16::from(near[place]);
                let sum = kernel[0] * at(place + 2)
                    + kernel[1] * (at(place + 1) + at(place + 3))
                    + kernel[2] * (at(place) + at(place + 4));
                *sample = ((sum + 8) >> 4) as u8;
            }
        }
        self.samples[ORIGIN..ORIGIN + count].copy_from_slice(&smoothed.as_flattened()[..count]);
    }

    /// Puts samples between the corner and the first `count` samples (7.11.2.11).
    #[inline(always)]
    fn double(&mut self, count: usize) {
        // Doubled edges are at most 16 samples long.
        let mut padded = [0; 20];
        let count = count.min(16);
        let edge = &self.samples[ORIGIN - 1..ORIGIN + count];
        padded[0] = edge[0];
        padded[1..count + 2].copy_from_slice(edge);
        padded[count + 2] = edge[count];
        self.samples[ORIGIN - 2] = edge[0];
        let pairs = self.samples[ORIGIN - 1..].as_chunks_mut::<2>().0;
        for (pair, near) in pairs.iter_mut().zip(padded.windows(4)).take(count) {
            let [before, left, right, after] = [near[0], near[1], near[2], near[3]].map(i16::from);
            let between = (9 * (left + right) - before - after + 8) >> 4;
            *pair = [between.clamp(0, 255) as u8, near[2]];
        }
        self.doubled = true;
    }

    /// Lets the sample at `last` stand for all after it.
    #[inline(always)]
    fn end_at(&mut self, last: usize) {
        let value = self.samples[ORIGIN + last];
        self.samples[ORIGIN + last..].fill(value);
    }

    /// `N` samples one apart from `position` on, in 64ths of a sample, between the two nearest each.
    #[inline(always)]
    fn along<const N: usize>(&self, position: i32) -> [u8; N] {
        let bits = if self.doubled { 5 } else { 6 };
        let base = usize::try_from(ORIGIN.cast_signed() + (position >> bits) as isize).unwrap_or(0);
        let far = ((position << (6 - bits) >> 1) & 31) as u16;
        let mut out = [0; N];
        let blend =
            |a: u8, b: u8| ((u16::from(a) * (32 - far) + u16::from(b) * far + 16) >> 5) as u8;
        if self.doubled {
            let pairs = self.samples[base..].as_chunks::<2>().0;
            for (out, [a, b]) in out.iter_mut().zip(pairs) {
                *out = blend(*a, *b);
            }
        } else {
            let from = &self.samples[base..=base + N];
            for (out, (a, b)) in out.iter_mut().zip(from.iter().zip(&from[1..])) {
                *out = blend(*a, *b);
            }
        }
        out
    }
}

/// Ones from [`LONGEST`] on: what a row takes that begins at some column.
static FROM: [u8; 2 * LONGEST] = {
    let mut ones = [0; 2 * LONGEST];
    let mut place = LONGEST;
    while place < 2 * LONGEST {
        ones[place] = u8::MAX;
        place += 1;
    }
    ones
};

/// Predicts along `angle` degrees.
#[inline(always)]
pub(super) fn predict<const W: usize>(
    angle: i32,
    smooth_neighbour: bool,
    edges: &Edges,
    out: &mut [[u8; W]],
) {
    let height = out.len();
    match angle {
        90 => out.fill(*edges.above()),
        180 => {
            for (row, left) in out.iter_mut().zip(edges.left(height)) {
                row.fill(*left);
            }
        }
        ..90 => {
            let above = above_line::<W>(angle, smooth_neighbour, edges, height);
            let step = step(angle);
            let mut position = 0;
            for row in out {
                position += step;
                *row = above.along(position);
            }
        }
        91..180 => {
            let above = above_line::<W>(angle, smooth_neighbour, edges, height);
            let left = left_line::<W>(angle, smooth_neighbour, edges, height);
            let (across, down) = (step(180 - angle), step(angle - 90));
            from_left(&left, -down, across, out);
            let mut position = 0;
            for row in out {
                position -= across;
                // Columns from here on come from above, the others from the left.
                let first = (-position - 1) >> 6;
                let first = usize::try_from(first).unwrap_or(0);
                if first < W {
                    let above: [u8; W] = above.along(position);
                    let mask: &[u8; W] = FROM[LONGEST - first..].first_chunk().unwrap_or(&[0; W]);
                    for ((sample, above), mask) in row.iter_mut().zip(above).zip(mask) {
                        *sample = (above & mask) | (*sample & !mask);
                    }
                }
            }
        }
        _ => {
            let left = left_line::<W>(angle, smooth_neighbour, edges, height);
            from_left(&left, step(270 - angle), 0, out);
        }
    }
}

/// The corner, smoothed between its neighbours if the direction passes it in a block that is large enough (7.11.2.7).
#[inline(always)]
fn corner(angle: i32, sides: usize, edges: &Edges) -> u8 {
    let corner = edges.corner();
    if angle > 90 && angle < 180 && sides >= 24 {
        let neighbours = u16::from(edges.left[START]) + u16::from(edges.above[START]);
        ((5 * neighbours + 6 * u16::from(corner) + 8) >> 4) as u8
    } else {
        corner
    }
}

/// The row above, as a direction wants it.
#[inline(always)]
fn above_line<const W: usize>(
    angle: i32,
    smooth_neighbour: bool,
    edges: &Edges,
    height: usize,
) -> Line {
    let beyond = if angle < 90 { height } else { 0 };
    side_line(
        &edges.above,
        corner(angle, W + height, edges),
        [W, beyond],
        edges.available.above,
        (W + height, smooth_neighbour, (angle - 90).abs()),
    )
}

/// The column to the left, as a direction wants it.
#[inline(always)]
fn left_line<const W: usize>(
    angle: i32,
    smooth_neighbour: bool,
    edges: &Edges,
    height: usize,
) -> Line {
    let beyond = if angle > 180 { W } else { 0 };
    side_line(
        &edges.left,
        corner(angle, W + height, edges),
        [height, beyond],
        edges.available.left,
        (W + height, smooth_neighbour, (angle - 180).abs()),
    )
}

/// A side of `length` samples and those `beyond` it.
#[inline(always)]
fn side_line(
    side: &Side,
    corner: u8,
    [length, beyond]: [usize; 2],
    available: usize,
    (sides, smooth_neighbour, angle): (usize, bool, i32),
) -> Line {
    let mut line = Line::new(side, corner);
    if available > 0 {
        let count = length.min(available) + beyond;
        line.smooth(count, strength(sides, smooth_neighbour, angle));
    }
    let mut last = sides - 1;
    if doubles(sides, smooth_neighbour, angle) {
        line.double(length + beyond);
        last *= 2;
    }
    if beyond > 0 {
        line.end_at(last);
    }
    line
}

/// Predicts from the left: each column is as far along the edge from the one before as `step` says. If `across` is not
/// zero, only those rows of a column matter that a direction with that step to the row reaches from the left.
#[inline(always)]
fn from_left<const W: usize>(left: &Line, step: i32, across: i32, out: &mut [[u8; W]]) {
    match out.len() {
        4 => columns_from_left::<W, 4>(left, step, across, out),
        8 => columns_from_left::<W, 8>(left, step, across, out),
        16 => columns_from_left::<W, 16>(left, step, across, out),
        32 => columns_from_left::<W, 32>(left, step, across, out),
        _ => columns_from_left::<W, 64>(left, step, across, out),
    }
}

#[inline(always)]
fn columns_from_left<const W: usize, const H: usize>(
    left: &Line,
    step: i32,
    across: i32,
    out: &mut [[u8; W]],
) {
    let mut columns = [[0; H]; W];
    let mut position = 0;
    let mut reach = 0;
    for column in &mut columns {
        position += step;
        reach += 64;
        if across > 0 && across * H as i32 <= reach {
            // From here on, all rows come from above.
            break;
        }
        *column = left.along(position);
    }
    if W == 4 || H == 4 {
        for (row, out) in out.iter_mut().enumerate() {
            for (sample, column) in out.iter_mut().zip(&columns) {
                *sample = column[row];
            }
        }
        return;
    }
    for (band, rows) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        // Columns that the last row still takes from the left.
        let last = 8 * (band as i32 + 1);
        let needed = if across > 0 {
            (last * across - 1) >> 6
        } else {
            W as i32
        };
        let squares = columns.as_chunks::<8>().0.iter().enumerate();
        for (square, columns) in squares.take(usize::try_from(needed).unwrap_or(0).div_ceil(8)) {
            let columns: [_; 8] = std::array::from_fn(|column| {
                u64::from_le_bytes(columns[column].as_chunks().0[band])
            });
            for (row, samples) in rows.iter_mut().zip(transposed(columns)) {
                row.as_chunks_mut().0[square] = samples.to_le_bytes();
            }
        }
    }
}

/// Swaps rows and columns of eight times eight samples: halves, then quarters, then neighbours.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
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

/// Swaps rows and columns of eight times eight samples.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[expect(unsafe_code, reason = "calls a function for any x86-64 processor")]
fn transposed(lines: [u64; 8]) -> [u64; 8] {
    // SAFETY: every x86-64 processor has SSE2.
    unsafe { transposed_sse2(lines) }
}

/// See [`transposed`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
#[inline]
fn transposed_sse2(lines: [u64; 8]) -> [u64; 8] {
    use core::arch::x86_64::{
        _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_unpackhi_epi16, _mm_unpackhi_epi32,
        _mm_unpackhi_epi64, _mm_unpacklo_epi8, _mm_unpacklo_epi16, _mm_unpacklo_epi32,
    };
    let [a, b, c, d, e, f, g, h] = lines.map(|line| _mm_cvtsi64_si128(line.cast_signed()));
    let (ab, cd) = (_mm_unpacklo_epi8(a, b), _mm_unpacklo_epi8(c, d));
    let (ef, gh) = (_mm_unpacklo_epi8(e, f), _mm_unpacklo_epi8(g, h));
    let (left_low, left_high) = (_mm_unpacklo_epi16(ab, cd), _mm_unpackhi_epi16(ab, cd));
    let (right_low, right_high) = (_mm_unpacklo_epi16(ef, gh), _mm_unpackhi_epi16(ef, gh));
    let pairs = [
        _mm_unpacklo_epi32(left_low, right_low),
        _mm_unpackhi_epi32(left_low, right_low),
        _mm_unpacklo_epi32(left_high, right_high),
        _mm_unpackhi_epi32(left_high, right_high),
    ];
    std::array::from_fn(|line| {
        let pair = pairs[line / 2];
        let half = if line % 2 == 0 {
            pair
        } else {
            _mm_unpackhi_epi64(pair, pair)
        };
        _mm_cvtsi128_si64(half).cast_unsigned()
    })
}
