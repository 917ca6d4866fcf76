use crate::jpeg::header::{Header, ScanHeader, Tables};
use crate::jpeg::{BlockSide, JpegError};

/// How the blocks of a scan follow each other and where their samples go.
#[derive(Debug)]
pub(super) struct Geometry {
    /// Minimum coded units in a row.
    pub(super) units: usize,
    /// Rows of units.
    pub(super) rows: usize,
    /// The components, in the order of the scan.
    pub(super) lanes: Vec<Lane>,
    /// The blocks of a unit, in the order of the file.
    pub(super) blocks: Vec<Block>,
    /// Coefficients that are kept of a unit.
    pub(super) unit_coefficients: usize,
    /// Coefficients that are kept of a row of units.
    pub(super) coefficients: usize,
    /// Blocks of a row of units.
    pub(super) row_blocks: usize,
}

/// One component of a scan.
#[derive(Debug)]
pub(super) struct Lane {
    /// Index in the frame.
    pub(super) component: usize,
    pub(super) side: BlockSide,
    /// Blocks from left to right, those included that only fill up the last unit.
    pub(super) width: usize,
    /// Rows of blocks in a row of units.
    pub(super) height: usize,
    /// Where its coefficients start among those of the row of units.
    pub(super) coefficients_at: usize,
    /// Where its blocks start among those of the row of units.
    pub(super) blocks_at: usize,
    pub(super) quantiser: [u16; 64],
    /// Samples of a row, and rows, that belong to the picture.
    pub(super) picture: (usize, usize),
}

/// One block of a unit, and where it goes in a row of units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// Index of its component in the scan.
    pub(super) lane: usize,
    pub(super) side: BlockSide,
    /// Its place among the row's blocks in the first unit of a row,
    pub(super) first: usize,
    /// and how much farther it is in each unit that follows.
    pub(super) step: usize,
    /// The same for its first coefficient.
    pub(super) first_coefficient: usize,
}

impl Geometry {
    /// # Errors
    ///
    /// When a component has no quantiser.
    pub(super) fn new(
        header: &Header,
        scan: &ScanHeader,
        sides: &[BlockSide],
        tables: &Tables,
    ) -> Result<Self, JpegError> {
        let missing = JpegError::corrupt("a scan names a component that is not there");
        let (width, height) = (header.width as usize, header.height as usize);
        let (h_max, v_max) = (usize::from(header.h_max), usize::from(header.v_max));
        let mut geometry = Self {
            units: width.div_ceil(8 * h_max),
            rows: height.div_ceil(8 * v_max),
            lanes: Vec::with_capacity(scan.components.len()),
            blocks: Vec::with_capacity(10),
            unit_coefficients: 0,
            coefficients: 0,
            row_blocks: 0,
        };
        for (lane, named) in scan.components.iter().enumerate() {
            let component = header.components.get(named.index).ok_or(missing.clone())?;
            let side = *sides.get(named.index).ok_or(missing.clone())?;
            let (mut h, mut v) = (usize::from(component.h), usize::from(component.v));
            // T.81, A.2.2: alone in its scan, a component's unit is one block, and its rows are not filled up.
            if scan.components.len() == 1 {
                geometry.units = (width * h).div_ceil(8 * h_max);
                geometry.rows = (height * v).div_ceil(8 * v_max);
                (h, v) = (1, 1);
            }
            let grid = header.grid(named.index, side);
            let area = side.samples() * side.samples();
            let row_width = geometry.units * h;
            for y in 0..v {
                for x in 0..h {
                    let first = y * row_width + x;
                    geometry.blocks.push(Block {
                        lane,
                        side,
                        first: geometry.row_blocks + first,
                        step: h,
                        first_coefficient: geometry.coefficients + first * area,
                    });
                }
            }
            geometry.lanes.push(Lane {
                component: named.index,
                side,
                width: row_width,
                height: v,
                coefficients_at: geometry.coefficients,
                blocks_at: geometry.row_blocks,
                quantiser: (tables.latched.get(named.index).copied().flatten())
                    .ok_or(JpegError::corrupt("a component has no quantisation table"))?,
                picture: (grid.width, grid.height),
            });
            geometry.unit_coefficients += h * v * area;
            geometry.coefficients += row_width * v * area;
            geometry.row_blocks += row_width * v;
        }
        Ok(geometry)
    }
}
