use super::stream::Starts;

/// Coefficients that are kept, in the order of the file: unit after unit, block after block.
#[derive(Debug, Default)]
pub(super) struct Units {
    coefficients: Vec<i16>,
    /// Of each block the highest zig-zag index that may not be zero.
    last: Vec<u8>,
    coefficients_end: usize,
    last_end: usize,
    count: usize,
    /// Where the blocks begin that are being read.
    pub(super) starts: Starts,
}

/// Units that are being added.
#[derive(Debug)]
pub(super) struct Room<'a> {
    /// Where each block begins, in the second place.
    pub(super) starts: &'a [[u32; 2]],
    pub(super) coefficients: &'a mut [i16],
    /// Of each block the highest zig-zag index that may not be zero.
    pub(super) last: &'a mut [u8],
}

impl Units {
    /// Empties it and makes room for units of some coefficients and blocks each.
    pub(super) fn prepare(&mut self, units: usize, coefficients: usize, blocks: usize) {
        if self.coefficients.len() < units * coefficients {
            self.coefficients.resize(units * coefficients, 0);
        }
        if self.last.len() < units * blocks {
            self.last.resize(units * blocks, 0);
        }
        self.clear();
    }

    /// Empties it.
    pub(super) fn clear(&mut self) {
        (self.coefficients_end, self.last_end, self.count) = (0, 0, 0);
    }

    /// Whole units.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Adds units of some coefficients and blocks each. There is room for what it was prepared for.
    pub(super) fn add(&mut self, units: usize, coefficients: usize, blocks: usize) -> Room<'_> {
        let (at, last_at) = (self.coefficients_end, self.last_end);
        self.coefficients_end += units * coefficients;
        self.last_end += units * blocks;
        self.count += units;
        Room {
            starts: self.starts.pairs(),
            coefficients: (self.coefficients)
                .get_mut(at..self.coefficients_end)
                .unwrap_or_default(),
            last: (self.last.get_mut(last_at..self.last_end)).unwrap_or_default(),
        }
    }

    /// The coefficients of all whole units, and the last indices, which are of no meaning where only means are kept.
    pub(super) fn coefficients(&self) -> &[i16] {
        self.coefficients
            .get(..self.coefficients_end)
            .unwrap_or_default()
    }

    pub(super) fn last(&self) -> &[u8] {
        self.last.get(..self.last_end).unwrap_or_default()
    }
}
