//! One block as the standard's syntax has it (5.11.5), and how it is written.

use super::cdf::{Coefficients, Modes};
use super::coefficients::{self, Coded};
use super::edge::{Edge, UNITS, context};
use super::predict::Mode;
use super::range::{Distribution, RangeEncoder};
use super::transform::{Kind, Size};

/// Chroma predicted from luma, numbered behind the modes that luma has too.
pub(super) const FROM_LUMA: u8 = 13;

/// How a block's samples are predicted, and where its transforms are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// In units of 4 samples within the superblock.
    pub(super) column: usize,
    pub(super) row: usize,
    /// In samples.
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) luma: Luma,
    /// Not of a monochrome picture, nor of the first blocks of 4 samples that share chroma with the one behind them.
    pub(super) chroma: Option<Chroma>,
    /// Nothing is coded but the prediction.
    pub(super) skip: bool,
    /// Its first transform and how many they are: luma's, then those of each chroma plane.
    pub(super) units: (usize, usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Luma {
    pub(super) mode: Mode,
    /// Of directions, in steps of 3 degrees.
    pub(super) delta: i8,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chroma {
    /// Luma's modes and [`FROM_LUMA`].
    pub(super) mode: u8,
    pub(super) delta: i8,
    /// Of luma in each plane, -16 to 16 and not both 0, where the mode is [`FROM_LUMA`].
    pub(super) alpha: [i8; 2],
}

/// One transform.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    pub(super) plane: usize,
    /// In units of 4 samples of its plane within the superblock.
    pub(super) column: usize,
    pub(super) row: usize,
    pub(super) size: Size,
    pub(super) kind: Kind,
    /// How many coefficients of its scan are coded.
    pub(super) end: usize,
    pub(super) told: u8,
    /// Where its levels begin.
    pub(super) levels: usize,
}

/// Modes as contexts of the next.
pub(super) const MODE_CONTEXT: [usize; 13] = [0, 1, 2, 3, 4, 4, 4, 4, 3, 0, 1, 2, 0];

pub(super) fn is_directional(mode: u8) -> bool {
    (Mode::Vertical as u8..=Mode::D67 as u8).contains(&mode)
}

/// The transform of a chroma plane, which follows from the mode that predicts it.
pub(super) fn chroma_kind(mode: u8, size: Size) -> Kind {
    if size.width().max(size.height()) > 16 || mode == FROM_LUMA {
        return Kind::DctDct;
    }
    kind_of_mode(mode)
}

/// The transform that suits what a mode leaves (`Mode_To_Txfm`).
pub(super) fn kind_of_mode(mode: u8) -> Kind {
    match mode {
        1 | 5 | 8 | 10 => Kind::AdstDct,
        2 | 6 | 7 | 11 => Kind::DctAdst,
        4 | 9 | 12 => Kind::AdstAdst,
        _ => Kind::DctDct,
    }
}

/// The kinds of a transform of luma, in the order of their symbols.
pub(super) fn kinds(size: Size) -> &'static [Kind] {
    const FIVE: [Kind; 5] = [
        Kind::Identity,
        Kind::DctDct,
        Kind::AdstAdst,
        Kind::AdstDct,
        Kind::DctAdst,
    ];
    const SEVEN: [Kind; 7] = [
        Kind::Identity,
        Kind::DctDct,
        Kind::VerticalDct,
        Kind::HorizontalDct,
        Kind::AdstAdst,
        Kind::AdstDct,
        Kind::DctAdst,
    ];
    let (width, height) = (size.width(), size.height());
    if width.max(height) > 16 {
        &[Kind::DctDct]
    } else if width.min(height) == 16 {
        &FIVE
    } else {
        &SEVEN
    }
}

/// Everything that is written with.
pub(super) struct Writer {
    pub(super) coder: RangeEncoder,
    pub(super) modes: Modes,
    pub(super) coefficients: Coefficients,
}

/// What surrounds a superblock and where the picture ends within it, in units of 4 samples of luma.
pub(super) struct Surroundings {
    pub(super) above: Edge,
    pub(super) left: Edge,
    pub(super) limit: [usize; 2],
}

impl Surroundings {
    /// The context of a transform.
    pub(super) fn context(
        &self,
        plane: usize,
        column: usize,
        row: usize,
        size: Size,
    ) -> coefficients::Context {
        context(
            plane,
            &self.above.told[plane][column..column + size.width() / 4],
            &self.left.told[plane][row..row + size.height() / 4],
        )
    }

    /// Notes what a transform has to tell.
    pub(super) fn tell(&mut self, unit: &Unit) {
        let [right, bottom] = self
            .limit
            .map(|limit| if unit.plane > 0 { limit / 2 } else { limit });
        let Unit {
            plane,
            column,
            row,
            size,
            told,
            ..
        } = *unit;
        self.above
            .tell(plane, column, size.width() / 4, right, told);
        self.left.tell(plane, row, size.height() / 4, bottom, told);
    }

    /// Notes all of a block but its coefficients.
    pub(super) fn note(&mut self, block: &Block) {
        let sides = [(block.column, block.width), (block.row, block.height)];
        for (edge, (from, side)) in [&mut self.above, &mut self.left].into_iter().zip(sides) {
            let units = from..from + side / 4;
            edge.luma_mode[units.clone()].fill(block.luma.mode as u8);
            edge.extent[units.clone()].fill(side.ilog2() as u8 - 2);
            edge.skip[units].fill(block.skip.into());
            if let Some(chroma) = &block.chroma {
                let units = from / 2..(from + side / 4).div_ceil(2);
                edge.chroma_mode[units].fill(chroma.mode);
            }
        }
    }

    pub(super) fn partition_context(&self, column: usize, row: usize, side_log2: usize) -> usize {
        let smaller =
            |edge: &Edge, at: usize| usize::from(usize::from(edge.extent[at]) < side_log2);
        smaller(&self.left, row) * 2 + smaller(&self.above, column)
    }

    pub(super) fn skip_context(&self, column: usize, row: usize) -> usize {
        usize::from(self.above.skip[column] + self.left.skip[row])
    }

    pub(super) fn mode_context(&self, column: usize, row: usize) -> [usize; 2] {
        [self.above.luma_mode[column], self.left.luma_mode[row]]
            .map(|mode| MODE_CONTEXT[usize::from(mode)])
    }
}

/// Writes a block and notes it.
pub(super) fn write(
    writer: &mut Writer,
    around: &mut Surroundings,
    block: &Block,
    units: &[Unit],
    levels: &[i16],
) {
    write_modes(writer, around, block);
    let luma = &block.luma;
    for unit in units {
        if !block.skip {
            let context = around.context(unit.plane, unit.column, unit.row, unit.size);
            let Writer {
                coder,
                modes,
                coefficients,
            } = writer;
            let count = unit.size.coded_width() * unit.size.coded_height();
            let levels = &levels[unit.levels..][..if unit.end > 0 { count } else { 0 }];
            let kind = |coder: &mut RangeEncoder| {
                if unit.plane == 0 {
                    write_kind(coder, modes, unit, luma.mode as usize);
                }
            };
            let coded = Coded {
                size: unit.size,
                plane: unit.plane.min(1),
                context,
                end: unit.end,
                levels,
            };
            coefficients::write(coder, coefficients, &coded, kind);
        }
        around.tell(unit);
    }
    around.note(block);
}

fn write_kind(coder: &mut RangeEncoder, modes: &mut Modes, unit: &Unit, context: usize) {
    let kinds = kinds(unit.size);
    let symbol = kinds
        .iter()
        .position(|&kind| kind == unit.kind)
        .unwrap_or(0);
    let class = unit.size.width().min(unit.size.height()).ilog2() as usize - 2;
    match kinds.len() {
        7 => coder.symbol(symbol, &mut modes.transform_kind_of_7[class][context]),
        5 => coder.symbol(symbol, &mut modes.transform_kind_of_5[class][context]),
        _ => {}
    }
}

fn write_modes(writer: &mut Writer, around: &Surroundings, block: &Block) {
    let Writer { coder, modes, .. } = writer;
    let (column, row) = (block.column, block.row);
    let skip = &mut modes.skip[around.skip_context(column, row)];
    coder.symbol(block.skip.into(), skip);
    let luma = &block.luma;
    let [above, left] = around.mode_context(column, row);
    coder.symbol(luma.mode as usize, &mut modes.luma_mode[above][left]);
    let has_delta = block.width.min(block.height) >= 8;
    write_delta(coder, modes, has_delta, luma.mode as u8, luma.delta);
    if let Some(chroma) = block.chroma {
        write_chroma(coder, modes, block, chroma, has_delta);
    }
}

fn write_delta(coder: &mut RangeEncoder, modes: &mut Modes, has_delta: bool, mode: u8, delta: i8) {
    if has_delta && is_directional(mode) {
        let distribution = &mut modes.angle_delta[usize::from(mode) - 1];
        coder.symbol((delta + 3).cast_unsigned().into(), distribution);
    }
}

fn write_chroma(
    coder: &mut RangeEncoder,
    modes: &mut Modes,
    block: &Block,
    chroma: Chroma,
    has_delta: bool,
) {
    let context = block.luma.mode as usize;
    let mode = usize::from(chroma.mode);
    if block.width.max(block.height) <= 32 {
        coder.symbol(mode, &mut modes.chroma_mode_from_luma[context]);
    } else {
        coder.symbol(mode, &mut modes.chroma_mode[context]);
    }
    if chroma.mode == FROM_LUMA {
        let [(joint, first), second] = alpha_symbols(chroma.alpha);
        coder.symbol(joint, &mut modes.alpha_signs);
        for (context, magnitude) in [first, second.1].into_iter().flatten() {
            coder.symbol(magnitude, &mut modes.alpha[context]);
        }
    }
    write_delta(coder, modes, has_delta, chroma.mode, chroma.delta);
}

/// The joint sign of both alphas, and the context and symbol of each that is not 0.
type AlphaSymbol = Option<(usize, usize)>;

pub(super) fn alpha_symbols(alpha: [i8; 2]) -> [(usize, AlphaSymbol); 2] {
    // 0 for none, 1 for negative, 2 for positive.
    let [first, second] = alpha.map(|alpha| match alpha.signum() {
        0 => 0,
        -1 => 1,
        _ => 2usize,
    });
    let joint = (first * 3 + second).saturating_sub(1);
    let symbol = |own: usize, other: usize, alpha: i8| {
        (own > 0).then(|| ((own - 1) * 3 + other, usize::from(alpha.unsigned_abs()) - 1))
    };
    [
        (joint, symbol(first, second, alpha[0])),
        (joint, symbol(second, first, alpha[1])),
    ]
}

/// How a square of a superblock is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Partition {
    None,
    Horizontal,
    Vertical,
    Split,
}

/// Whether the middle of a square is still within the picture: across and down.
pub(super) fn halves_inside(
    around: &Surroundings,
    column: usize,
    row: usize,
    side: usize,
) -> [bool; 2] {
    let [right, bottom] = around.limit;
    [column + side / 8 < right, row + side / 8 < bottom]
}

/// Writes how a square is cut, as far as that is not plain.
pub(super) fn write_partition(
    writer: &mut Writer,
    around: &Surroundings,
    [column, row]: [usize; 2],
    side: usize,
    partition: Partition,
) {
    let Writer { coder, modes, .. } = writer;
    let side_log2 = side.ilog2() as usize - 2;
    let context = around.partition_context(column, row, side_log2);
    if side == 8 {
        coder.symbol(partition as usize, &mut modes.partition_8[context]);
        return;
    }
    let distribution = &mut modes.partition[side_log2 - 2][context];
    match halves_inside(around, column, row, side) {
        [true, true] => coder.symbol(partition as usize, distribution),
        [false, false] => {}
        [across, _] => {
            let split = forced_split(distribution, across);
            coder.fixed(usize::from(partition == Partition::Split), &[split, 0]);
        }
    }
}

/// How likely a square is split whose lower half (or right one) is outside the picture, by 32768: the partitions
/// that cut it the other way count as splits.
pub(super) fn forced_split(distribution: &Distribution<10>, across: bool) -> u16 {
    let likely = |symbol: usize| {
        let above = if symbol == 0 {
            1 << 15
        } else {
            distribution[symbol - 1]
        };
        let below = if symbol == 9 { 0 } else { distribution[symbol] };
        above - below
    };
    let symbols = if across {
        [2, 3, 4, 6, 7, 9]
    } else {
        [1, 3, 4, 5, 6, 8]
    };
    symbols.into_iter().map(likely).sum()
}

const _: () = assert!(UNITS == 16, "extents and limits are counted in them");
