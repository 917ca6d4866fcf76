//! The pixels of a PNG as they are stored: chunks checked, inflated, and their filters undone, some rows at a time.

use zlib_rs::{Inflate, InflateFlush, Status};

use super::unfilter::{PADDING, ROWS, unfilter};
use crate::cpu::Cpu;

/// About how many bytes of rows are inflated at once: they stay in the second level of cache until they are used.
const BATCH_BYTES: usize = 128 << 10;

const MALFORMED: &str = "its compressed pixels make no sense";
const TRUNCATED: &str = "it is truncated: its compressed pixels end too early";

/// The rows of an image that is not interlaced, eight bits or more packed as in the file.
pub(super) struct Scanlines<'a> {
    cpu: Cpu,
    pieces: Pieces<'a>,
    piece: &'a [u8],
    inflate: Inflate,
    /// Bytes of a row.
    length: usize,
    /// Bytes from a sample to the one left of it, at least one.
    pixel: usize,
    left: usize,
    filtered: Vec<u8>,
    /// The last row of the batch before, then those of this one.
    rows: Vec<u8>,
}

impl<'a> Scanlines<'a> {
    /// What one of rows of `length` bytes holds in memory at most, in bytes.
    pub(super) fn bytes(length: usize) -> usize {
        // The inflater has a window of its own, and tables.
        (2 * batch(length) + 1)
            .saturating_mul(length.saturating_add(PADDING))
            .saturating_add(256 << 10)
    }

    /// Reads `height` rows of `length` bytes from the chunks of a file, those in front of the pixels included.
    pub(super) fn new(
        cpu: Cpu,
        chunks: &'a [u8],
        length: usize,
        pixel: usize,
        height: usize,
    ) -> Self {
        let count = batch(length).min(height);
        Self {
            cpu,
            pieces: Pieces::new(chunks),
            piece: &[],
            inflate: Inflate::new(true, 15),
            length,
            pixel,
            left: height,
            filtered: vec![0; count * (length + 1)],
            rows: vec![0; (count + 1) * (length + PADDING)],
        }
    }

    /// The next rows; none at the end.
    pub(super) fn next_rows(
        &mut self,
    ) -> Result<Option<impl Iterator<Item = &[u8]>>, &'static str> {
        let (stride, length) = (self.length + PADDING, self.length);
        if self.left == 0 {
            return Ok(None);
        }
        let held = self.rows.len() / stride - 1;
        let count = held.min(self.left);
        self.inflate_rows(count)?;
        // The row above the batch: the last one of the batch before, which was full, or zeros.
        self.rows.copy_within(held * stride.., 0);
        let filtered = self
            .filtered
            .get(..count * (length + 1))
            .unwrap_or_default();
        unfilter(self.cpu, self.pixel, length, filtered, &mut self.rows)
            .ok_or("a row of it has an unknown filter")?;
        self.left -= count;
        let rows = self.rows.chunks_exact(stride).skip(1).take(count);
        Ok(Some(rows.map(move |row| row.get(..length).unwrap_or(row))))
    }

    fn inflate_rows(&mut self, count: usize) -> Result<(), &'static str> {
        let mut room = self
            .filtered
            .get_mut(..count * (self.length + 1))
            .unwrap_or_default();
        while !room.is_empty() {
            if self.piece.is_empty() {
                self.piece = self.pieces.next_piece()?.ok_or(TRUNCATED)?;
            }
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(self.piece, room, InflateFlush::NoFlush)
                .map_err(|_| MALFORMED)?;
            let read = usize::try_from(self.inflate.total_in() - read).unwrap_or(usize::MAX);
            let written = usize::try_from(self.inflate.total_out() - written).unwrap_or(usize::MAX);
            self.piece = self.piece.get(read..).unwrap_or_default();
            room = room.get_mut(written..).unwrap_or_default();
            if room.is_empty() {
                break;
            }
            if status == Status::StreamEnd {
                return Err(TRUNCATED);
            }
            if read == 0 && written == 0 && !self.piece.is_empty() {
                return Err(MALFORMED);
            }
        }
        Ok(())
    }
}

/// Rows of a batch: as many as fit, but as many as advance together at least.
fn batch(length: usize) -> usize {
    let groups = BATCH_BYTES / (length.saturating_add(1)).saturating_mul(ROWS).max(1);
    groups.max(1) * ROWS
}

/// The bodies of the chunks that hold pixels.
struct Pieces<'a> {
    rest: &'a [u8],
    begun: bool,
}

impl<'a> Pieces<'a> {
    fn new(chunks: &'a [u8]) -> Self {
        Self {
            rest: chunks,
            begun: false,
        }
    }

    fn next_piece(&mut self) -> Result<Option<&'a [u8]>, &'static str> {
        loop {
            let chunk = self
                .split()
                .ok_or("it is truncated: it ends inside a chunk")?;
            let (checked, checksum) = chunk;
            let (kind, body) = checked.split_at_checked(4).ok_or(TRUNCATED)?;
            if kind != b"IDAT" {
                // Pixels are in one run of chunks.
                if self.begun || kind == b"IEND" {
                    self.rest = &[];
                    return Ok(None);
                }
                continue;
            }
            self.begun = true;
            if crc32fast::hash(checked) != checksum {
                return Err("the checksum of its pixels is wrong");
            }
            if !body.is_empty() {
                return Ok(Some(body));
            }
        }
    }

    /// Kind and body of the next chunk, and its checksum.
    fn split(&mut self) -> Option<(&'a [u8], u32)> {
        let (length, rest) = self.rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (checked, rest) = rest.split_at_checked(length.checked_add(4)?)?;
        let (checksum, rest) = rest.split_first_chunk()?;
        self.rest = rest;
        Some((checked, u32::from_be_bytes(*checksum)))
    }
}
