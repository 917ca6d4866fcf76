use super::End;
use crate::jpeg::JpegError;
use crate::jpeg::bits::Bits;

/// Entropy-coded bytes without stuffing: the rest of the interval that is being read, and some that follow it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch<'a> {
    /// All of them, for [`Bits::refill`].
    pub(crate) bytes: &'a [u8],
    /// Where the intervals begin that follow the first.
    pub(crate) starts: &'a [usize],
    /// What ends the last interval; if it does not end here,
    pub(crate) end: Option<End>,
    /// decoding goes on elsewhere from a unit at or past this byte, by [`Bits::at`].
    pub(crate) until: usize,
    /// No unit of decoding reads more bytes than this.
    pub(crate) reserve: usize,
}

impl Stretch<'_> {
    /// Where interval `index` of these ends, if it ends here.
    pub(crate) fn end_of(&self, index: usize) -> Option<usize> {
        match self.starts.get(index) {
            Some(start) => Some(*start),
            None if index == self.starts.len() => self.end.map(|_| self.bytes.len()),
            None => None,
        }
    }

    /// How many intervals end here.
    pub(crate) fn ends(&self) -> usize {
        self.starts.len() + usize::from(self.end.is_some())
    }

    /// Whether only bits of interval `index` were read.
    ///
    /// # Errors
    ///
    /// When it is over before the reader is.
    pub(crate) fn check(&self, index: usize, bits: &Bits) -> Result<(), JpegError> {
        if bits.position() <= self.end_of(index).unwrap_or(self.bytes.len()) * 8 {
            return Ok(());
        }
        Err(match self.end {
            Some(End::Input) | None if index >= self.starts.len() => JpegError::Truncated,
            _ => JpegError::corrupt("a marker within entropy-coded data"),
        })
    }
}
