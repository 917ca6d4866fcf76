use crate::cpu::Cpu;
use crate::jpeg::header::Header;
use crate::jpeg::inverse::inverse;
use crate::jpeg::{BlockSide, ZIGZAG};
use crate::planes::{Grid, Rows};

/// Where the blocks of one component are in the buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocks {
    pub(super) side: BlockSide,
    /// Blocks in a row as scans of several components have them: whole minimum coded units.
    pub(super) stride: usize,
    /// Rows of blocks, likewise.
    padded_rows: usize,
    /// Blocks in a row as scans of this component alone have them: those that hold a part of the picture.
    pub(super) width: usize,
    /// Rows of blocks, likewise.
    pub(super) rows: usize,
    /// Index of its first coefficient.
    pub(super) first_coefficient: usize,
    /// Index of its first map of coefficients that are not zero.
    pub(super) first_map: usize,
}

impl Blocks {
    /// Where the blocks of each component are.
    pub(super) fn layout(header: &Header, sides: &[BlockSide]) -> Vec<Self> {
        let (mut first_coefficient, mut first_map) = (0, 0);
        let units =
            |length: u32, factor_max: u8| length.div_ceil(8 * u32::from(factor_max)) as usize;
        let components = header.components.iter().zip(sides);
        components
            .enumerate()
            .map(|(index, (component, side))| {
                let grid = header.grid(index, BlockSide::One);
                let blocks = Self {
                    side: *side,
                    stride: units(header.width, header.h_max) * usize::from(component.h),
                    padded_rows: units(header.height, header.v_max) * usize::from(component.v),
                    width: grid.width,
                    rows: grid.height,
                    first_coefficient,
                    first_map,
                };
                first_coefficient += blocks.coefficients();
                first_map += blocks.mapped();
                blocks
            })
            .collect()
    }

    /// Coefficients of a block.
    pub(super) fn of_block(&self) -> usize {
        self.side.samples() * self.side.samples()
    }

    /// How many coefficients are kept.
    pub(super) fn coefficients(&self) -> usize {
        self.stride * self.padded_rows * self.of_block()
    }

    /// How many maps are kept: none when there are no AC coefficients. Only scans of a component alone have those, so
    /// that the padding has none.
    pub(super) fn mapped(&self) -> usize {
        match self.side {
            BlockSide::One => 0,
            _ => self.stride * self.rows,
        }
    }

    /// Bytes of all that.
    pub(super) fn bytes(&self) -> u64 {
        (2 * self.coefficients() + 8 * self.mapped()) as u64
    }

    /// By zig-zag index, where in a block of this size a coefficient is kept; those that are not have the place after
    /// the last.
    pub(super) fn places(&self) -> [u8; 64] {
        let side = self.side.samples();
        ZIGZAG.map(|natural| {
            let (row, column) = (usize::from(natural / 8), usize::from(natural % 8));
            let place = if row < side && column < side {
                row * side + column
            } else {
                side * side
            };
            #[expect(clippy::cast_possible_truncation, reason = "at most 64")]
            let place = place as u8;
            place
        })
    }

    /// Which zig-zag indices are kept, as a map of bits.
    pub(super) fn kept(&self) -> u64 {
        let places = self.places().into_iter().zip(0..64);
        places
            .filter(|(place, _)| usize::from(*place) < self.of_block())
            .fold(0, |map, (_, index)| map | 1 << index)
    }

    /// Gives the samples of all rows of the picture, one row of blocks at a time. `samples` is room for one.
    #[expect(
        clippy::too_many_arguments,
        reason = "each of them is one buffer of the decoder"
    )]
    pub(super) fn deliver(
        &self,
        cpu: Cpu,
        grid: Grid,
        quantiser: &[u16; 64],
        coefficients: &[i16],
        nonzero: &[u64],
        samples: &mut Vec<u8>,
        take: &mut dyn FnMut(Rows<'_>),
    ) {
        let side = self.side.samples();
        let stride = self.width * side;
        samples.clear();
        samples.resize(stride * side, 0);
        let mut last = vec![0; self.width];
        let kept = self.kept();
        let of_row = self.stride * self.of_block();
        let mut rows_left = grid.height;
        for row in 0..self.rows {
            let first = self.first_coefficient + row * of_row;
            let coefficients = coefficients.get(first..).unwrap_or_default();
            let coefficients = coefficients.get(..self.width * self.of_block());
            if self.side != BlockSide::One {
                let maps = nonzero.get(self.first_map + row * self.stride..);
                for (last, map) in last.iter_mut().zip(maps.unwrap_or_default()) {
                    *last = 63 - (map & kept | 1).leading_zeros().to_le_bytes()[0];
                }
            }
            inverse(
                cpu,
                self.side,
                coefficients.unwrap_or_default(),
                &last,
                quantiser,
                samples,
                stride,
            );
            let count = rows_left.min(side);
            rows_left -= count;
            take(Rows {
                samples,
                stride,
                width: grid.width,
                count,
            });
        }
    }
}
