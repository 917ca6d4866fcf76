//! How a superblock is cut into blocks and what each is predicted by: what costs least in difference and bits.
//!
//! First blocks of all sizes are tried with estimates of their bits; then the best of them are coded once more, with care
//! for each coefficient, by the distributions as they are when the superblock begins.

mod chroma;
mod direction;
mod estimate;
mod luma;
mod samples;
mod settle;

use super::Picture;
use super::block::{Block, Chroma, Partition, Surroundings, Unit, forced_split, halves_inside};
use super::cdf::{Coefficients, Modes};
use super::edge::SUPERBLOCK;
use super::range::Distribution;
use super::rates::{BIT, Rates, cost};
use super::setup::Setup;
use super::tile::Canvas;
use super::tiles::Tile;
use super::transform::Size;
use direction::{Gradients, gradients};

/// A superblock's samples of one plane.
type Samples = [u8; SUPERBLOCK * SUPERBLOCK];

/// Coefficients of the largest transform.
type Values = [i32; 32 * 32];

/// What is found for one superblock, and what it is found with.
pub(super) struct Search<'a> {
    setup: &'a Setup,
    picture: &'a Picture<'a>,
    tile: Tile,
    sources: Box<[Samples; 3]>,
    gradients: Box<Gradients>,
    scratch: Box<Scratch>,
    /// In the order in which they are written.
    pub(super) blocks: Vec<Block>,
    pub(super) units: Vec<Unit>,
    pub(super) levels: Vec<i16>,
}

/// Room to try something in. What it holds is worth nothing from one trial to the next.
struct Scratch {
    source: Samples,
    samples: Samples,
    left: [i16; SUPERBLOCK * SUPERBLOCK],
    coefficients: Values,
    values: Values,
    best: Trial,
}

/// A prediction and what is added to it.
struct Trial {
    samples: Samples,
    dequantised: Values,
}

impl Trial {
    fn take(&mut self, size: Size, samples: &[u8], dequantised: &Values) {
        let count = size.coded_width() * size.coded_height();
        self.samples[..samples.len()].copy_from_slice(samples);
        self.dequantised[..count].copy_from_slice(&dequantised[..count]);
    }
}

/// What a superblock is searched with.
struct State<'a> {
    setup: &'a Setup,
    tile: Tile,
    sources: &'a [Samples; 3],
    gradients: &'a Gradients,
    blocks: &'a mut Vec<Block>,
    units: &'a mut Vec<Unit>,
    levels: &'a mut Vec<i16>,
    canvases: &'a mut [Canvas],
    /// The superblock's column and row.
    place: [usize; 2],
    around: Surroundings,
    modes: &'a Modes,
    rates: &'a Rates,
    /// The last that was.
    found_chroma: Option<FoundChroma>,
}

/// How a block's chroma is best predicted.
#[derive(Debug, Clone, Copy)]
struct FoundChroma {
    chroma: Chroma,
    /// Whether any coefficient is coded.
    coded: bool,
    cost: u64,
}

impl<'a> Search<'a> {
    pub(super) fn new(setup: &'a Setup, picture: &'a Picture<'a>, tile: Tile) -> Self {
        Self {
            setup,
            picture,
            tile,
            sources: Box::new([[0; _]; 3]),
            gradients: Box::new(Gradients::NONE),
            scratch: Box::new(Scratch {
                source: [0; _],
                samples: [0; _],
                left: [0; _],
                coefficients: [0; _],
                values: [0; _],
                best: Trial {
                    samples: [0; _],
                    dequantised: [0; _],
                },
            }),
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
        gradients(self.setup.cpu, &self.sources[0], &mut self.gradients);
        let before = (around.above, around.left);
        let mut state = State {
            setup: self.setup,
            tile: self.tile,
            sources: &self.sources,
            gradients: &self.gradients,
            blocks: &mut self.blocks,
            units: &mut self.units,
            levels: &mut self.levels,
            canvases,
            place,
            around,
            modes,
            rates: &Rates::new(coefficients),
            found_chroma: None,
        };
        state.square(&mut self.scratch, [0, 0], SUPERBLOCK, u64::MAX);
        (state.around.above, state.around.left) = before;
        for index in 0..state.blocks.len() {
            state.settle(&mut self.scratch, index);
        }
    }

    /// Copies the superblock's samples; the last ones stand for what is outside the picture.
    fn read(&mut self, [column, row]: [usize; 2]) {
        for (index, plane) in self.picture.planes().enumerate() {
            let side = side(index);
            let (left, top) = (column * side, row * side);
            let within = side.min(plane.width - left);
            let rows = self.sources[index].chunks_exact_mut(side).take(side);
            for (y, target) in rows.enumerate() {
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

impl State<'_> {
    /// Finds how a square is best cut and gives its cost, or something no less than `most`.
    fn square(&mut self, scratch: &mut Scratch, at: [usize; 2], side: usize, most: u64) -> u64 {
        let [column, row] = at;
        if column >= self.around.limit[0] || row >= self.around.limit[1] {
            return 0;
        }
        let whole = halves_inside(&self.around, column, row, side) == [true; 2];
        if whole && side <= 16 {
            self.whole_first(scratch, at, side, most)
        } else {
            self.quarters_first(scratch, at, side, most, whole)
        }
    }

    /// Tries a square as one block, and cut where that leaves something to be coded.
    fn whole_first(
        &mut self,
        scratch: &mut Scratch,
        at: [usize; 2],
        side: usize,
        most: u64,
    ) -> u64 {
        let before = (self.around.above, self.around.left);
        let start = self.blocks.len();
        let whole = self.whole(scratch, at, side);
        if !self.worth_cutting(start, side, whole) {
            return whole;
        }
        let looks = self.keep(at, side);
        let after = (self.around.above, self.around.left);
        let end = self.blocks.len();
        (self.around.above, self.around.left) = before;
        let chroma = self.found_chroma;
        let quarters = self.quarters(scratch, at, side, whole.min(most), chroma);
        if quarters < whole {
            self.blocks.drain(start..end);
            return quarters;
        }
        self.blocks.truncate(end);
        (self.around.above, self.around.left) = after;
        self.restore(at, side, &looks);
        whole
    }

    /// Tries a square cut, and as one block where no quarter is better cut further.
    fn quarters_first(
        &mut self,
        scratch: &mut Scratch,
        at: [usize; 2],
        side: usize,
        most: u64,
        may_be_whole: bool,
    ) -> u64 {
        let before = (self.around.above, self.around.left);
        let start = self.blocks.len();
        let quarters = self.quarters(scratch, at, side, most, None);
        let end = self.blocks.len();
        if !may_be_whole || quarters >= most || end > start + 4 {
            return quarters;
        }
        let looks = self.keep(at, side);
        let after = (self.around.above, self.around.left);
        (self.around.above, self.around.left) = before;
        let whole = self.whole(scratch, at, side);
        if whole <= quarters {
            self.blocks.drain(start..end);
            return whole;
        }
        self.blocks.truncate(end);
        (self.around.above, self.around.left) = after;
        self.restore(at, side, &looks);
        quarters
    }

    fn whole(&mut self, scratch: &mut Scratch, at: [usize; 2], side: usize) -> u64 {
        let rate = self.partition_rate(at, side, Partition::None);
        self.bits(rate) + self.block(scratch, at, side, side, None)
    }

    fn quarters(
        &mut self,
        scratch: &mut Scratch,
        at: [usize; 2],
        side: usize,
        most: u64,
        chroma: Option<FoundChroma>,
    ) -> u64 {
        let [column, row] = at;
        let mut total = self.bits(self.partition_rate(at, side, Partition::Split));
        let half = side / 8;
        for at in [
            [column, row],
            [column + half, row],
            [column, row + half],
            [column + half, row + half],
        ] {
            if total >= most {
                break;
            }
            total += if side == 8 {
                self.block(scratch, at, 4, 4, chroma)
            } else {
                self.square(scratch, at, side / 2, most - total)
            };
        }
        total
    }

    /// Whether a square that is one block, the last of all, may be better in four.
    fn worth_cutting(&self, start: usize, side: usize, whole: u64) -> bool {
        if self.blocks[start..].iter().all(|block| block.skip) {
            return false;
        }
        // What costs little leaves little to gain. With 120 bits for blocks of 8, 2 % fewer bytes take a quarter more time.
        let bits = if side == 8 { 250 } else { 200 };
        whole > self.bits(bits * BIT)
    }

    /// Finds the block at a place, keeps and paints it, and gives its cost.
    fn block(
        &mut self,
        scratch: &mut Scratch,
        at: [usize; 2],
        width: usize,
        height: usize,
        known: Option<FoundChroma>,
    ) -> u64 {
        let [column, row] = at;
        let area = Area {
            plane: 0,
            x: column * 4,
            y: row * 4,
            width,
            height,
        };
        let (luma, mut coded, mut total) = self.luma(scratch, &area);
        // Blocks of 4 share chroma, which comes with the last of them.
        let shared = [(width, column), (height, row)]
            .iter()
            .any(|&(side, unit)| side == 4 && unit % 2 == 0);
        let mut chroma = None;
        if self.canvases.len() > 1 && !shared {
            let found = known.unwrap_or_else(|| self.chroma(scratch, &area, luma.mode));
            coded |= found.coded;
            total += found.cost;
            chroma = Some(found.chroma);
            self.found_chroma = Some(found);
        }
        let skip_context = self.around.skip_context(column, row);
        total += self.bits(cost((!coded).into(), &self.modes.skip[skip_context]));
        let block = Block {
            column,
            row,
            width,
            height,
            luma,
            chroma,
            skip: !coded,
            units: (0, 0),
        };
        self.around.note(&block);
        self.blocks.push(block);
        total
    }

    /// What a number of parts of bits is worth.
    fn bits(&self, rate: u32) -> u64 {
        u64::from(rate) * self.setup.lambda
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
}
