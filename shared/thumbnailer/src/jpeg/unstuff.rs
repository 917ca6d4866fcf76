//! The bytes of a scan without their stuffing, a window at a time.
#![expect(
    clippy::inline_always,
    reason = "the loops are compiled once for each set of instructions, with all that they call"
)]

mod stretch;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::JpegError;
use super::bits::Bits;
use crate::input::Input;
pub(crate) use stretch::Stretch;

/// Bytes without stuffing that are held at once, unless more are asked for: enough to make refilling rare, little enough
/// for the second cache.
const CAPACITY: usize = 64 << 10;

/// Bytes copied at a time. 0xFF is about every 200th byte of a photograph.
pub(crate) const BLOCK: usize = 32;

/// A scan as a bit reader wants it: what T.81 stuffs after each 0xFF is gone, and where restart intervals end is known.
/// Holds a window of fixed size that slides over the file.
#[derive(Debug)]
pub(crate) struct Window {
    /// The window, and room to copy whole blocks.
    bytes: Vec<u8>,
    /// How many of `bytes` are there.
    length: usize,
    /// Offset in the file of what has not been looked at.
    next: usize,
    /// What ends the bytes, once it is known.
    end: Option<End>,
    /// Where intervals begin in `bytes`;
    starts: Vec<usize>,
    /// the first of these has not been gone to.
    first: usize,
    /// The index of the interval that comes behind those in `bytes`,
    known: usize,
    /// and that of the one at which to stop in any case.
    intervals: usize,
    /// How many bytes the window holds.
    capacity: usize,
    /// No unit of decoding reads more bytes than this.
    reserve: usize,
}

/// What follows the entropy-coded bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// A marker that does not continue the scan; its code.
    Marker(u8),
    /// Nothing: the file stops.
    Input,
}

impl Window {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// Nothing yet, in a window of at least 32 KiB.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(32 << 10),
            bytes: Vec::new(),
            length: 0,
            next: 0,
            end: None,
            starts: Vec::new(),
            first: 0,
            known: 1,
            intervals: 1,
            reserve: 0,
        }
    }

    /// Goes to the entropy-coded bytes at `offset` of the file, and gives one interval at a time. `blocks` is how many
    /// blocks are decoded, at most, between two calls of [`Window::ensure`].
    pub(crate) fn begin(&mut self, offset: usize, blocks: usize) -> Bits {
        self.begin_intervals(offset, blocks, 0..1)
    }

    /// The same for the bytes of several restart intervals: the first one that is left, and how many the scan has.
    pub(crate) fn begin_intervals(
        &mut self,
        offset: usize,
        blocks: usize,
        intervals: Range<usize>,
    ) -> Bits {
        self.reserve = reserve(blocks).min(self.capacity / 2);
        self.bytes.resize(self.capacity + BLOCK, 0);
        (self.known, self.intervals) = (intervals.start, intervals.end);
        self.next_interval(offset)
    }

    fn next_interval(&mut self, offset: usize) -> Bits {
        self.next = offset;
        self.length = 0;
        self.end = None;
        self.starts.clear();
        self.first = 0;
        self.known += 1;
        Bits::before(0)
    }

    /// The bytes, for [`Bits::refill`].
    #[inline(always)]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Up to which byte (by [`Bits::at`]) decoding may go on before the next call of [`Window::ensure`].
    #[inline(always)]
    pub(crate) fn safe_until(&self) -> usize {
        match self.end {
            None => self.certain_until(),
            Some(_) => usize::MAX,
        }
    }

    /// Up to which byte decoding does not touch the end of what is there.
    pub(crate) fn certain_until(&self) -> usize {
        self.length.saturating_sub(self.reserve)
    }

    /// What is there of the interval that is being read and of those behind it.
    pub(crate) fn stretch(&self) -> Stretch<'_> {
        Stretch {
            bytes: self.bytes(),
            starts: self.starts.get(self.first..).unwrap_or_default(),
            end: self.end,
            reserve: self.reserve,
            until: self.certain_until(),
        }
    }

    /// Leaves some intervals of [`Window::stretch`] behind.
    pub(crate) fn pass(&mut self, intervals: usize) {
        self.first = (self.first.saturating_add(intervals)).min(self.starts.len());
    }

    /// Whether half of the window or more can be filled again.
    pub(crate) fn is_half_empty(&self, bits: &Bits) -> bool {
        self.end.is_none() && self.length.saturating_sub(bits.at) < self.capacity / 2
    }

    /// Makes sure that a unit of decoding finds its bytes in [`Window::bytes`], unless the interval ends before.
    ///
    /// # Errors
    ///
    /// Those of the input; and when bits were read that are not there.
    #[inline(always)]
    pub(crate) fn ensure(
        &mut self,
        input: &mut dyn Input,
        bits: &mut Bits,
    ) -> Result<(), JpegError> {
        if bits.at >= self.safe_until() {
            self.fill(input, bits)?;
        }
        Ok(())
    }

    /// Drops what the reader has passed and fills the window up.
    ///
    /// # Errors
    ///
    /// Those of [`Window::ensure`].
    #[cold]
    pub(crate) fn fill(&mut self, input: &mut dyn Input, bits: &mut Bits) -> Result<(), JpegError> {
        self.check(bits)?;
        // What is in the bit buffer stays too, so that the reader's position does not become negative.
        let passed = bits.at.min(self.length).saturating_sub(8);
        self.bytes.copy_within(passed..self.length, 0);
        self.length -= passed;
        bits.at -= passed;
        self.starts.drain(..self.first);
        self.first = 0;
        for start in &mut self.starts {
            *start -= passed;
        }
        while self.end.is_none() && self.length < self.capacity {
            self.extend(input)?;
        }
        Ok(())
    }

    /// Appends what one look at the input gives.
    fn extend(&mut self, input: &mut dyn Input) -> Result<(), JpegError> {
        // Two more, so that an 0xFF in the last place is seen with what follows it: each call gets on.
        let room = self.capacity.saturating_sub(self.length) + 2;
        let file = input.from(self.next, room)?;
        let is_all = file.len() < room;
        let mut file = file.get(..room).unwrap_or(file);
        loop {
            let target = self.bytes.get_mut(self.length..).unwrap_or_default();
            let moved = unstuff(file, target);
            self.next += moved.read;
            self.length += moved.written;
            match moved.marker {
                Some(code) if self.continues(code) => {
                    self.starts.push(self.length);
                    self.known += 1;
                    self.next += 2;
                    file = file.get(moved.read + 2..).unwrap_or_default();
                }
                Some(code) => {
                    self.end = Some(End::Marker(code));
                    return Ok(());
                }
                None => {
                    self.end = is_all.then_some(End::Input);
                    return Ok(());
                }
            }
        }
    }

    /// Whether a marker is the one between the last interval that is known and the next. No interval is empty, so that
    /// there are fewer of them than bytes.
    fn continues(&self, code: u8) -> bool {
        self.known < self.intervals
            && code == restart_marker(self.known)
            && self.starts.last().copied().unwrap_or(0) < self.length
    }

    /// Whether only bits were read that are there.
    ///
    /// # Errors
    ///
    /// When the interval is over before the reader is.
    pub(crate) fn check(&self, bits: &Bits) -> Result<(), JpegError> {
        self.stretch().check(0, bits)
    }

    /// Ends an interval: goes on behind the restart marker `number` (0 to 7). What is left before it is passed over.
    ///
    /// # Errors
    ///
    /// Those of [`Window::check`], and when another marker comes first.
    pub(crate) fn restart(
        &mut self,
        input: &mut dyn Input,
        bits: &mut Bits,
        number: u8,
    ) -> Result<(), JpegError> {
        self.check(bits)?;
        loop {
            if let Some(start) = self.starts.get(self.first) {
                *bits = Bits::before(*start);
                self.first += 1;
                return Ok(());
            }
            match self.end {
                None => self.drop_and_extend(input)?,
                Some(End::Marker(code)) if code == 0xd0 + number => {
                    *bits = self.next_interval(self.next + 2);
                    return Ok(());
                }
                Some(End::Marker(_)) => return Err(MISSING_MARKER),
                Some(End::Input) => return Err(JpegError::Truncated),
            }
        }
    }

    /// Ends the scan: the offset in the file of the marker that follows, or of the end of the file. What is left before
    /// it is passed over, restart markers too.
    ///
    /// # Errors
    ///
    /// Those of [`Window::check`].
    pub(crate) fn finish(
        &mut self,
        input: &mut dyn Input,
        bits: &Bits,
    ) -> Result<usize, JpegError> {
        self.check(bits)?;
        self.pass(usize::MAX);
        loop {
            match self.end {
                None => self.drop_and_extend(input)?,
                Some(End::Marker(0xd0..=0xd7)) => {
                    self.next_interval(self.next + 2);
                }
                Some(_) => return Ok(self.next),
            }
        }
    }

    /// An offset in the file up to which bytes have been looked at: the next marker's, if that has been found.
    pub(crate) fn looked_at(&self) -> usize {
        self.next
    }

    /// Gets on without keeping anything.
    fn drop_and_extend(&mut self, input: &mut dyn Input) -> Result<(), JpegError> {
        self.starts.clear();
        (self.first, self.length) = (0, 0);
        self.extend(input)
    }
}

/// No code reads more bytes than this for some blocks: 64 codes of 16 bits with values of 15 are 248 bytes.
pub(crate) const fn reserve(blocks: usize) -> usize {
    blocks * 256
}

/// The marker before interval `index`, which is 1 or more.
pub(crate) const fn restart_marker(index: usize) -> u8 {
    0xd0 | index.wrapping_sub(1).to_le_bytes()[0] & 7
}

pub(crate) const MISSING_MARKER: JpegError = JpegError::corrupt("a restart marker is missing");

/// What [`unstuff`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) read: usize,
    pub(crate) written: usize,
    /// The code of the marker that comes next.
    pub(crate) marker: Option<u8>,
}

/// Copies entropy-coded bytes up to the next marker or the end of either slice, without stuffing. The target needs as
/// much room as the source and [`BLOCK`] more. An 0xFF at the very end stays unread: only what follows it says what
/// it is.
pub(crate) fn unstuff(source: &[u8], target: &mut [u8]) -> Moved {
    let (mut read, mut written) = (0, 0);
    let mut marker = None;
    loop {
        let rest = source.get(read..).unwrap_or_default();
        let room = target.get_mut(written..).unwrap_or_default();
        let clean = if let (Some(from), Some(to)) =
            (rest.first_chunk::<BLOCK>(), room.first_chunk_mut::<BLOCK>())
        {
            *to = *from;
            // Without a branch for each byte this becomes one comparison of a vector.
            let any = from
                .iter()
                .fold(0, |any, &byte| any | u8::from(byte == 0xff));
            if any == 0 {
                read += BLOCK;
                written += BLOCK;
                continue;
            }
            first_ff(from)
        } else {
            let clean = first_ff(rest);
            match (room.get_mut(..clean), rest.get(..clean)) {
                (Some(to), Some(from)) => to.copy_from_slice(from),
                _ => break,
            }
            clean
        };
        read += clean;
        written += clean;
        match rest.get(clean..) {
            Some([0xff, 0, ..]) => {
                let Some(byte) = target.get_mut(written) else {
                    break;
                };
                *byte = 0xff;
                read += 2;
                written += 1;
            }
            // Any number of 0xFF may come before a marker.
            Some([0xff, 0xff, ..]) => read += 1,
            Some([0xff, code, ..]) => {
                marker = Some(*code);
                break;
            }
            _ => break,
        }
    }
    Moved {
        read,
        written,
        marker,
    }
}

fn first_ff(bytes: &[u8]) -> usize {
    memchr::memchr(0xff, bytes).unwrap_or(bytes.len())
}
