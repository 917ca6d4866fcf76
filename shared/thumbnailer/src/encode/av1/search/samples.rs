//! Samples of the picture, as it should look and as it does, and of what is around an area of it.

use super::super::edge::UNITS;
use super::super::predict::{Available, Edges};
use super::{Area, State, side};

/// When a unit is coded, of 16 by 16: quarters first, and quarters of quarters.
fn turn(column: usize, row: usize) -> usize {
    const SPREAD: [u8; UNITS] = [0, 1, 4, 5, 16, 17, 20, 21, 64, 65, 68, 69, 80, 81, 84, 85];
    usize::from(SPREAD[column]) | usize::from(SPREAD[row]) << 1
}

impl State<'_> {
    /// The areas of a square in all planes.
    pub(super) fn areas(
        &self,
        [column, row]: [usize; 2],
        side: usize,
    ) -> impl Iterator<Item = Area> + use<> {
        (0..self.canvases.len()).map(move |plane| {
            let shift = u32::from(plane > 0);
            Area {
                plane,
                x: (column * 4) >> shift,
                y: (row * 4) >> shift,
                width: side >> shift,
                height: side >> shift,
            }
        })
    }

    /// What a square looks like.
    pub(super) fn keep(&self, at: [usize; 2], side: usize) -> Vec<u8> {
        let mut kept = vec![0; side * side * 3 / 2];
        let mut rest = &mut kept[..];
        for area in self.areas(at, side) {
            let (own, others) = rest.split_at_mut(area.samples());
            self.painted(&area, own);
            rest = others;
        }
        kept
    }

    pub(super) fn restore(&mut self, at: [usize; 2], side: usize, kept: &[u8]) {
        let mut kept = kept;
        for area in self.areas(at, side) {
            let (own, rest) = kept.split_at(area.samples());
            self.paint(&area, own);
            kept = rest;
        }
    }

    /// Puts a block into the picture.
    pub(super) fn paint(&mut self, area: &Area, samples: &[u8]) {
        let (from, stride) = self.place_of(area);
        let canvas = &mut self.canvases[area.plane].samples[from..];
        copy(samples, area.width, canvas, stride, area);
    }

    /// Where an area begins in its canvas, and the canvas' stride.
    pub(super) fn place_of(&self, area: &Area) -> (usize, usize) {
        let [x, y] = self.corner(area);
        let stride = self.canvases[area.plane].stride;
        (y * stride + x, stride)
    }

    /// The area's first sample in its canvas.
    pub(super) fn corner(&self, area: &Area) -> [usize; 2] {
        let side = side(area.plane);
        [self.place[0] * side + area.x, self.place[1] * side + area.y]
    }

    /// Copies an area of the picture as it looks.
    pub(super) fn painted(&self, area: &Area, into: &mut [u8]) {
        let (from, stride) = self.place_of(area);
        let canvas = &self.canvases[area.plane].samples[from..];
        copy(canvas, stride, into, area.width, area);
    }

    /// Copies an area of the picture as it should look.
    pub(super) fn source(&self, area: &Area, into: &mut [u8]) {
        let stride = side(area.plane);
        let source = &self.sources[area.plane][area.y * stride + area.x..];
        copy(source, stride, into, area.width, area);
    }

    /// The samples around an area that a decoder has.
    pub(super) fn edges(&self, area: &Area) -> Edges {
        let [x, y] = self.corner(area);
        let canvas = &self.canvases[area.plane];
        Edges::gather(
            &canvas.samples,
            canvas.stride,
            x,
            y,
            area.width,
            area.height,
            self.available(area),
        )
    }

    /// How much of what is around an area is decoded before it (7.11.2 and the flags of 5.11.3).
    pub(super) fn available(&self, area: &Area) -> Available {
        let shift = u32::from(area.plane > 0);
        let tile = &self.tile;
        let units = side(area.plane) / 4;
        let (column, row) = (area.x / 4, area.y / 4);
        let (columns, rows) = (area.width / 4, area.height / 4);
        let [right, bottom] = self.around.limit.map(|limit| limit >> shift);
        let own = turn(column, row);
        let above = if row == 0 && self.place[1] == tile.row {
            0
        } else {
            let beyond = if row > 0 {
                column + columns < units && turn(column + columns, row - 1) < own
            } else if self.place[0] + 1 == tile.column + tile.columns {
                column + columns < units
            } else {
                true
            };
            let count = if beyond { 2 * columns } else { columns };
            count.min(right - column) * 4
        };
        let left = if column == 0 && self.place[0] == tile.column {
            0
        } else {
            let beyond = row + rows < units && (column == 0 || turn(column - 1, row + rows) < own);
            let count = if beyond { 2 * rows } else { rows };
            count.min(bottom - row) * 4
        };
        Available { above, left }
    }
}

/// Copies the rows of an area, of one of the few widths that there are.
fn copy(from: &[u8], from_stride: usize, into: &mut [u8], into_stride: usize, area: &Area) {
    match area.width {
        4 => copy_rows::<4>(from, from_stride, into, into_stride, area.height),
        8 => copy_rows::<8>(from, from_stride, into, into_stride, area.height),
        16 => copy_rows::<16>(from, from_stride, into, into_stride, area.height),
        32 => copy_rows::<32>(from, from_stride, into, into_stride, area.height),
        _ => copy_rows::<64>(from, from_stride, into, into_stride, area.height),
    }
}

#[inline]
fn copy_rows<const WIDTH: usize>(
    from: &[u8],
    from_stride: usize,
    into: &mut [u8],
    into_stride: usize,
    height: usize,
) {
    for row in 0..height {
        let from: Option<&[u8; WIDTH]> = from[row * from_stride..].first_chunk();
        let into: Option<&mut [u8; WIDTH]> = into[row * into_stride..].first_chunk_mut();
        if let (Some(from), Some(into)) = (from, into) {
            *into = *from;
        }
    }
}
