#![expect(
    clippy::inline_always,
    reason = "the loops are compiled once for each set of instructions, with all that they call"
)]

/// Coefficients that are kept, in the order of the file: unit after unit, block after block.
#[derive(Debug, Default)]
pub(super) struct Units {
    coefficients: Vec<i16>,
    /// Of each block the highest zig-zag index that may not be zero.
    last: Vec<u8>,
    coefficients_end: usize,
    last_end: usize,
    count: usize,
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
    #[inline(always)]
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Ends a unit.
    #[inline(always)]
    pub(super) fn complete(&mut self) {
        self.count += 1;
    }

    /// Adds a block; one more than there is room for is lost.
    #[inline(always)]
    pub(super) fn push<const AREA: usize>(&mut self, block: &[i16; AREA], last: u8) {
        let rest = self.coefficients.get_mut(self.coefficients_end..);
        if let Some(place) = rest.and_then(<[i16]>::first_chunk_mut) {
            *place = *block;
            self.coefficients_end += AREA;
        }
        if let Some(place) = self.last.get_mut(self.last_end) {
            *place = last;
            self.last_end += 1;
        }
    }

    /// Adds a block of which only the DC coefficient is kept, where that is so of all blocks.
    #[inline(always)]
    pub(super) fn push_mean(&mut self, dc: i16) {
        if let Some(place) = self.coefficients.get_mut(self.coefficients_end) {
            *place = dc;
            self.coefficients_end += 1;
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
