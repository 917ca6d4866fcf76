//! A tile: its superblocks one after the other, each first searched and then written.

use super::Picture;
use super::block::{
    self, Block, Partition, Surroundings, Unit, Writer, halves_inside, write_partition,
};
use super::cdf::{Coefficients, Modes};
use super::edge::{Edge, SUPERBLOCK, UNITS};
use super::range::RangeEncoder;
use super::search::Search;
use super::setup::Setup;
use super::tiles::Tile;
use crate::planes::Plane;

/// A plane as the decoder will have it before its filters, with room for the parts of blocks that lie outside.
pub(super) struct Canvas {
    pub(super) samples: Vec<u8>,
    pub(super) stride: usize,
}

impl Canvas {
    pub(super) fn new(plane: &Plane) -> Self {
        let stride = plane.width.next_multiple_of(SUPERBLOCK);
        Self {
            samples: vec![0; stride * plane.height.next_multiple_of(SUPERBLOCK)],
            stride,
        }
    }
}

/// The bytes of a tile. What its blocks look like is left in `canvases`.
pub(super) fn encode(
    setup: &Setup,
    picture: &Picture<'_>,
    canvases: &mut [Canvas],
    tile: Tile,
) -> Vec<u8> {
    let mut writer = Writer {
        coder: RangeEncoder::new(),
        modes: Modes::new(),
        coefficients: Coefficients::new(setup.frame.quantiser),
    };
    let mut above = vec![Edge::OUTSIDE; tile.columns];
    let mut search = Search::new(setup, picture, tile);
    for row in tile.row..tile.row + tile.rows {
        let mut left = Edge::OUTSIDE;
        for column in tile.column..tile.column + tile.columns {
            let above = &mut above[column - tile.column];
            let limit = [
                units(setup.frame.width, column),
                units(setup.frame.height, row),
            ];
            let around = |above, left| Surroundings { above, left, limit };
            search.superblock(
                canvases,
                [column, row],
                around(*above, left),
                &writer.modes,
                &writer.coefficients,
            );
            let mut after = around(*above, left);
            let mut unwritten = Unwritten {
                blocks: &search.blocks,
                units: &search.units,
                levels: &search.levels,
            };
            unwritten.write(&mut writer, &mut after, [0, 0], SUPERBLOCK);
            debug_assert!(unwritten.blocks.is_empty(), "every block has its place");
            *above = after.above;
            left = after.left;
        }
    }
    writer.coder.finish()
}

/// How many units of 4 samples a picture has from a superblock on; it is seen as a multiple of 8 samples.
fn units(side: usize, superblock: usize) -> usize {
    side.next_multiple_of(8) / 4 - superblock * UNITS
}

/// What is still to be written of a superblock.
struct Unwritten<'a> {
    blocks: &'a [Block],
    units: &'a [Unit],
    levels: &'a [i16],
}

impl Unwritten<'_> {
    /// Writes a square, which is cut as its first block's sides say.
    fn write(
        &mut self,
        writer: &mut Writer,
        around: &mut Surroundings,
        at: [usize; 2],
        side: usize,
    ) {
        let [column, row] = at;
        if column >= around.limit[0] || row >= around.limit[1] {
            return;
        }
        let Some(first) = self.blocks.first() else {
            return;
        };
        let partition = match (first.width == side, first.height == side) {
            (true, true) => Partition::None,
            (true, false) if first.height * 2 == side => Partition::Horizontal,
            (false, true) if first.width * 2 == side => Partition::Vertical,
            _ => Partition::Split,
        };
        write_partition(writer, around, at, side, partition);
        let half = side / 8;
        let [across, down] = halves_inside(around, column, row, side);
        match partition {
            Partition::None => self.block(writer, around),
            Partition::Horizontal => {
                self.block(writer, around);
                if down {
                    self.block(writer, around);
                }
            }
            Partition::Vertical => {
                self.block(writer, around);
                if across {
                    self.block(writer, around);
                }
            }
            Partition::Split => {
                for at in [
                    [column, row],
                    [column + half, row],
                    [column, row + half],
                    [column + half, row + half],
                ] {
                    if side == 8 {
                        self.block(writer, around);
                    } else {
                        self.write(writer, around, at, side / 2);
                    }
                }
            }
        }
    }

    fn block(&mut self, writer: &mut Writer, around: &mut Surroundings) {
        let Some((first, rest)) = self.blocks.split_first() else {
            return;
        };
        self.blocks = rest;
        let (from, count) = first.units;
        let units = &self.units[from..from + count];
        block::write(writer, around, first, units, self.levels);
    }
}
