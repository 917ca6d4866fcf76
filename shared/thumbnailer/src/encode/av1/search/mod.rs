//! How a superblock is cut into blocks and what each is predicted by: what costs least in difference and bits, by the
//! distributions as they are when the superblock begins.

mod chroma;
mod luma;
mod unit;

use super::Picture;
use super::block::{Block, Partition, Surroundings, Unit, forced_split, halves_inside};
use super::cdf::{Coefficients, Modes};
use super::edge::{SUPERBLOCK, UNITS};
use super::predict::{Available, Edges};
use super::range::Distribution;
use super::rates::{Rates, cost};
use super::setup::Setup;
use super::tile::Canvas;
use super::tiles::Tile;

/// A superblock's samples of one plane.
type Source = [u8; SUPERBLOCK * SUPERBLOCK];

/// What is found for one superblock, and what it is found with.
pub(super) struct Search<'a> {
    setup: &'a Setup,
    picture: &'a Picture<'a>,
    tile: Tile,
    sources: Box<[Source; 3]>,
    /// In the order in which they are written.
    pub(super) blocks: Vec<Block>,
    pub(super) units: Vec<Unit>,
    pub(super) levels: Vec<i16>,
}

/// What a superblock is searched with.
struct State<'a, 's> {
    search: &'a mut Search<'s>,
    canvases: &'a mut [Canvas],
    /// The superblock's column and row.
    place: [usize; 2],
    around: Surroundings,
    modes: &'a Modes,
    rates: &'a Rates,
}

impl<'a> Search<'a> {
    pub(super) fn new(setup: &'a Setup, picture: &'a Picture<'a>, tile: Tile) -> Self {
        Self {
            setup,
            picture,
            tile,
            sources: Box::new([[0; SUPERBLOCK * SUPERBLOCK]; 3]),
            blocks: Vec::new(),
            units: Vec::new(),
            levels: Vec::new(),
        }
    }

    /// Finds the blocks of a superblock and leaves what they look like in `canvases`.
    pub(super) fn superblock(
        &mut self,
        canvases: &mut [Canvas],
        place: [usize; 2],
        around: Surroundings,
        modes: &Modes,
        coefficients: &Coefficients,
    ) {
        self.blocks.clear();
        self.units.clear();
        self.levels.clear();
        self.read(place);
        let rates = Rates::new(coefficients);
        let mut state = State {
            search: self,
            canvases,
            place,
            around,
            modes,
            rates: &rates,
        };
        state.square([0, 0], SUPERBLOCK, u64::MAX);
    }

    /// Copies the superblock's samples; the last ones stand for what is outside the picture.
    fn read(&mut self, [column, row]: [usize; 2]) {
        for (index, plane) in self.picture.planes().enumerate() {
            let side = side(index);
            let (left, top) = (column * side, row * side);
            let within = side.min(plane.width - left);
            for (y, target) in self.sources[index]
                .chunks_exact_mut(side)
                .take(side)
                .enumerate()
            {
                let from = (top + y).min(plane.height - 1) * plane.width + left;
                let source = &plane.samples[from..from + within];
                target[..within].copy_from_slice(source);
                target[within..].fill(source[within - 1]);
            }
        }
    }
}

/// A superblock's side in a plane.
fn side(plane: usize) -> usize {
    if plane > 0 {
        SUPERBLOCK / 2
    } else {
        SUPERBLOCK
    }
}

/// A block's place in a plane, within its superblock.
#[derive(Debug, Clone, Copy)]
struct Area {
    plane: usize,
    /// In samples.
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

impl Area {
    const fn samples(&self) -> usize {
        self.width * self.height
    }
}

/// When a unit is coded, of 16 by 16: quarters first, and quarters of quarters.
fn turn(column: usize, row: usize) -> usize {
    const SPREAD: [u8; UNITS] = [0, 1, 4, 5, 16, 17, 20, 21, 64, 65, 68, 69, 80, 81, 84, 85];
    usize::from(SPREAD[column]) | usize::from(SPREAD[row]) << 1
}

impl State<'_, '_> {
    fn setup(&self) -> &Setup {
        self.search.setup
    }

    /// Finds how a square is best cut and gives its cost, or something no less than `most`.
    fn square(&mut self, at: [usize; 2], side: usize, most: u64) -> u64 {
        let [column, row] = at;
        if column >= self.around.limit[0] || row >= self.around.limit[1] {
            return 0;
        }
        let inside = halves_inside(&self.around, column, row, side) == [true; 2];
        let before = (self.around.above, self.around.left);
        let start = self.search.blocks.len();
        let mut best = u64::MAX;
        if inside {
            best = self.bits(self.partition_rate(at, side, Partition::None));
            best += self.block(at, side, side);
        }
        if !self.worth_splitting(side, start, best) {
            return best;
        }
        let whole = (best < u64::MAX).then(|| self.keep(at, side));
        let after = (self.around.above, self.around.left);
        let end = self.search.blocks.len();
        (self.around.above, self.around.left) = before;
        let limit = best.min(most);
        let mut cut = self.bits(self.partition_rate(at, side, Partition::Split));
        let half = side / 8;
        for at in [
            [column, row],
            [column + half, row],
            [column, row + half],
            [column + half, row + half],
        ] {
            if cut >= limit {
                break;
            }
            cut += if side == 8 {
                self.block(at, 4, 4)
            } else {
                self.square(at, side / 2, limit - cut)
            };
        }
        if cut < best {
            self.search.blocks.drain(start..end);
            return cut;
        }
        if let Some(whole) = whole {
            self.search.blocks.truncate(end);
            (self.around.above, self.around.left) = after;
            self.restore(at, side, &whole);
        }
        best
    }

    /// Whether a square that has been tried as one block, the last of all, may be better in four.
    fn worth_splitting(&self, side: usize, start: usize, whole: u64) -> bool {
        if whole == u64::MAX {
            return true;
        }
        if side == 4 {
            return false;
        }
        !self.search.blocks[start..].iter().all(|block| block.skip)
    }

    /// What a number of parts of bits is worth.
    fn bits(&self, rate: u32) -> u64 {
        u64::from(rate) * self.setup().lambda
    }

    fn partition_rate(&self, [column, row]: [usize; 2], side: usize, partition: Partition) -> u32 {
        let side_log2 = side.ilog2() as usize - 2;
        let context = self.around.partition_context(column, row, side_log2);
        if side == 8 {
            return cost(partition as usize, &self.modes.partition_8[context]);
        }
        let distribution = &self.modes.partition[side_log2 - 2][context];
        match halves_inside(&self.around, column, row, side) {
            [true, true] => cost(partition as usize, distribution),
            [false, false] => 0,
            [across, _] => {
                let split: Distribution<2> = [forced_split(distribution, across), 0];
                cost(usize::from(partition == Partition::Split), &split)
            }
        }
    }

    /// The areas of a square in all planes.
    fn areas(&self, [column, row]: [usize; 2], side: usize) -> impl Iterator<Item = Area> + use<> {
        (0..self.canvases.len()).map(move |plane| {
            let shift = u32::from(plane > 0);
            Area {
                plane,
                x: column * 4 >> shift,
                y: row * 4 >> shift,
                width: side >> shift,
                height: side >> shift,
            }
        })
    }

    /// What a square looks like.
    fn keep(&self, at: [usize; 2], side: usize) -> Vec<u8> {
        let mut kept = Vec::with_capacity(side * side * 3 / 2);
        for area in self.areas(at, side) {
            let (from, stride) = self.place_of(&area);
            for row in self.canvases[area.plane].samples[from..]
                .chunks(stride)
                .take(area.height)
            {
                kept.extend_from_slice(&row[..area.width]);
            }
        }
        kept
    }

    fn restore(&mut self, at: [usize; 2], side: usize, kept: &[u8]) {
        let mut kept = kept;
        for area in self.areas(at, side) {
            let (own, rest) = kept.split_at(area.samples());
            self.paint(&area, own);
            kept = rest;
        }
    }

    /// Puts a block into the picture.
    fn paint(&mut self, area: &Area, samples: &[u8]) {
        let (from, stride) = self.place_of(area);
        let rows = self.canvases[area.plane].samples[from..].chunks_mut(stride);
        for (row, samples) in rows.zip(samples.chunks_exact(area.width)) {
            row[..area.width].copy_from_slice(samples);
        }
    }

    /// Where an area begins in its canvas, and the canvas' stride.
    fn place_of(&self, area: &Area) -> (usize, usize) {
        let [x, y] = self.corner(area);
        let stride = self.canvases[area.plane].stride;
        (y * stride + x, stride)
    }

    /// The area's first sample in its canvas.
    fn corner(&self, area: &Area) -> [usize; 2] {
        let side = side(area.plane);
        [self.place[0] * side + area.x, self.place[1] * side + area.y]
    }

    /// Copies an area of the picture as it should look.
    fn source(&self, area: &Area, into: &mut [u8]) {
        let stride = side(area.plane);
        let rows = self.search.sources[area.plane][area.y * stride + area.x..].chunks(stride);
        for (row, into) in rows.zip(into.chunks_exact_mut(area.width)) {
            into.copy_from_slice(&row[..area.width]);
        }
    }

    /// The samples around an area that a decoder has.
    fn edges(&self, area: &Area) -> Edges {
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
    fn available(&self, area: &Area) -> Available {
        let shift = u32::from(area.plane > 0);
        let tile = &self.search.tile;
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
