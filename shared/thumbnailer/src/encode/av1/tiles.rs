//! How a picture is cut into tiles: into as few as the standard allows.

/// Units of 64 samples, the size of a superblock.
const MOST_WIDE: usize = 4096 / 64;
const MOST_AREA: usize = 4096 * 2304 / (64 * 64);
const MOST: usize = 64;

/// Tiles of one size, but for the last of a row or column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tiles {
    superblocks: [usize; 2],
    /// Of how many tiles there are across and down: as few as may be.
    log2: [u32; 2],
}

/// A tile's place in superblocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) column: usize,
    pub(super) row: usize,
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Tiles {
    pub(super) fn new(width: usize, height: usize) -> Self {
        let superblocks = [width.div_ceil(64), height.div_ceil(64)];
        let [across, down] = superblocks;
        let columns = log2(MOST_WIDE, across);
        let least = columns.max(log2(MOST_AREA, across * down));
        let rows = least - columns;
        Self {
            superblocks,
            log2: [columns, rows],
        }
    }

    pub(super) fn count(&self) -> usize {
        self.iter().count()
    }

    /// In the order in which they are written.
    pub(super) fn iter(&self) -> impl Iterator<Item = Tile> {
        let [across, down] = self.superblocks;
        let [wide, high] = self.size();
        (0..down).step_by(high).flat_map(move |row| {
            (0..across).step_by(wide).map(move |column| Tile {
                column,
                row,
                columns: wide.min(across - column),
                rows: high.min(down - row),
            })
        })
    }

    fn size(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.superblocks[axis].div_ceil(1 << self.log2[axis]))
    }

    /// Writes the standard's `tile_info` (5.9.15) through `put`, which takes a value and its count of bits.
    pub(super) fn describe(&self, mut put: impl FnMut(u32, u32)) {
        put(1, 1); // uniform_tile_spacing_flag
        let [across, down] = self.superblocks;
        // Nobody asks for more tiles than the least, and where there could not be more nobody is asked.
        if self.log2[0] < log2(1, across.min(MOST)) {
            put(0, 1);
        }
        if self.log2[1] < log2(1, down.min(MOST)) {
            put(0, 1);
        }
        let bits = self.log2[0] + self.log2[1];
        if bits > 0 {
            put(0, bits); // context_update_tile_id
            put(3, 2); // sizes of tiles in 4 bytes
        }
    }
}

/// How often `size` is doubled to be no less than `target`.
fn log2(size: usize, target: usize) -> u32 {
    target.div_ceil(size).next_power_of_two().ilog2()
}
