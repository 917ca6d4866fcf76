//! Readers that began at a guess, and fall into step.

use super::super::block::BadCode;
use super::super::geometry::Geometry;
use super::super::stream::{Shared, Stream};
use super::super::units::Units;
use super::{Coding, Place};
use crate::jpeg::bits::Bits;

/// Lets two readers read to where they are to stop. The second began at a guess, the first may have.
pub(super) fn read_both(
    one: &mut Stream<'_>,
    is_guess: bool,
    other: &mut Stream<'_>,
    shared: &Shared<'_>,
) {
    loop {
        if one.run_beside(other, shared).is_err() {
            one.target.is_lost = true;
            if !is_guess || !begin_again(one) {
                break;
            }
        } else if !other.target.is_lost || !begin_again(other) {
            break;
        }
    }
    read_alone(one, is_guess, shared);
    read_alone(other, true, shared);
}

fn read_alone(reader: &mut Stream<'_>, is_guess: bool, shared: &Shared<'_>) {
    while !reader.target.is_lost {
        if reader.run(shared).is_ok() {
            return;
        }
        reader.target.is_lost = true;
        if is_guess {
            begin_again(reader);
        }
    }
}

/// Lets a reader guess again that got lost before it fell into step: one out of three does, if details are fine. Whether
/// there is anything left for it.
fn begin_again(reader: &mut Stream<'_>) -> bool {
    let at = reader.bits().at;
    if at >= reader.target.stop_at {
        return false;
    }
    reader.target.units.clear();
    reader.target.starts.clear();
    reader.target.is_lost = false;
    reader.go_to(Bits::before(at));
    true
}

/// Where a reader's units are of use from, and what their DC coefficients are short of, by lane.
pub(super) struct Joint {
    pub(super) first: usize,
    pub(super) offsets: [i32; 4],
}

/// Joins what the readers found, as far as each has met the next, and goes to the end of it.
pub(super) fn join(
    streams: &mut [Stream<'_>],
    place: &mut Place,
    coding: &Coding<'_>,
    limit: usize,
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
                let stop_units = coding.held.min(first + place.left);
                let met = meet(reader, next, stop_units, limit, shared);
                place.follow(reader);
                met?
            }
            None => None,
        };
        place.pass(reader.target.units.count() - first);
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
        let known = predictions_before(coding.geometry, next.target.units, index);
        let before = place.predictions;
        offsets = std::array::from_fn(|lane| before[lane].wrapping_sub(known[lane]));
        (reader, first) = (next, index);
        joined.push(Joint { first, offsets });
    }
}

impl Place {
    /// Goes to where a reader is.
    pub(super) fn follow(&mut self, reader: &Stream<'_>) {
        self.bits = reader.bits();
        self.predictions = reader.target.predictions;
    }
}

/// Lets a reader go on, unit by unit, until it stands at the start of a unit of the one ahead: from there on, both would
/// read the same. Gives the number of that unit, or nothing when it has come too far for that.
pub(super) fn meet(
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
