//! What a transform would cost, without its contexts.

use super::super::coefficients::{scale_log2, size_class};
use super::super::quantise::{Measure, measure};
use super::super::rates::Rates;
use super::super::scan::scan;
use super::super::transform::{Kind, Size, forward, inverse_add};
use super::{State, Trial};

/// Where a level becomes one more, in 256ths, DC and AC: a little more than half, as levels are lowered later.
const ROUNDING: [u16; 2] = [120, 100];

/// What levels take on average, in parts of a bit: a zero, one that is not (its sign with it), what a 2 and more takes
/// beyond that, and every level above 1.
const ZERO: u32 = 200;
const ONE: u32 = 1300;
const TWO: u32 = 500;
const MORE: u32 = 300;

/// A transform's cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Estimate {
    pub(super) cost: u64,
    /// How many coefficients of the scan are coded.
    pub(super) end: usize,
}

impl State<'_> {
    /// Transforms what is left and leaves in the trial what comes back.
    pub(super) fn estimate(
        &self,
        plane: usize,
        kind: Kind,
        size: Size,
        left: &[i16],
        coefficients: &mut [i32],
        dequantised: &mut [i32],
    ) -> Estimate {
        let setup = self.setup;
        let quantiser = &setup.quantisers[plane.min(1)];
        let count = size.coded_width() * size.coded_height();
        let coefficients = &mut coefficients[..count];
        forward(setup.cpu, size, kind, left, coefficients);
        let measured = measure(
            setup.cpu,
            size,
            &quantiser.steps,
            ROUNDING,
            coefficients,
            scan(size).order,
            &mut dequantised[..count],
        );
        let rate = rate(self.rates, size, plane.min(1), &measured);
        let mut difference = measured.error << (2 * scale_log2(size));
        if size.width().max(size.height()) > 32 {
            difference += lost(size, left, coefficients);
        }
        Estimate {
            cost: (difference << 7) + u64::from(rate) * setup.lambda,
            end: measured.end,
        }
    }

    /// Adds what a transform holds to the prediction.
    pub(super) fn reconstruct(&self, size: Size, kind: Kind, end: usize, trial: &mut Trial) {
        let (columns, rows) = (size.coded_width(), size.coded_height());
        let count = columns * rows;
        // Everything behind the diagonal of the last coefficient is zero.
        let last = usize::from(scan(size).places[end - 1].index);
        let diagonal = last / columns + last % columns + 1;
        inverse_add(
            self.setup.cpu,
            size,
            kind,
            &trial.dequantised[..count],
            rows.min(diagonal),
            columns.min(diagonal),
            &mut trial.samples[..size.width() * size.height()],
        );
    }
}

/// What the coefficients hold that are never coded, in 64ths of squared differences of samples.
pub(super) fn lost(size: Size, left: &[i16], coefficients: &[i32]) -> u64 {
    let squared = |value: i32| u64::from(value.unsigned_abs()).pow(2);
    let all: u64 = left.iter().map(|&left| squared(left.into())).sum();
    let kept: u64 = coefficients.iter().map(|&kept| squared(kept)).sum();
    (all * 64).saturating_sub(kept << (2 * scale_log2(size)))
}

/// About how many parts of bits the levels take.
fn rate(rates: &Rates, size: Size, plane: usize, measured: &Measure) -> u32 {
    let class = size_class(size);
    let all_zero = &rates.by_size[class][plane].all_zero[if plane > 0 { 8 } else { 0 }];
    if measured.end == 0 {
        return all_zero[1].into();
    }
    let zeros = measured.end as u32 - measured.ones;
    let count_log2 = (size.coded_width() * size.coded_height()).ilog2() as usize - 4;
    u32::from(all_zero[0])
        + rates.end(class, plane, count_log2, measured.end)
        + zeros * ZERO
        + measured.ones * ONE
        + measured.twos * TWO
        + (measured.sum - measured.ones) * MORE
}
