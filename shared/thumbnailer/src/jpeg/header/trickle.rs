use crate::input::{Input, InputError};

/// An input that hands out no more than it is asked for, a few bytes at a time, and remembers how far it was asked.
pub(crate) struct Trickle<'a> {
    bytes: &'a [u8],
    step: usize,
    arrived: usize,
    /// The end of what was asked for.
    pub(crate) asked: usize,
    lowest: usize,
}

impl<'a> Trickle<'a> {
    /// `bytes` that arrive `step` at a time.
    pub(crate) fn new(bytes: &'a [u8], step: usize) -> Self {
        Self {
            bytes,
            step,
            arrived: 0,
            asked: 0,
            lowest: 0,
        }
    }
}

impl Input for Trickle<'_> {
    fn from(&mut self, offset: usize, want: usize) -> Result<&[u8], InputError> {
        assert!(
            offset == 0 || offset >= self.lowest,
            "asks for {offset} after {}",
            self.lowest
        );
        self.lowest = offset;
        let end = offset + want;
        self.asked = self.asked.max(end);
        while self.arrived < end.min(self.bytes.len()) {
            self.arrived += self.step;
        }
        let arrived = self.arrived.min(self.bytes.len());
        Ok(self.bytes.get(offset..arrived).unwrap_or_default())
    }

    fn whole(&self) -> Option<&[u8]> {
        None
    }
}
