use std::ops::Range;

use super::super::rows::RowBuffers;
use super::super::stream::Stream;
use super::super::units::Units;
use super::guess::{join, read_both};
use super::intervals::Halves;
use super::part::Resting;
use super::{Coding, Place, bytes};
use crate::jpeg::JpegError;
use crate::jpeg::bits::Bits;
use crate::jpeg::unstuff::Stretch;
use crate::planes::RowSink;

/// Bytes that are worth two readers when the second has to guess.
pub(super) const WORTH_TWO: usize = bytes(12 << 10);

/// Bytes that a reader which had to guess reads in vain until it has fallen into step, about.
const LOST: usize = bytes(1200);

/// Units whose place the second reader remembers: if the first does not come upon one of them, it goes on alone.
const REMEMBERED: usize = 1024;

/// What one reader finds.
#[derive(Debug, Default)]
pub(super) struct Segment {
    pub(super) units: Units,
    /// Where its first units begin, in bits.
    pub(super) starts: Vec<usize>,
}

impl Segment {
    /// Makes room for as much as a reader holds.
    pub(super) fn prepare(&mut self, coding: &Coding<'_>) {
        let geometry = coding.geometry;
        let blocks = geometry.blocks.len();
        self.units
            .prepare(coding.held, geometry.unit_coefficients, blocks);
        self.starts.clear();
        self.starts.reserve_exact(REMEMBERED);
    }

    fn clear(&mut self) {
        self.units.clear();
        self.starts.clear();
    }
}

/// Reads on one thread, with one reader or two, as suits what is there.
pub(super) struct Pieces<'a> {
    pub(super) coding: &'a Coding<'a>,
    segments: &'a mut [Segment; 2],
    rows: &'a mut RowBuffers,
    sink: &'a mut dyn RowSink,
    /// How many bytes both readers go through at once.
    span: usize,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(
        coding: &'a Coding<'a>,
        segments: &'a mut [Segment; 2],
        rows: &'a mut RowBuffers,
        sink: &'a mut dyn RowSink,
    ) -> Self {
        for segment in segments.iter_mut() {
            segment.prepare(coding);
        }
        Self {
            coding,
            segments,
            rows,
            sink,
            span: usize::MAX,
        }
    }

    /// Decodes some units, at least one, and gives them to the rows.
    pub(super) fn read(
        &mut self,
        stretch: &Stretch<'_>,
        place: &mut Place,
    ) -> Result<(), JpegError> {
        self.segments.iter_mut().for_each(Segment::clear);
        let (certain, limit) = limits(stretch);
        let available = certain.saturating_sub(place.bits.at);
        let guess_takes = if available < WORTH_TWO {
            1000
        } else {
            500 + LOST * 1000 / available
        };
        if let Some(halves) = Halves::new(self.coding, stretch, place)
            && halves.longer_in_thousand() <= guess_takes
        {
            self.intervals(stretch, place, &halves)
        } else if available < WORTH_TWO {
            self.alone(stretch, place, limit)
        } else {
            self.guess(stretch, place, available.min(self.span), limit)
        }
    }

    /// One reader, within the first interval.
    fn alone(
        &mut self,
        stretch: &Stretch<'_>,
        place: &mut Place,
        limit: usize,
    ) -> Result<(), JpegError> {
        let [segment, _] = &mut *self.segments;
        let mut none = Vec::new();
        let mut reader = Stream::new(place.bits, place.predictions, &mut segment.units, &mut none);
        reader.target.stop_at = limit;
        reader.target.stop_units = self.coding.held.min(place.left);
        let result = reader.run(&self.coding.shared(stretch.bytes));
        place.follow(&reader);
        if let Err(bad) = result {
            return Err(Coding::blame(stretch, 0, &place.bits, bad));
        }
        stretch.check(0, &place.bits)?;
        place.pass(segment.units.count());
        let which = 0..segment.units.count();
        self.rows
            .take(self.coding, &segment.units, which, [0; 4], self.sink);
        Ok(())
    }

    /// Gives units to the rows. Their DC coefficients are short of `offsets`, by lane.
    pub(super) fn deliver(&mut self, units: &Units, which: Range<usize>, offsets: [i32; 4]) {
        self.rows
            .take(self.coding, units, which, offsets, self.sink);
    }

    /// Decodes what is left of some intervals, of which `index` have been begun.
    pub(super) fn read_rest(
        &mut self,
        stretch: &Stretch<'_>,
        place: &mut Place,
        index: usize,
    ) -> Result<(), JpegError> {
        let mut index = index;
        while place.total > 0 {
            if place.left == 0 {
                let Some(start) = stretch.starts.get(index) else {
                    break;
                };
                place.restart(self.coding, Bits::before(*start));
                index += 1;
            }
            let stretch = Stretch {
                starts: stretch.starts.get(index..).unwrap_or_default(),
                ..*stretch
            };
            if stretch.ends() == 0 && place.bits.at >= stretch.until {
                break;
            }
            let interval = place.interval;
            self.read(&stretch, place)?;
            index += place.interval - interval;
        }
        Ok(())
    }

    /// Takes over what two readers found that began at a guess, as far as it turns out to be of use.
    pub(super) fn take_over(
        &mut self,
        stretch: &Stretch<'_>,
        place: &mut Place,
        readers: [Resting; 2],
        segments: &mut [Segment; 2],
    ) -> Result<(), JpegError> {
        self.segments.iter_mut().for_each(Segment::clear);
        let [bridge, _] = &mut *self.segments;
        let streams = segments.iter_mut().zip(readers);
        let mut streams: Vec<Stream<'_>> = std::iter::once(Resting::at(place).stream(bridge))
            .chain(streams.map(|(segment, reader)| reader.stream(segment)))
            .collect();
        let (_, limit) = limits(stretch);
        let shared = self.coding.shared(stretch.bytes);
        let joined = join(&mut streams, place, self.coding, limit, &shared)
            .map_err(|bad| Coding::blame(stretch, 0, &place.bits, bad))?;
        stretch.check(0, &place.bits)?;
        let segments = self.segments.iter().take(1).chain(segments.iter());
        for (segment, joint) in segments.zip(&joined) {
            let units = &segment.units;
            let which = joint.first..units.count();
            self.rows
                .take(self.coding, units, which, joint.offsets, self.sink);
        }
        Ok(())
    }

    /// Two readers within the first interval, of which the second starts at a guess.
    fn guess(
        &mut self,
        stretch: &Stretch<'_>,
        place: &mut Place,
        length: usize,
        limit: usize,
    ) -> Result<(), JpegError> {
        let coding = self.coding;
        let shared = coding.shared(stretch.bytes);
        let [first, second] = &mut *self.segments;
        let middle = place.bits.at + length / 2;
        let mut none = Vec::new();
        let mut reader = Stream::new(place.bits, place.predictions, &mut first.units, &mut none);
        reader.target.stop_at = middle;
        reader.target.stop_units = coding.held.min(place.left);
        let mut ahead = Stream::new(
            Bits::before(middle),
            [0; 4],
            &mut second.units,
            &mut second.starts,
        );
        ahead.target.stop_at = middle + length / 2;
        ahead.target.stop_units = coding.held;
        read_both(&mut reader, false, &mut ahead, &shared);
        let is_short = !reader.target.is_lost && reader.bits().at < middle;
        let mut streams = [reader, ahead];
        let joined = join(&mut streams, place, coding, limit, &shared);
        if is_short {
            // There is no room for the units of that many bytes: the reader ahead was of no use.
            self.span = (length / 2).max(WORTH_TWO);
        }
        let joined = match joined {
            Ok(joined) => joined,
            Err(bad) => return Err(Coding::blame(stretch, 0, &place.bits, bad)),
        };
        stretch.check(0, &place.bits)?;
        for (segment, joint) in self.segments.iter().zip(&joined) {
            let units = &segment.units;
            let which = joint.first..units.count();
            self.rows
                .take(coding, units, which, joint.offsets, self.sink);
        }
        Ok(())
    }

    /// Two readers, each of its own intervals.
    fn intervals(
        &mut self,
        stretch: &Stretch<'_>,
        place: &mut Place,
        halves: &Halves,
    ) -> Result<(), JpegError> {
        let [first, second] = &mut *self.segments;
        let bits = halves.read(
            self.coding,
            stretch,
            place,
            &mut first.units,
            &mut second.units,
        )?;
        place.bits = bits;
        place.interval += halves.until - 1;
        for Segment { units, .. } in &*self.segments {
            place.pass(units.count());
            let which = 0..units.count();
            self.rows.take(self.coding, units, which, [0; 4], self.sink);
        }
        Ok(())
    }
}

/// Up to where codes of the first interval are certain not to be cut off, and up to where they may be read at all.
pub(super) fn limits(stretch: &Stretch<'_>) -> (usize, usize) {
    match stretch.end_of(0) {
        Some(end) => (end.saturating_sub(stretch.reserve), usize::MAX),
        None => (stretch.until, stretch.until),
    }
}
