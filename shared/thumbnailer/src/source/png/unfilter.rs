//! Undoing PNG's filters (PNG third edition, section 9), several rows at once.
//!
//! A filtered sample depends on the one to its left, so a row alone is one long chain: of the 12 megapixels of a photo,
//! a pixel after the other at the latency of a Paeth predictor, which took as long as inflating them. Here eight rows
//! advance together, each one pixel behind the row above it. What a row needs from above is what that row made one step
//! ago, so it never leaves the registers.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use super::unfilter_x86::Registers;
use crate::cpu::Cpu;

/// Rows that advance together.
pub(super) const ROWS: usize = 8;
/// Lanes for each of them: the samples of a pixel, at most four.
pub(super) const CHANNELS: usize = 4;
pub(super) const LANES: usize = ROWS * CHANNELS;

/// Bytes that a row of samples needs behind it: pixels of three bytes are written as four.
pub(super) const PADDING: usize = 1;

/// Filter types.
const NONE: u8 = 0;
const SUB: u8 = 1;
const UP: u8 = 2;
const AVERAGE: u8 = 3;
pub(super) const PAETH: u8 = 4;

/// Undoes the filters of the rows in `filtered`, each of a filter type and `length` bytes; `pixel` is the bytes from a
/// sample to the one it is predicted by.
///
/// `rows` starts with the last row that was undone before, or zeros, and gets the others behind it, each `length` and
/// [`PADDING`] long. `None` when a filter type does not exist or the lengths do not agree.
pub(super) fn unfilter(
    cpu: Cpu,
    pixel: usize,
    length: usize,
    filtered: &[u8],
    rows: &mut [u8],
) -> Option<()> {
    let stride = length + PADDING;
    let mut at = 0;
    for group in filtered.chunks(ROWS * (1 + length)) {
        let count = group.len() / (1 + length);
        let rows = rows.get_mut(at * stride..(at + count + 1) * stride)?;
        let chained = group
            .iter()
            .step_by(1 + length)
            .filter(|filter| matches!(**filter, SUB | AVERAGE | PAETH))
            .count();
        if count == ROWS && chained > 1 && length > ROWS * CHANNELS && (pixel == 3 || pixel == 4) {
            together(cpu, pixel, length, group, rows)?;
        } else {
            one_by_one(pixel, length, group, rows)?;
        }
        at += count;
    }
    Some(())
}

fn one_by_one(pixel: usize, length: usize, filtered: &[u8], rows: &mut [u8]) -> Option<()> {
    let stride = length + PADDING;
    for (index, row) in filtered.chunks_exact(1 + length).enumerate() {
        let (filter, source) = row.split_first()?;
        let (above, rest) = rows
            .get_mut(index * stride..)?
            .split_at_mut_checked(stride)?;
        let above = above.get(..length)?;
        let target = rest.get_mut(..length)?;
        match *filter {
            NONE => target.copy_from_slice(source),
            UP => {
                for ((target, source), above) in target.iter_mut().zip(source).zip(above) {
                    *target = source.wrapping_add(*above);
                }
            }
            filter @ (SUB | AVERAGE | PAETH) => match pixel {
                1 => chain::<1>(filter, source, above, target),
                2 => chain::<2>(filter, source, above, target),
                3 => chain::<3>(filter, source, above, target),
                4 => chain::<4>(filter, source, above, target),
                6 => chain::<6>(filter, source, above, target),
                _ => chain::<8>(filter, source, above, target),
            },
            _ => return None,
        }
    }
    Some(())
}

fn chain<const PIXEL: usize>(filter: u8, source: &[u8], above: &[u8], target: &mut [u8]) {
    let (mut left, mut corner) = ([0u8; PIXEL], [0u8; PIXEL]);
    let pixels = source
        .as_chunks::<PIXEL>()
        .0
        .iter()
        .zip(above.as_chunks::<PIXEL>().0);
    for (target, (source, above)) in target.as_chunks_mut().0.iter_mut().zip(pixels) {
        let mut made = [0; PIXEL];
        for channel in 0..PIXEL {
            let (a, b, c) = (left[channel], above[channel], corner[channel]);
            let predicted = match filter {
                SUB => a,
                AVERAGE => a.midpoint(b),
                _ => paeth(a, b, c),
            };
            made[channel] = source[channel].wrapping_add(predicted);
        }
        *target = made;
        left = made;
        corner = *above;
    }
}

/// The one of left, above and corner that is nearest to `a + b - c`; the first of equals.
#[expect(
    clippy::inline_always,
    reason = "part of a loop that is compiled for several processors"
)]
#[inline(always)]
fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let (to_a, to_b) = (b.abs_diff(c), a.abs_diff(c));
    // On the same side of the corner the distances add up, on opposite sides they cancel.
    let to_c = if (b > c) == (a > c) {
        to_a.saturating_add(to_b)
    } else {
        to_a.abs_diff(to_b)
    };
    let nearer = if to_b <= to_c { b } else { c };
    if to_a <= to_b && to_a <= to_c {
        a
    } else {
        nearer
    }
}

fn together(cpu: Cpu, pixel: usize, length: usize, filtered: &[u8], rows: &mut [u8]) -> Option<()> {
    let mut filters = [NONE; ROWS];
    for (filter, of_row) in filters.iter_mut().zip(filtered.iter().step_by(1 + length)) {
        *filter = *of_row;
    }
    if filters.iter().any(|filter| *filter > PAETH) {
        return None;
    }
    let masks = [SUB, UP, AVERAGE, PAETH].map(|filter| mask(filters, filter));
    match cpu {
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx2 | Cpu::Avx512 => {
            // SAFETY: these variants are chosen only where the processor has AVX2.
            #[expect(
                unsafe_code,
                reason = "a function for one set of instructions, which was detected"
            )]
            unsafe {
                together_avx2(pixel, length, masks, filtered, rows)
            }
        }
        _ if pixel == 3 => advance::<3, _>(Wave::new(masks), length, filtered, rows),
        _ => advance::<4, _>(Wave::new(masks), length, filtered, rows),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn together_avx2(
    pixel: usize,
    length: usize,
    masks: [[u8; LANES]; 4],
    filtered: &[u8],
    rows: &mut [u8],
) -> Option<()> {
    // Most photographs are filtered so all over, and the other predictors then cost nothing.
    let all_paeth = masks[3] == [0xff; LANES];
    match (pixel, all_paeth) {
        (3, true) => advance::<3, _>(Registers::<true>::new(masks), length, filtered, rows),
        (3, false) => advance::<3, _>(Registers::<false>::new(masks), length, filtered, rows),
        (_, true) => advance::<4, _>(Registers::<true>::new(masks), length, filtered, rows),
        (_, false) => advance::<4, _>(Registers::<false>::new(masks), length, filtered, rows),
    }
}

/// All ones for the lanes of the rows that have a filter.
fn mask(filters: [u8; ROWS], filter: u8) -> [u8; LANES] {
    let mut mask = [0; LANES];
    for (lanes, of_row) in mask.as_chunks_mut::<CHANNELS>().0.iter_mut().zip(filters) {
        if of_row == filter {
            *lanes = [0xff; CHANNELS];
        }
    }
    mask
}

/// A pixel of each of the rows that advance together.
pub(super) trait Step {
    /// Takes the pixel above the first row's and the filtered pixels, and gives the pixels.
    fn step(
        &mut self,
        above: [u8; CHANNELS],
        filtered: [[u8; CHANNELS]; ROWS],
    ) -> [[u8; CHANNELS]; ROWS];
}

#[expect(
    clippy::inline_always,
    reason = "part of a loop that is compiled for several processors"
)]
#[inline(always)]
fn advance<const PIXEL: usize, S: Step>(
    mut pixels: S,
    length: usize,
    filtered: &[u8],
    rows: &mut [u8],
) -> Option<()> {
    let stride = length + PADDING;
    let width = length / PIXEL;
    let mut sources: [&[u8]; ROWS] = [&[]; ROWS];
    for (index, source) in sources.iter_mut().enumerate() {
        *source = filtered.get(index * (1 + length) + 1..)?;
    }
    let (above, rest) = rows.split_at_mut_checked(stride)?;
    let mut targets: [&mut [u8]; ROWS] = Default::default();
    for (target, row) in targets.iter_mut().zip(rest.chunks_exact_mut(stride)) {
        *target = row;
    }
    // Rows that have not begun stay zero, as what lies left of a row is. Those that have ended are not read any more.
    for step in 0..ROWS - 1 {
        edge::<PIXEL, S>(
            &mut pixels,
            step,
            0..step + 1,
            above,
            &sources,
            &mut targets,
        )?;
    }
    for step in ROWS - 1..width {
        let above = above.get(step * PIXEL..)?.first_chunk()?;
        let mut filtered = [[0; CHANNELS]; ROWS];
        for row in 0..ROWS {
            // Three bytes and one of the next pixel, or of the next row.
            filtered[row] = *sources[row].get((step - row) * PIXEL..)?.first_chunk()?;
        }
        let made = pixels.step(*above, filtered);
        for row in 0..ROWS {
            *targets[row]
                .get_mut((step - row) * PIXEL..)?
                .first_chunk_mut()? = made[row];
        }
    }
    for step in width..width + ROWS - 1 {
        edge::<PIXEL, S>(
            &mut pixels,
            step,
            step + 1 - width..ROWS,
            above,
            &sources,
            &mut targets,
        )?;
    }
    Some(())
}

/// A step that only the `active` rows take.
#[expect(
    clippy::inline_always,
    reason = "part of a loop that is compiled for several processors"
)]
#[inline(always)]
fn edge<const PIXEL: usize, S: Step>(
    pixels: &mut S,
    step: usize,
    active: Range<usize>,
    above: &[u8],
    sources: &[&[u8]; ROWS],
    targets: &mut [&mut [u8]; ROWS],
) -> Option<()> {
    let mut up = [0; CHANNELS];
    if active.start == 0 {
        up[..PIXEL].copy_from_slice(above.get(step * PIXEL..)?.get(..PIXEL)?);
    }
    let mut filtered = [[0; CHANNELS]; ROWS];
    for row in active.clone() {
        filtered[row][..PIXEL]
            .copy_from_slice(sources[row].get((step - row) * PIXEL..)?.get(..PIXEL)?);
    }
    let made = pixels.step(up, filtered);
    for row in active {
        *targets[row]
            .get_mut((step - row) * PIXEL..)?
            .first_chunk_mut()? = made[row];
    }
    Some(())
}

/// [`Step`] in portable code.
struct Wave {
    masks: [[u8; LANES]; 4],
    left: [u8; LANES],
    corner: [u8; LANES],
}

impl Wave {
    fn new(masks: [[u8; LANES]; 4]) -> Self {
        Self {
            masks,
            left: [0; LANES],
            corner: [0; LANES],
        }
    }
}

impl Step for Wave {
    #[expect(
        clippy::inline_always,
        reason = "part of a loop that is compiled for several processors"
    )]
    #[inline(always)]
    fn step(
        &mut self,
        above: [u8; CHANNELS],
        filtered: [[u8; CHANNELS]; ROWS],
    ) -> [[u8; CHANNELS]; ROWS] {
        let mut up = [0; LANES];
        up[..CHANNELS].copy_from_slice(&above);
        up[CHANNELS..].copy_from_slice(&self.left[..LANES - CHANNELS]);
        let [subs, ups, averages, paeths] = &self.masks;
        let filtered = filtered.as_flattened();
        for lane in 0..LANES {
            let (a, b, c) = (self.left[lane], up[lane], self.corner[lane]);
            let predicted = subs[lane] & a
                | ups[lane] & b
                | averages[lane] & a.midpoint(b)
                | paeths[lane] & paeth(a, b, c);
            self.left[lane] = filtered[lane].wrapping_add(predicted);
        }
        self.corner = up;
        let mut made = [[0; CHANNELS]; ROWS];
        made.as_flattened_mut().copy_from_slice(&self.left);
        made
    }
}
