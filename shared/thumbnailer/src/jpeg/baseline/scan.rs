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
    /// How many bytes both readers go through at once.
    span: usize,
    first: Units,
    second: Units,
    starts: Vec<usize>,
    no_starts: Vec<usize>,
    rows: RowBuffers,
}

/// A scan that is being decoded.
pub(super) struct Scan<'a> {
    pub(super) cpu: Cpu,
    pub(super) geometry: &'a Geometry,
    pub(super) plans: &'a [Plan<'a>],
    pub(super) window: &'a mut Window,
    pub(super) input: &'a mut dyn Input,
    pub(super) buffers: &'a mut Buffers,
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
        for units in [&mut self.buffers.first, &mut self.buffers.second] {
            units.prepare(held, geometry.unit_coefficients, geometry.blocks.len());
        }
        self.buffers.rows.prepare(geometry);
        self.buffers.starts.reserve_exact(REMEMBERED);
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
            first,
            second,
            starts,
            no_starts,
            rows,
            span,
        } = &mut *self.buffers;
        first.clear();
        let mut reader = Stream::new(place.bits, place.predictions, first, no_starts);
        reader.target.stop_units = held.min(place.left);
        let available = self.window.certain_until().saturating_sub(place.bits.at);
        if available < WORTH_TWO {
            reader.target.stop_at = self.window.safe_until();
            let result = reader.run(&shared);
            place.follow(&reader);
            result?;
            rows.take(self.cpu, self.geometry, first, 0, [0; 4], sink);
            return Ok(());
        }
        let end = place.bits.at + available.min(*span);
        let middle = place.bits.at.midpoint(end);
        second.clear();
        starts.clear();
        let mut ahead = Stream::new(Bits::before(middle), [0; 4], second, starts);
        ahead.target.stop_at = end;
        ahead.target.stop_units = held;
        reader.target.stop_at = middle;
        let result = reader.run_with(&mut ahead, &shared);
        if result.is_ok() && reader.bits().at < middle {
            // There is no room for the units of half a span: the second reader was of no use.
            *span = (end - middle).max(WORTH_TWO);
        }
        ahead.run_to_boundary(&shared);
        let result = result.and_then(|()| {
            let limit = self.window.safe_until();
            meet(&mut reader, &ahead, held.min(place.left), limit, &shared)
        });
        place.follow(&reader);
        let met = result?.filter(|index| ahead.target.units.count() - index <= place.left);
        let before = reader.target.predictions;
        let (bits, mut predictions) = (ahead.bits(), ahead.target.predictions);
        rows.take(self.cpu, self.geometry, first, 0, [0; 4], sink);
        if let Some(index) = met {
            let known = predictions_before(self.geometry, second, index);
            let offsets = std::array::from_fn(|lane| before[lane].wrapping_sub(known[lane]));
            for (prediction, offset) in predictions.iter_mut().zip(offsets) {
                *prediction = prediction.wrapping_add(offset);
            }
            place.left -= second.count() - index;
            (place.bits, place.predictions) = (bits, predictions);
            rows.take(self.cpu, self.geometry, second, index, offsets, sink);
        }
        Ok(())
    }
}

impl Place {
    /// Goes to where a reader is that began here.
    fn follow(&mut self, reader: &Stream<'_>) {
        self.bits = reader.bits();
        self.predictions = reader.target.predictions;
        self.left -= reader.target.units.count();
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
