//! A scan that is there as a whole, on several threads.
//!
//! The file is divided into parts of one size, and each is freed of its stuffing and read by whoever is at leisure. Without
//! restart markers its readers begin at a guess, and what they find is of use from where the reader of the part before
//! comes upon one of their units. With restart markers a part is the intervals that begin in it. Rows are made of the
//! parts in their order, by the caller's thread.

use std::sync::Mutex;

use super::super::WAITING_PARTS;
use super::crew::Crew;
use super::part::{Division, Last, Part, first_restart};
use super::piece::{Pieces, Segment};
use super::{Coding, Place, bytes};
use crate::jpeg::JpegError;
use crate::jpeg::bits::Bits;
use crate::jpeg::unstuff::{End, MISSING_MARKER, Window, restart_marker};

/// Bytes of a part: what two readers lose until they have fallen into step must be little beside them.
const PART: usize = bytes(128 << 10);

/// The most bytes that whole intervals may be which make a part.
const LONGEST: usize = bytes(512 << 10);

/// Fewer bytes than this are not worth another thread.
const WORTH_THREADS: usize = bytes(64 << 10);

/// Where a scan goes on.
enum Onward {
    /// The interval, or the last one, is over. The next marker is at this offset of the file or behind it.
    Over(usize),
    /// At this offset an interval begins that is too long for a part.
    Long(usize),
}

/// Decodes a scan, or gives the place from which on it has to be decoded on one thread; the window is there.
pub(super) fn decode(
    pieces: &mut Pieces<'_>,
    window: &mut Window,
    file: &[u8],
    at: usize,
    parts: &mut Vec<Mutex<Part>>,
    threads: usize,
) -> Result<Place, JpegError> {
    let coding = pieces.coding;
    let blocks = coding.geometry.blocks.len();
    parts.resize_with(threads + WAITING_PARTS, Mutex::default);
    let mut at = at;
    let mut place = Place::first(coding, Bits::before(0));
    let go_to = |window: &mut Window, at: usize, place: &mut Place| {
        place.bits = window.begin_intervals(at, blocks, place.interval..coding.intervals());
    };
    loop {
        let left = file.len().saturating_sub(at);
        if left < WORTH_THREADS {
            go_to(window, at, &mut place);
            return Ok(place);
        }
        // The last interval is read by itself, and so is one that no reader holds.
        let is_apart = place.left == place.total || coding.interval > coding.held;
        let first = match first_restart(file, at + 1, at + PART) {
            Some((behind, _)) if !is_apart => Some(behind - at),
            _ => None,
        };
        let division = Division {
            file,
            at,
            interval: place.interval,
            size: part_size(coding, left, place.total, threads, first),
        };
        let onward = if first.is_some() {
            whole_intervals(pieces, &mut place, division, parts, threads)?
        } else {
            one_interval(pieces, &mut place, division, parts, threads)?
        };
        let end = match onward {
            Onward::Over(end) => end,
            Onward::Long(at) => {
                go_to(window, at, &mut place);
                return Ok(place);
            }
        };
        let interval = place.interval;
        let mut bits = window.begin_intervals(end, blocks, interval..interval + 1);
        if place.total == 0 {
            place.bits = bits;
            return Ok(place);
        }
        let number = restart_marker(interval + 1) & 7;
        window.restart(&mut &*file, &mut bits, number)?;
        place.restart(coding, bits);
        let was_long = end - at >= WORTH_THREADS;
        at = window.looked_at();
        if !was_long {
            // More of them would be no better.
            go_to(window, at, &mut place);
            return Ok(place);
        }
    }
}

/// Bytes of a part: several restart intervals, if `interval` bytes are one; and such that its units have room,
/// probably, and every thread gets several of them.
fn part_size(
    coding: &Coding<'_>,
    length: usize,
    units: usize,
    threads: usize,
    interval: Option<usize>,
) -> usize {
    let room = length.saturating_mul(coding.held * 5 / 4) / units.max(1);
    let share = length / (4 * threads);
    let several = interval.map_or(0, |interval| 4 * interval);
    PART.max(several)
        .min(share.max(PART / 8))
        .min(room)
        .max(PART / 32)
}

/// Decodes the interval that begins with the division.
fn one_interval(
    pieces: &mut Pieces<'_>,
    place: &mut Place,
    division: Division<'_>,
    parts: &[Mutex<Part>],
    threads: usize,
) -> Result<Onward, JpegError> {
    let coding = pieces.coding;
    let make = |index: usize, part: &mut Part| {
        part.guess(coding, &division, index);
        part.last == Last::Next
    };
    let mut position = 0;
    let take = |_: usize, part: &mut Part| {
        let mut segments = std::mem::take(&mut part.segments);
        let stretch = part.stretch();
        place.bits = before_bit(position, stretch.bytes);
        let taken = pieces
            .take_over(&stretch, place, part.readers, &mut segments)
            .and_then(|()| pieces.read_rest(&stretch, place, 0));
        part.segments = segments;
        position = place.bits.position().saturating_sub(8 * part.own);
        match taken {
            Err(error) => Some(Err(error)),
            Ok(()) if place.left == 0 => Some(Ok(Onward::Over(part.ends_at))),
            Ok(()) => None,
        }
    };
    Crew::run(parts, threads, division.parts(), make, take).unwrap_or(Err(JpegError::Truncated))
}

/// A reader that stands before a bit.
fn before_bit(position: usize, bytes: &[u8]) -> Bits {
    let mut bits = Bits::before(position / 8);
    bits.refill(bytes);
    #[expect(clippy::cast_possible_truncation, reason = "below 8")]
    bits.consume((position % 8) as u32);
    bits
}

/// Decodes the intervals from the beginning of the division to the end of the scan.
fn whole_intervals(
    pieces: &mut Pieces<'_>,
    place: &mut Place,
    division: Division<'_>,
    parts: &[Mutex<Part>],
    threads: usize,
) -> Result<Onward, JpegError> {
    let coding = pieces.coding;
    let make = |index: usize, part: &mut Part| {
        part.whole_intervals(coding, &division, index, LONGEST);
        part.last == Last::Next
    };
    let take = |index: usize, part: &mut Part| {
        match part.marker {
            Some(code) if code == restart_marker(place.interval + 1) => {
                place.restart(coding, Bits::before(0));
            }
            Some(_) => return Some(Err(MISSING_MARKER)),
            None if index == 0 => {}
            None => return None,
        }
        if part.last == Last::More {
            return Some(Ok(Onward::Long(part.begins_at)));
        }
        let begun = part.intervals.saturating_sub(1);
        if part.intervals > 0 {
            // Units that are more than the scan has are below the picture.
            for Segment { units, .. } in &part.segments {
                pieces.deliver(units, 0..units.count(), [0; 4]);
                place.pass(units.count());
            }
            place.interval += begun;
        }
        if let Err(error) = pieces.read_rest(&part.stretch(), place, begun) {
            return Some(Err(error));
        }
        match (part.last, part.end()) {
            _ if place.total == 0 => Some(Ok(Onward::Over(part.ends_at))),
            (Last::Next, _) => None,
            (_, Some(End::Marker(_))) => Some(Err(MISSING_MARKER)),
            _ => Some(Err(JpegError::Truncated)),
        }
    };
    Crew::run(parts, threads, division.parts(), make, take).unwrap_or(Err(JpegError::Truncated))
}
