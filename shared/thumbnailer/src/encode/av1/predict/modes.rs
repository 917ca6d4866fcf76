//! The predictions without a direction (7.11.2.2, 7.11.2.5 and 7.11.2.6).

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "samples again, of which the standard's arithmetic keeps eight bits"
)]
#![expect(
    clippy::inline_always,
    reason = "loops become vectors only within a function for a processor"
)]

use super::Edges;

/// How much of the near edge is in a sample of a smooth prediction, in 256ths, by its distance; for a side of four, then
/// of eight and so on.
static WEIGHTS: [u8; 4 + 8 + 16 + 32 + 64] = [
    255, 149, 85, 64, //
    255, 197, 146, 105, 73, 50, 37, 32, //
    255, 225, 196, 170, 145, 123, 102, 84, 68, 54, 43, 33, 26, 20, 17, 16, //
    255, 240, 225, 210, 196, 182, 169, 157, 145, 133, 122, 111, 101, 92, 83, 74, 66, 59, 52, 45,
    39, 34, 29, 25, 21, 17, 14, 12, 10, 9, 8, 8, //
    255, 248, 240, 233, 225, 218, 210, 203, 196, 189, 182, 176, 169, 163, 156, 150, 144, 138, 133,
    127, 121, 116, 111, 106, 101, 96, 91, 86, 82, 77, 73, 69, 65, 61, 57, 54, 50, 47, 44, 41, 38,
    35, 32, 29, 27, 25, 22, 20, 18, 16, 15, 13, 12, 10, 9, 8, 7, 6, 6, 5, 5, 4, 4, 4,
];

/// The weights along a side.
#[inline(always)]
pub(super) fn weights(side: usize) -> &'static [u8] {
    // The tables of the shorter sides come first: 4 + 8 + .. + side / 2 entries.
    &WEIGHTS[side - 4..2 * side - 4]
}

/// The mean of the edges that there are.
#[inline(always)]
pub(super) fn mean<const W: usize>(edges: &Edges, height: usize) -> u8 {
    let sum = |samples: &[u8]| samples.iter().map(|sample| u32::from(*sample)).sum::<u32>();
    let above = sum(edges.above::<W>());
    let left = sum(edges.left(height));
    // Sides are at most 64.
    let [width, height] = [W, height].map(|side| u32::try_from(side).unwrap_or(64));
    let (total, count) = match (edges.available.above > 0, edges.available.left > 0) {
        (true, true) => (above + left, width + height),
        (true, false) => (above, width),
        (false, true) => (left, height),
        (false, false) => (128, 1),
    };
    ((total + count / 2) / count) as u8
}

/// The mean everywhere.
#[inline(always)]
pub(super) fn dc<const W: usize>(edges: &Edges, out: &mut [[u8; W]]) {
    let mean = mean::<W>(edges, out.len());
    out.fill([mean; W]);
}

/// Between what is above and the last sample to the left.
#[inline(always)]
pub(super) fn smooth_vertical<const W: usize>(edges: &Edges, out: &mut [[u8; W]]) {
    let above = edges.above::<W>();
    let height = out.len();
    let last = u16::from(edges.left(height)[height - 1]);
    for (row, weight) in out.iter_mut().zip(weights(height)) {
        let weight = u16::from(*weight);
        let far = (256 - weight) * last + 128;
        for (sample, above) in row.iter_mut().zip(above) {
            // At most 255 * 256 + 128: sixteen bits.
            *sample = ((weight * u16::from(*above) + far) >> 8) as u8;
        }
    }
}

/// Between what is to the left and the last sample above.
#[inline(always)]
pub(super) fn smooth_horizontal<const W: usize>(edges: &Edges, out: &mut [[u8; W]]) {
    let last = u16::from(edges.above::<W>()[W - 1]);
    let weights: &[u8; W] = weights(W).first_chunk().unwrap_or(&[0; W]);
    let height = out.len();
    for (row, left) in out.iter_mut().zip(edges.left(height)) {
        let left = u16::from(*left);
        for (sample, weight) in row.iter_mut().zip(weights) {
            let weight = u16::from(*weight);
            *sample = ((weight * left + (256 - weight) * last + 128) >> 8) as u8;
        }
    }
}

/// The mean of the other two, rounded once.
#[inline(always)]
pub(super) fn smooth<const W: usize>(edges: &Edges, out: &mut [[u8; W]]) {
    let above = edges.above::<W>();
    let height = out.len();
    let left = edges.left(height);
    let (last_above, last_left) = (u32::from(above[W - 1]), u32::from(left[height - 1]));
    let weights_across: &[u8; W] = weights(W).first_chunk().unwrap_or(&[0; W]);
    for ((row, weight_down), left) in out.iter_mut().zip(weights(height)).zip(left) {
        let down = u32::from(*weight_down);
        let far_down = (256 - down) * last_left + 256;
        let left = u32::from(*left);
        for ((sample, above), across) in row.iter_mut().zip(above).zip(weights_across) {
            let across = u32::from(*across);
            let vertical = down * u32::from(*above) + far_down;
            let horizontal = across * left + (256 - across) * last_above;
            *sample = ((vertical + horizontal) >> 9) as u8;
        }
    }
}

/// Of above, left and corner the one that is nearest to above + left - corner.
#[inline(always)]
pub(super) fn paeth<const W: usize>(edges: &Edges, out: &mut [[u8; W]]) {
    let above = edges.above::<W>();
    let corner = i16::from(edges.corner());
    let height = out.len();
    for (row, left) in out.iter_mut().zip(edges.left(height)) {
        let to_top = (i16::from(*left) - corner).abs();
        for (sample, above) in row.iter_mut().zip(above) {
            let to_left = (i16::from(*above) - corner).abs();
            let to_corner = (i16::from(*above) + i16::from(*left) - 2 * corner).abs();
            let other = if to_top <= to_corner {
                *above
            } else {
                corner as u8
            };
            let nearest_is_left = to_left <= to_top && to_left <= to_corner;
            *sample = if nearest_is_left { *left } else { other };
        }
    }
}
