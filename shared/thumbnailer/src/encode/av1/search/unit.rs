//! One transform: its levels, what they cost, and what it looks like with them.

use super::super::block::Unit;
use super::super::coefficients::{self, Choice, Context, Outcome, scale_log2};
use super::super::edge::SUPERBLOCK;
use super::super::quantise::{coefficient_error, quantise, residual, sse};
use super::super::scan::scan;
use super::super::transform::{Kind, Size, forward, inverse_add};
use super::{Area, State};

/// Coefficients of the largest transform.
const MOST: usize = 32 * 32;

/// A transform with the levels that are best for it.
pub(super) struct Tried {
    pub(super) kind: Kind,
    pub(super) outcome: Outcome,
    /// Squared differences of what comes out, by 64.
    pub(super) difference: u64,
    levels: [i32; MOST],
    dequantised: [i32; MOST],
}

impl Tried {
    pub(super) fn cost(&self, lambda: u64) -> u64 {
        (self.difference << 7) + u64::from(self.outcome.rate) * lambda
    }
}

impl State<'_, '_> {
    /// Codes what a prediction leaves of a block by one kind of transform.
    pub(super) fn try_kind(
        &self,
        plane: usize,
        kind: Kind,
        size: Size,
        context: Context,
        left: &[i16],
    ) -> Tried {
        let setup = self.setup();
        let quantiser = &setup.quantisers[plane.min(1)];
        let count = size.coded_width() * size.coded_height();
        let mut coefficients = [0; MOST];
        let coefficients = &mut coefficients[..count];
        forward(setup.cpu, size, kind, left, coefficients);
        let mut tried = Tried {
            kind,
            outcome: Outcome {
                end: 0,
                rate: 0,
                told: 0,
            },
            difference: 0,
            levels: [0; MOST],
            dequantised: [0; MOST],
        };
        let levels = &mut tried.levels[..count];
        let dequantised = &mut tried.dequantised[..count];
        let end = quantise(
            setup.cpu,
            size,
            &quantiser.steps,
            [128, 128],
            coefficients,
            scan(size).order,
            levels,
            dequantised,
        );
        let choice = Choice {
            size,
            plane: plane.min(1),
            context,
            rates: self.rates,
            lambda: setup.lambda,
            steps: quantiser.values,
            coefficients,
        };
        tried.outcome = coefficients::choose(&choice, end, levels, dequantised);
        let scale = 2 * scale_log2(size);
        tried.difference = coefficient_error(setup.cpu, coefficients, dequantised) << scale;
        if size.width().max(size.height()) > 32 {
            // What the coefficients that are never coded hold.
            let all: u64 = left
                .iter()
                .map(|&left| i64::from(left).pow(2) as u64)
                .sum::<u64>()
                * 64;
            let kept = coefficients
                .iter()
                .map(|&c| i64::from(c).pow(2) as u64)
                .sum::<u64>()
                << scale;
            tried.difference += all.saturating_sub(kept);
        }
        tried
    }

    /// What is left of a block's samples when they are predicted.
    pub(super) fn residual<'b>(
        &self,
        source: &[u8],
        prediction: &[u8],
        into: &'b mut [i16; SUPERBLOCK * SUPERBLOCK],
    ) -> &'b [i16] {
        let into = &mut into[..source.len()];
        residual(self.setup().cpu, source, prediction, into);
        into
    }

    /// Adds what a transform holds to the prediction.
    pub(super) fn reconstruct(&self, size: Size, tried: &Tried, samples: &mut [u8]) {
        if tried.outcome.end == 0 {
            return;
        }
        let count = size.coded_width() * size.coded_height();
        inverse_add(
            self.setup().cpu,
            size,
            tried.kind,
            &tried.dequantised[..count],
            size.coded_height(),
            size.coded_width(),
            samples,
        );
    }

    /// Keeps a transform as the next of those that are written.
    pub(super) fn push(&mut self, area: &Area, size: Size, tried: &Tried) {
        let search = &mut *self.search;
        let from = search.levels.len();
        if tried.outcome.end > 0 {
            let count = size.coded_width() * size.coded_height();
            search
                .levels
                .extend(tried.levels[..count].iter().map(|&level| level as i16));
        }
        search.units.push(Unit {
            plane: area.plane,
            column: area.x / 4,
            row: area.y / 4,
            size,
            kind: tried.kind,
            end: tried.outcome.end,
            told: tried.outcome.told,
            levels: from,
        });
    }

    /// Squared differences, as [`Tried::difference`] has them.
    pub(super) fn difference(&self, source: &[u8], samples: &[u8]) -> u64 {
        sse(self.setup().cpu, source, samples) * 64
    }
}
