//! Whole restart intervals: where each begins is known.

use std::ops::Range;

use super::super::block::BadCode;
use super::super::stream::{Shared, Stream};
use super::super::units::Units;
use super::{Coding, Place};
use crate::jpeg::JpegError;
use crate::jpeg::bits::Bits;
use crate::jpeg::unstuff::Stretch;

/// The intervals that end within a stretch, for two readers.
pub(super) struct Halves {
    /// The second reader begins with this one,
    split: usize,
    /// and ends before this one.
    pub(super) until: usize,
    longer_in_thousand: usize,
}

impl Halves {
    /// Nothing when no two intervals end there, or they do not fit into what readers hold.
    pub(super) fn new(coding: &Coding<'_>, stretch: &Stretch<'_>, place: &Place) -> Option<Self> {
        let each = coding.held / coding.interval.max(1);
        let left = place.total.checked_sub(place.left)?;
        let until = (stretch.ends())
            .min(each * 2)
            .min(1 + left.div_ceil(coding.interval.max(1)));
        if until < 2 {
            return None;
        }
        let (at, end) = (place.bits.at, stretch.end_of(until - 1)?);
        let middle = at + end.saturating_sub(at) / 2;
        let starts = stretch.starts.get(..until - 1)?;
        let above = starts.partition_point(|start| *start < middle);
        // Interval `above` ends behind the middle; the border nearest to it is either end.
        let distance = |ends: usize| {
            (stretch.end_of(ends)).map_or(usize::MAX, |border| border.abs_diff(middle))
        };
        let split = match above.checked_sub(1) {
            Some(below) if distance(below) < distance(above) => above,
            _ => above + 1,
        };
        let split = split.clamp(until.saturating_sub(each).max(1), each.min(until - 1));
        let border = stretch.end_of(split - 1)?;
        let longer = border.saturating_sub(at).max(end.saturating_sub(border));
        Some(Self {
            split,
            until,
            longer_in_thousand: longer * 1000 / end.saturating_sub(at).max(1),
        })
    }

    /// How many thousandths of the bytes are those of the reader that has more.
    pub(super) fn longer_in_thousand(&self) -> usize {
        self.longer_in_thousand
    }

    /// Reads them, the first from a place in it. Gives the place behind the last.
    pub(super) fn read(
        &self,
        coding: &Coding<'_>,
        stretch: &Stretch<'_>,
        place: &Place,
        first: &mut Units,
        second: &mut Units,
    ) -> Result<Bits, JpegError> {
        let shared = coding.shared(stretch.bytes);
        let (mut none, mut no_more) = (Vec::new(), Vec::new());
        let reader = Stream::new(place.bits, place.predictions, first, &mut none);
        let mut one = Walk::new(reader, 0..self.split, place.left, usize::MAX);
        let start = stretch.end_of(self.split - 1).unwrap_or_default();
        let reader = Stream::new(Bits::before(start), [0; 4], second, &mut no_more);
        let before = place.left + (self.split - 1) * coding.interval;
        let rest = place.total.saturating_sub(before);
        let units = coding.interval.min(rest);
        let mut other = Walk::new(reader, self.split..self.until, units, rest - units);
        while one.result.is_none() && other.result.is_none() {
            one.stream.target.is_lost |= one.stream.run_beside(&mut other.stream, &shared).is_err();
            one.step(coding, stretch);
            other.step(coding, stretch);
        }
        one.finish(coding, stretch, &shared)?;
        other.finish(coding, stretch, &shared)?;
        Ok(other.stream.bits())
    }
}

/// A reader of one interval after the other.
struct Walk<'a> {
    stream: Stream<'a>,
    /// The interval that it reads.
    index: usize,
    /// The one before which it ends.
    until: usize,
    /// Units that are left of the scan behind that interval.
    rest: usize,
    /// How it ended.
    result: Option<Result<(), JpegError>>,
}

impl<'a> Walk<'a> {
    fn new(stream: Stream<'a>, intervals: Range<usize>, units: usize, rest: usize) -> Self {
        let mut walk = Self {
            stream,
            index: intervals.start,
            until: intervals.end,
            rest,
            result: None,
        };
        walk.stream.target.stop_units = units;
        walk
    }

    /// Where it is at the end of an interval, goes to the next.
    fn step(&mut self, coding: &Coding<'_>, stretch: &Stretch<'_>) {
        let (bits, target) = (self.stream.bits(), &self.stream.target);
        if target.is_lost {
            let error = Coding::blame(stretch, self.index, &bits, BadCode);
            self.result = Some(Err(error));
            return;
        }
        if target.units.count() < target.stop_units {
            return;
        }
        let is_right = stretch.check(self.index, &bits);
        let start = stretch.starts.get(self.index);
        self.index += 1;
        match start {
            Some(start) if is_right.is_ok() && self.index < self.until => {
                let units = coding.interval.min(self.rest);
                self.rest -= units;
                self.stream.target.stop_units += units;
                self.stream.go_to(Bits::before(*start));
            }
            _ => self.result = Some(is_right),
        }
    }

    /// Goes on alone.
    fn finish(
        &mut self,
        coding: &Coding<'_>,
        stretch: &Stretch<'_>,
        shared: &Shared<'_>,
    ) -> Result<(), JpegError> {
        loop {
            if let Some(result) = self.result.take() {
                return result;
            }
            self.stream.target.is_lost |= self.stream.run(shared).is_err();
            self.step(coding, stretch);
        }
    }
}
