//! A scan from its first unit to its last, piece by piece.

use super::block::BadCode;
use super::geometry::Geometry;
use super::rows::RowBuffers;
use super::stream::{Plan, Shared, Stream};
use super::units::Units;
use crate::cpu::Cpu;
use crate::input::Input;
use crate::jpeg::JpegError;
use crate::jpeg::bits::Bits;
use crate::jpeg::unstuff::Window;
use crate::planes::RowSink;

/// Coefficients that one reader holds before they become rows: a mebibyte.
const HELD_COEFFICIENTS: usize = 512 << 10;

/// Bytes that are worth two readers. The second one loses up to about a kilobyte until it has fallen into step.
const WORTH_TWO: usize = 12 << 10;

/// Units whose place the second reader remembers: if the first does not come upon one of them, it goes on alone.
const REMEMBERED: usize = 1024;

/// Buffers of a scan.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// How many bytes all readers go through at once.
    span: usize,
    segments: Vec<Segment>,
    rows: RowBuffers,
}

/// What one reader finds in a piece.
#[derive(Debug, Default)]
struct Segment {
    units: Units,
    /// Where its first units begin, in bits; of the first segment nobody needs to know.
    starts: Vec<usize>,
}

/// A scan that is being decoded.
pub(super) struct Scan<'a> {
    pub(super) cpu: Cpu,
    pub(super) geometry: &'a Geometry,
    pub(super) plans: &'a [Plan<'a>],
    pub(super) window: &'a mut Window,
    pub(super) input: &'a mut dyn Input,
    pub(super) buffers: &'a mut Buffers,
    /// How many threads, each of which has two readers.
    pub(super) threads: usize,
    /// Units between two restart markers; none when 0.
    pub(super) interval: usize,
}

/// Where decoding is.
#[derive(Debug, Clone, Copy)]
struct Place {
    bits: Bits,
    predictions: [i32; 4],
    /// Units up to the next restart marker or the end.
    left: usize,
}

impl Scan<'_> {
    /// Decodes all units, and gives the reader as it stands behind them.
    pub(super) fn decode(
        mut self,
        data_at: usize,
        sink: &mut dyn RowSink,
    ) -> Result<Bits, JpegError> {
        let geometry = self.geometry;
        let held = (HELD_COEFFICIENTS / geometry.unit_coefficients.max(1)).clamp(1, 1 << 14);
        let segments = &mut self.buffers.segments;
        segments.resize_with(2 * self.threads.max(1), Segment::default);
        for (index, Segment { units, starts }) in segments.iter_mut().enumerate() {
            units.prepare(held, geometry.unit_coefficients, geometry.blocks.len());
            if index > 0 {
                starts.clear();
                starts.reserve_exact(REMEMBERED);
            }
        }
        self.buffers.rows.prepare(geometry);
        self.buffers.span = usize::MAX;
        let mut total = geometry.units * geometry.rows;
        let interval = if self.interval == 0 {
            total
        } else {
            self.interval
        };
        let mut place = Place {
            bits: self.window.begin(data_at, geometry.blocks.len()),
            predictions: [0; 4],
            left: interval.min(total),
        };
        let mut marker = 0;
        while total > 0 {
            if place.left == 0 {
                self.window.restart(self.input, &mut place.bits, marker)?;
                marker = (marker + 1) & 7;
                (place.predictions, place.left) = ([0; 4], interval.min(total));
            }
            if self.window.certain_until().saturating_sub(place.bits.at) < WORTH_TWO {
                self.window.fill(self.input, &mut place.bits)?;
            }
            let left = place.left;
            if self.piece(&mut place, held, sink).is_err() {
                // Past the end there are only zeros, which may well be no code: the reason is the end then.
                self.window.check(&place.bits)?;
                return Err(JpegError::corrupt("a Huffman code that stands for nothing"));
            }
            self.window.check(&place.bits)?;
            total -= left - place.left;
        }
        Ok(place.bits)
    }

    /// Decodes some units, at least one.
    fn piece(
        &mut self,
        place: &mut Place,
        held: usize,
        sink: &mut dyn RowSink,
    ) -> Result<(), BadCode> {
        let shared = Shared {
            cpu: self.cpu,
            blocks: self.plans,
            bytes: self.window.bytes(),
            means_only: self.geometry.unit_coefficients == self.geometry.blocks.len(),
        };
        let Buffers {
            segments,
            rows,
            span,
        } = &mut *self.buffers;
        let count = segments.len();
        for segment in segments.iter_mut() {
            segment.units.clear();
            segment.starts.clear();
        }
        let available = self.window.certain_until().saturating_sub(place.bits.at);
        let Some((first, others)) = segments.split_first_mut() else {
            return Err(BadCode);
        };
        let mut reader = Stream::new(
            place.bits,
            place.predictions,
            &mut first.units,
            &mut first.starts,
        );
        reader.target.stop_units = held.min(place.left);
        if available < WORTH_TWO {
            reader.target.stop_at = self.window.safe_until();
            let result = reader.run(&shared);
            place.follow(&reader);
            place.left -= reader.target.units.count();
            result?;
            rows.take(self.cpu, self.geometry, &first.units, 0, [0; 4], sink);
            return Ok(());
        }
        let length = available.min(*span);
        let at = place.bits.at;
        let start_of = |segment: usize| at + length / count * segment;
        reader.target.stop_at = start_of(1);
        let mut streams = Vec::with_capacity(count);
        streams.push(reader);
        for (segment, index) in others.iter_mut().zip(1..) {
            let bits = Bits::before(start_of(index));
            let mut ahead = Stream::new(bits, [0; 4], &mut segment.units, &mut segment.starts);
            ahead.target.stop_at = start_of(index + 1);
            ahead.target.stop_units = held;
            streams.push(ahead);
        }
        read_all(&mut streams, &shared);
        let limit = self.window.safe_until();
        let joined = join(&mut streams, place, held, limit, self.geometry, &shared);
        if let Some(reader) = streams.first()
            && !reader.target.is_lost
            && reader.bits().at < start_of(1)
        {
            // There is no room for the units of that many bytes: the readers ahead were of no use.
            *span = (length / 2).max(WORTH_TWO);
        }
        drop(streams);
        for (segment, joint) in segments.iter().zip(&joined?) {
            rows.take(
                self.cpu,
                self.geometry,
                &segment.units,
                joint.first,
                joint.offsets,
                sink,
            );
        }
        Ok(())
    }
}

/// Lets all readers read to where they are to stop, two on each thread.
fn read_all(streams: &mut [Stream<'_>], shared: &Shared<'_>) {
    let read = |pair: &mut [Stream<'_>]| {
        if let [one, other] = pair {
            one.target.is_lost |= one.run_with(other, shared).is_err();
            if !other.target.is_lost {
                other.target.is_lost |= other.run(shared).is_err();
            }
        }
    };
    let (own, others) = streams.split_at_mut(2.min(streams.len()));
    if others.is_empty() {
        return read(own);
    }
    std::thread::scope(|scope| {
        for pair in others.chunks_mut(2) {
            scope.spawn(|| read(pair));
        }
        read(own);
    });
}

/// Where a reader's units are of use from, and what their DC coefficients are short of, by lane.
struct Joint {
    first: usize,
    offsets: [i32; 4],
}

/// Joins what the readers found, as far as each has met the next, and goes to the end of it.
fn join(
    streams: &mut [Stream<'_>],
    place: &mut Place,
    held: usize,
    limit: usize,
    geometry: &Geometry,
    shared: &Shared<'_>,
) -> Result<Vec<Joint>, BadCode> {
    let mut joined = vec![Joint {
        first: 0,
        offsets: [0; 4],
    }];
    let mut streams = streams.iter_mut();
    let mut reader = streams.next().ok_or(BadCode)?;
    let (mut first, mut offsets) = (0, [0; 4]);
    loop {
        place.follow(reader);
        if reader.target.is_lost {
            return Err(BadCode);
        }
        let next = streams.next();
        let met = match &next {
            Some(next) => {
                let stop_units = held.min(first + place.left);
                let met = meet(reader, next, stop_units, limit, shared);
                place.follow(reader);
                met?
            }
            None => None,
        };
        place.left -= reader.target.units.count() - first;
        for (prediction, offset) in place.predictions.iter_mut().zip(offsets) {
            *prediction = prediction.wrapping_add(offset);
        }
        let (Some(next), Some(index)) = (next, met) else {
            return Ok(joined);
        };
        if next.target.units.count() - index > place.left {
            // It has gone on past the end of the scan.
            return Ok(joined);
        }
        let known = predictions_before(geometry, next.target.units, index);
        let before = place.predictions;
        offsets = std::array::from_fn(|lane| before[lane].wrapping_sub(known[lane]));
        (reader, first) = (next, index);
        joined.push(Joint { first, offsets });
    }
}

impl Place {
    /// Goes to where a reader is.
    fn follow(&mut self, reader: &Stream<'_>) {
        self.bits = reader.bits();
        self.predictions = reader.target.predictions;
    }
}

/// Lets a reader go on, unit by unit, until it stands at the start of a unit of the one ahead: from there on, both would
/// read the same. Gives the number of that unit, or nothing when it has come too far for that.
fn meet(
    reader: &mut Stream<'_>,
    ahead: &Stream<'_>,
    stop_units: usize,
    stop_at: usize,
    shared: &Shared<'_>,
) -> Result<Option<usize>, BadCode> {
    if ahead.target.is_lost {
        return Ok(None);
    }
    let mut starts = (0..=ahead.target.units.count())
        .zip(ahead.target.starts.iter())
        .peekable();
    reader.target.stop_at = stop_at;
    loop {
        let position = reader.bits().position();
        while starts.next_if(|(_, start)| **start < position).is_some() {}
        match starts.peek() {
            None => return Ok(None),
            Some((index, start)) if **start == position => return Ok(Some(*index)),
            Some(_) => {}
        }
        let count = reader.target.units.count();
        if count >= stop_units || reader.bits().at >= stop_at {
            return Ok(None);
        }
        reader.target.stop_units = count + 1;
        reader.run(shared)?;
    }
}

/// The DC coefficients that were the last, by lane, before unit `index` was read.
fn predictions_before(geometry: &Geometry, units: &Units, index: usize) -> [i32; 4] {
    let mut predictions = [0; 4];
    let Some(unit) = index.checked_sub(1) else {
        return predictions;
    };
    let mut at = unit * geometry.unit_coefficients;
    for block in &geometry.blocks {
        if let Some(&dc) = units.coefficients().get(at) {
            predictions[block.lane & 3] = i32::from(dc);
        }
        at += block.side.samples() * block.side.samples();
    }
    predictions
}
