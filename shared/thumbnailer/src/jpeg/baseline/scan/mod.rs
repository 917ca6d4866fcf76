//! A scan from its first unit to its last, piece by piece.

mod crew;
mod guess;
mod intervals;
mod parallel;
mod part;
mod piece;

use std::sync::Mutex;

use super::block::BadCode;
use super::geometry::Geometry;
use super::rows::RowBuffers;
use super::stream::{Plan, Shared};
use crate::cpu::Cpu;
use crate::input::Input;
use crate::jpeg::JpegError;
use crate::jpeg::bits::Bits;
use crate::jpeg::unstuff::{Stretch, Window, restart_marker};
use crate::planes::RowSink;
use part::Part;
use piece::{Pieces, Segment};

/// Coefficients that one reader holds before they become rows: a mebibyte.
const HELD_COEFFICIENTS: usize = if cfg!(fuzzing) { 16 << 10 } else { 512 << 10 };

/// Bytes that decide how a scan is shared out. Tests and the fuzzer have few, so that small pictures are shared out as
/// large ones are.
const fn bytes(count: usize) -> usize {
    if cfg!(any(test, fuzzing)) {
        count / 32
    } else {
        count
    }
}

/// Buffers of a scan.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    segments: [Segment; 2],
    rows: RowBuffers,
    parts: Vec<Mutex<Part>>,
}

/// How a scan is coded, and what decodes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coding<'a> {
    pub(super) cpu: Cpu,
    pub(super) geometry: &'a Geometry,
    pub(super) plans: &'a [Plan<'a>],
    /// Units of the scan.
    units: usize,
    /// Units between two restart markers; all when there are none.
    interval: usize,
    /// Units that one reader holds.
    held: usize,
}

impl<'a> Coding<'a> {
    /// `interval` is that of the file: 0 when there are no restart markers.
    pub(super) fn new(
        cpu: Cpu,
        geometry: &'a Geometry,
        plans: &'a [Plan<'a>],
        interval: usize,
    ) -> Self {
        let units = geometry.units * geometry.rows;
        Self {
            cpu,
            geometry,
            plans,
            units,
            interval: if interval == 0 { units } else { interval },
            held: (HELD_COEFFICIENTS / geometry.unit_coefficients.max(1))
                .clamp(1, units.clamp(1, 1 << 14)),
        }
    }

    /// How many restart intervals there are.
    fn intervals(&self) -> usize {
        self.units.div_ceil(self.interval.max(1))
    }

    fn shared<'b>(&'b self, bytes: &'b [u8]) -> Shared<'b> {
        Shared {
            cpu: self.cpu,
            blocks: self.plans,
            bytes,
            means_only: self.geometry.unit_coefficients == self.geometry.blocks.len(),
        }
    }

    /// Why decoding failed in interval `index` of some. Past the end there are only zeros, or the next interval, which
    /// may well be no code: the reason is the end then.
    fn blame(stretch: &Stretch<'_>, index: usize, bits: &Bits, _: BadCode) -> JpegError {
        match stretch.check(index, bits) {
            Err(error) => error,
            Ok(()) => JpegError::corrupt("a Huffman code that stands for nothing"),
        }
    }
}

/// Where decoding is.
#[derive(Debug, Clone, Copy)]
struct Place {
    bits: Bits,
    predictions: [i32; 4],
    /// The restart interval.
    interval: usize,
    /// Units that are left of it,
    left: usize,
    /// and of the scan.
    total: usize,
}

impl Place {
    /// The first unit.
    fn first(coding: &Coding<'_>, bits: Bits) -> Self {
        Self {
            bits,
            predictions: [0; 4],
            interval: 0,
            left: coding.interval.min(coding.units),
            total: coding.units,
        }
    }

    /// Goes to the next restart interval.
    fn restart(&mut self, coding: &Coding<'_>, bits: Bits) {
        self.bits = bits;
        self.predictions = [0; 4];
        self.interval += 1;
        self.left = coding.interval.min(self.total);
    }

    /// Leaves some units behind.
    fn pass(&mut self, units: usize) {
        self.left = self.left.saturating_sub(units);
        self.total = self.total.saturating_sub(units);
    }
}

/// Decodes all units of a scan whose entropy-coded bytes begin at `data_at` in the file, and gives the reader as it
/// stands behind them.
pub(super) fn decode(
    coding: &Coding<'_>,
    window: &mut Window,
    input: &mut dyn Input,
    data_at: usize,
    buffers: &mut Buffers,
    threads: usize,
    sink: &mut dyn RowSink,
) -> Result<Bits, JpegError> {
    let Buffers {
        segments,
        rows,
        parts,
    } = buffers;
    rows.prepare(coding.geometry);
    let mut pieces = Pieces::new(coding, segments, rows, sink);
    let blocks = coding.geometry.blocks.len();
    let mut place = match input.whole() {
        Some(file) if threads > 1 => {
            parallel::decode(&mut pieces, window, file, data_at, parts, threads)?
        }
        _ => {
            let bits = window.begin_intervals(data_at, blocks, 0..coding.intervals());
            Place::first(coding, bits)
        }
    };
    alone(&mut pieces, window, input, &mut place)?;
    Ok(place.bits)
}

/// Decodes the rest of a scan on this thread alone.
fn alone(
    pieces: &mut Pieces<'_>,
    window: &mut Window,
    input: &mut dyn Input,
    place: &mut Place,
) -> Result<(), JpegError> {
    while place.total > 0 {
        if place.left == 0 {
            let mut bits = place.bits;
            window.restart(input, &mut bits, restart_marker(place.interval + 1) & 7)?;
            place.restart(pieces.coding, bits);
        }
        if window.is_half_empty(&place.bits) {
            window.fill(input, &mut place.bits)?;
        }
        let interval = place.interval;
        pieces.read(&window.stretch(), place)?;
        window.pass(place.interval - interval);
    }
    Ok(())
}
