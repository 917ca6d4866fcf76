//! Readers of coefficients: one alone, or two at once on one core.
//!
//! Blocks are first gone over, to find where they begin ([`mod@walk`]); what is kept of each is read afterwards ([`mod@keep`]). Most
//! symbols are read twice by that, and still it is the faster way: the first pass goes over several symbols at once
//! and has no branch that cannot be foreseen, and in the second one no block waits for the one before it.

mod keep;
mod walk;

use super::tables::{AcTables, DcTables};
use super::units::Units;
use super::{block, units};
use crate::cpu::Cpu;
use crate::jpeg::BlockSide;
use crate::jpeg::bits::Bits;
use crate::jpeg::huffman::Skips;
use block::BadCode;
use keep::keep;
pub(super) use walk::Starts;
use walk::{Route, Walker, walk};

/// What all readers of a scan share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shared<'a> {
    pub(super) cpu: Cpu,
    /// The blocks of a unit.
    pub(super) blocks: &'a [Plan<'a>],
    /// Entropy-coded bytes without stuffing.
    pub(super) bytes: &'a [u8],
    /// Whether only DC coefficients are kept.
    pub(super) means_only: bool,
}

/// How to read one block of a unit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan<'a> {
    /// Index of its component in the scan.
    pub(super) lane: usize,
    pub(super) side: BlockSide,
    pub(super) dc: &'a DcTables,
    pub(super) ac: &'a AcTables,
    /// For the first look-up.
    pub(super) first: &'a Skips,
}

/// A reader and what it has read.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    /// It stands before a unit, or where it was lost.
    bits: Bits,
    pub(super) target: Target<'a>,
}

/// Where coefficients go, and when to stop.
#[derive(Debug)]
pub(super) struct Target<'a> {
    /// The DC coefficient of each lane's last block.
    pub(super) predictions: [i32; 4],
    pub(super) units: &'a mut Units,
    /// Stops before a unit at or past this byte,
    pub(super) stop_at: usize,
    /// and before there are more units than this.
    pub(super) stop_units: usize,
    /// Gets the position of each unit, as long as there is room.
    pub(super) starts: &'a mut Vec<usize>,
    /// It came upon a code that stands for nothing.
    pub(super) is_lost: bool,
}

impl<'a> Stream<'a> {
    /// A reader before a unit.
    pub(super) fn new(
        bits: Bits,
        predictions: [i32; 4],
        units: &'a mut Units,
        starts: &'a mut Vec<usize>,
    ) -> Self {
        Self {
            bits,
            target: Target {
                predictions,
                units,
                stop_at: usize::MAX,
                stop_units: usize::MAX,
                starts,
                is_lost: false,
            },
        }
    }

    /// Goes to the first unit of a restart interval.
    pub(super) fn go_to(&mut self, bits: Bits) {
        self.bits = bits;
        self.target.predictions = [0; 4];
    }

    /// Where it reads.
    pub(super) fn bits(&self) -> Bits {
        self.bits
    }

    /// Reads on to where it is to stop.
    pub(super) fn run(&mut self, shared: &Shared<'_>) -> Result<(), BadCode> {
        let route = Route::new(shared)?;
        while !self.is_to_stop() {
            let mut walker = self.walker(&route);
            walk(&mut walker, None, &route);
            let chunk = Chunk::of(walker, &route);
            self.take(&chunk, shared)?;
        }
        Ok(())
    }

    /// Both read on until one of them is where it is to stop, or is lost. It is no error when that is the other.
    pub(super) fn run_beside(
        &mut self,
        other: &mut Stream<'_>,
        shared: &Shared<'_>,
    ) -> Result<(), BadCode> {
        let route = Route::new(shared)?;
        while !self.is_to_stop() && !other.is_to_stop() && !other.target.is_lost {
            let (mut walker, mut other_walker) = (self.walker(&route), other.walker(&route));
            walk(&mut walker, Some(&mut other_walker), &route);
            let (chunk, other_chunk) = (Chunk::of(walker, &route), Chunk::of(other_walker, &route));
            other.target.is_lost = other.take(&other_chunk, shared).is_err();
            self.take(&chunk, shared)?;
        }
        Ok(())
    }

    /// Whether no unit is to begin here.
    fn is_to_stop(&self) -> bool {
        self.target.units.count() >= self.target.stop_units
            || self.bits.position() / 8 >= self.stop_before()
    }

    /// Before this byte units may begin. A reader's [`Bits::at`] is up to seven bytes ahead.
    fn stop_before(&self) -> usize {
        self.target.stop_at.saturating_sub(7)
    }

    fn walker<'s>(&'s mut self, route: &Route<'s>) -> Walker<'s> {
        let units = self.target.stop_units - self.target.units.count();
        let stop_at = self.stop_before();
        let starts = &mut self.target.units.starts;
        Walker::new(self.bits.position(), stop_at, units, route, starts)
    }

    /// Reads the units that were gone over.
    fn take(&mut self, chunk: &Chunk, shared: &Shared<'_>) -> Result<(), BadCode> {
        let Target {
            predictions,
            units,
            starts,
            ..
        } = &mut self.target;
        let start = |unit: usize| chunk.base * 8 + units.starts.of(unit * shared.blocks.len());
        let room = starts.capacity() - starts.len();
        starts.extend((0..chunk.units.min(room)).map(start));
        let end = start(chunk.units);
        keep(units, chunk.units, predictions, chunk.base, shared);
        self.stand_at(end, shared);
        match chunk.lost_at {
            Some(position) => {
                self.stand_at(position, shared);
                Err(BadCode)
            }
            None => Ok(()),
        }
    }

    fn stand_at(&mut self, position: usize, shared: &Shared<'_>) {
        self.bits = Bits::at_bit(position, shared.bytes);
    }
}

/// Units that were gone over.
#[derive(Debug)]
struct Chunk {
    /// The byte that their places are counted from.
    base: usize,
    units: usize,
    /// Where a code stands for nothing, if one does.
    lost_at: Option<usize>,
}

impl Chunk {
    /// What a walker went over, its last unit completed.
    fn of(mut walker: Walker<'_>, route: &Route<'_>) -> Self {
        Self {
            base: walker.base(),
            units: walker.finish(route),
            lost_at: walker.lost_at(),
        }
    }
}
