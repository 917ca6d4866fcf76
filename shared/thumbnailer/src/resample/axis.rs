//! One axis of a resize as integers: which samples make each target sample, and how much of each.

use std::f64::consts::PI;

use super::box_shrink::MOST;

/// Half the width of the Lanczos3 kernel, in samples of whichever side is the coarser.
const LOBES: f64 = 3.0;

/// The ratio that is left to the filter, at least, when blocks of samples are taken to their means before it.
///
/// What that costs in SSIMULACRA2 points against the filter alone, three photos to 100..256 pixels, worst case before
/// encoding (after JPEG at quality 80 none that could be told from chance):
///
/// | ratio left | 2 | 2.3 | 2.6 | 2.9 | 3.2 | 3.7 | 4 and more |
/// |---|---|---|---|---|---|---|---|
/// | loss | 2.0 | 1.6 | 0.7 | 0.6 | 0.4 | 0.1 | 0.2 |
const LEAST_UNBOXED: f64 = 3.5;

/// Bits that a sample between the passes has more than its eight: two passes are rounded once.
pub(super) const EXTRA_BITS: u32 = 6;

/// One axis of a resize: which part of the source becomes how many target samples.
///
/// Positions are edges, not centres: a source of n samples reaches from 0 to n.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axis {
    /// Samples that the source has.
    pub(crate) source_len: usize,
    /// Where in the source the target starts.
    pub(crate) start: f64,
    /// Where in the source the target ends. Less than `start` mirrors.
    pub(crate) end: f64,
    /// Samples that the target has.
    pub(crate) target_len: usize,
    /// How many of those samples the part covers: sample i covers `[i, i + 1) / target_extent` of it. More than
    /// `target_len - 1`, at most `target_len`.
    pub(crate) target_extent: f64,
}

impl Axis {
    /// The whole of `source_len` samples as `target_len` samples.
    #[cfg(test)]
    pub(crate) fn whole(source_len: usize, target_len: usize) -> Self {
        Self {
            source_len,
            start: 0.0,
            end: float(source_len),
            target_len,
            target_extent: float(target_len),
        }
    }

    /// Source samples to a target sample, negative when mirrored.
    fn step(&self) -> f64 {
        (self.end - self.start) / self.target_extent.max(f64::MIN_POSITIVE)
    }

    /// Source samples to a target sample: more than 1 shrinks.
    pub(crate) fn ratio(&self) -> f64 {
        self.step().abs()
    }

    /// Where in the source a target starts that repeats source samples as they are: nothing to filter.
    #[expect(clippy::float_cmp, reason = "anything but equal is filtered")]
    pub(super) fn copies_from(&self) -> Option<usize> {
        let first = whole_number(self.start)?;
        let unchanged = self.end - self.start == self.target_extent
            && self.target_extent == float(self.target_len)
            && first.checked_add(self.target_len)? <= self.source_len;
        unchanged.then_some(first)
    }

    /// By how much the axis shrinks before it is filtered, so that the kernel need not be long: see
    /// [`LEAST_UNBOXED`].
    pub(super) fn box_factor(&self) -> usize {
        floor(self.ratio() / LEAST_UNBOXED).clamp(1, MOST)
    }

    /// The same part on a source of which `factor` neighbours at a time became one sample.
    pub(super) fn shrunk(&self, factor: usize) -> Self {
        Self {
            source_len: self.source_len.div_ceil(factor),
            start: self.start / float(factor),
            end: self.end / float(factor),
            ..*self
        }
    }
}

/// Two neighbouring samples' weights, the first of them even.
pub(super) type PairWeights = [i16; 2];

/// The weights of every target sample.
///
/// Samples are taken in pairs that start at an even one, because the processor multiplies and adds in pairs; a pair of
/// which only one sample counts has a weight of nought.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Taps {
    /// Fractional bits of the weights: those of a target sample sum to `1 << bits`, exactly, so that a flat plane
    /// stays as it is.
    pub(super) bits: u32,
    /// First sample that any target needs, even.
    pub(super) first: usize,
    /// One past the last sample that any target needs.
    pub(super) end: usize,
    /// The most pairs that a target needs.
    pub(super) most_pairs: usize,
    /// Whether the last target sample is the first one to be complete.
    pub(super) mirrored: bool,
    targets: Vec<Target>,
    weights: Vec<PairWeights>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Target {
    first_pair: usize,
    weights_start: usize,
    pairs: usize,
}

impl Taps {
    /// Lanczos3 (`sinc(x) sinc(x/3)`, |x| < 3), widened by the ratio when shrinking. Samples outside the source count
    /// nothing, and the others make up for them. At most `most_bits` fractional bits.
    ///
    /// Rounded weights differ from exact ones by less than a unit each, and any run of them in sum as well: they are
    /// the differences of the rounded running total.
    pub(super) fn new(axis: &Axis, most_bits: u32) -> Self {
        let step = axis.step();
        let widening = axis.ratio().max(1.0);
        let mut exact = Vec::new();
        let mut spans = Vec::with_capacity(axis.target_len);
        let mut largest = 0.0f64;
        for index in 0..axis.target_len {
            let centre = axis.start + (float(index) + 0.5) * step;
            let before = exact.len();
            let first = lanczos(axis.source_len, centre, widening, &mut exact);
            let own = exact.get(before..).unwrap_or_default();
            largest = own.iter().copied().fold(largest, f64::max);
            spans.push((first, before, own.len()));
        }
        let mut bits = most_bits;
        while bits > 0 && largest * f64::from(1u32 << bits) > f64::from(i16::MAX) {
            bits -= 1;
        }

        let mut taps = Self {
            bits,
            first: usize::MAX,
            end: 0,
            most_pairs: 0,
            mirrored: step < 0.0,
            targets: Vec::with_capacity(spans.len()),
            weights: Vec::with_capacity(exact.len() / 2 + spans.len()),
        };
        let mut scratch = Vec::new();
        for (first, before, count) in spans {
            let exact = exact.get(before..before + count).unwrap_or_default();
            taps.add(first, exact, &mut scratch);
        }
        taps.first = taps.first.min(taps.end);
        taps
    }

    /// Appends a target sample that is the sum of the samples from `first` on. `rounded_weights` is scratch.
    fn add(&mut self, first: usize, exact: &[f64], rounded_weights: &mut Vec<i16>) {
        let unit = f64::from(1u32 << self.bits);
        let (mut total, mut given) = (0.0, 0i32);
        rounded_weights.clear();
        rounded_weights.extend(exact.iter().map(|weight| {
            total += weight;
            let due = rounded(total * unit);
            // In range: the largest weight times the unit is.
            let weight = i16::try_from(due - given).unwrap_or(i16::MAX);
            given = due;
            weight
        }));
        // Samples at either end that count nothing need not be waited for.
        let counts = |weight: &i16| *weight != 0;
        let skipped = rounded_weights.iter().position(counts).unwrap_or(0);
        let end = rounded_weights
            .iter()
            .rposition(counts)
            .map_or(0, |last| last + 1);
        let (first, end) = (first + skipped, first + end);
        let own = rounded_weights.get(skipped..).unwrap_or_default();

        let weights_start = self.weights.len();
        let pairs = end.div_ceil(2) - first / 2;
        self.weights.resize(weights_start + pairs, [0; 2]);
        let slots = self.weights.iter_mut().skip(weights_start).flatten();
        for (slot, weight) in slots.skip(first % 2).zip(own) {
            *slot = *weight;
        }
        self.first = self.first.min(first / 2 * 2);
        self.end = self.end.max(end);
        self.most_pairs = self.most_pairs.max(pairs);
        self.targets.push(Target {
            first_pair: first / 2,
            weights_start,
            pairs,
        });
    }

    /// Target samples.
    pub(super) fn len(&self) -> usize {
        self.targets.len()
    }

    /// The first pair that target sample `index` needs, and the weights of that one and those after it.
    pub(super) fn target(&self, index: usize) -> (usize, &[PairWeights]) {
        self.targets.get(index).map_or((0, &[]), |target| {
            let weights = self
                .weights
                .get(target.weights_start..)
                .and_then(|rest| rest.get(..target.pairs));
            (target.first_pair, weights.unwrap_or_default())
        })
    }
}

/// Appends the weights of the samples around `centre`, which sum to one, and returns which sample is the first.
fn lanczos(source_len: usize, centre: f64, widening: f64, weights: &mut Vec<f64>) -> usize {
    let last = source_len.saturating_sub(1);
    let reach = LOBES * widening;
    // Sample i lies at i + 0.5.
    let first = floor((centre - reach + 0.5).max(0.0)).min(last);
    let end = floor((centre + reach + 0.5).max(0.0)).clamp(first, source_len);
    let before = weights.len();
    // Both sines by rotation, from one sample to the next: a call to `sin` for each weight took longer than the
    // resize that they are for.
    let x = (float(first) + 0.5 - centre) / widening;
    let mut whole = Rotation::new(PI * x, PI / widening);
    let mut third = Rotation::new(PI * x / LOBES, PI / widening / LOBES);
    let mut sum = 0.0;
    for index in first..end {
        let x = (float(index) + 0.5 - centre) / widening;
        let weight = if x.abs() < 1e-6 {
            1.0
        } else if x.abs() < LOBES {
            LOBES * whole.sine * third.sine / (PI * PI * x * x)
        } else {
            0.0
        };
        whole.turn();
        third.turn();
        sum += weight;
        weights.push(weight);
    }
    // Of a target within the source, the kernel's middle always counts: then the sum is far from nought.
    if sum > 0.1 {
        let scale = 1.0 / sum;
        for weight in weights.iter_mut().skip(before) {
            *weight *= scale;
        }
        first
    } else {
        weights.truncate(before);
        weights.push(1.0);
        floor(centre.max(0.0)).min(last)
    }
}

/// Sine and cosine of an angle that grows in equal steps.
struct Rotation {
    sine: f64,
    cosine: f64,
    step_sine: f64,
    step_cosine: f64,
}

impl Rotation {
    fn new(angle: f64, step: f64) -> Self {
        let (sine, cosine) = angle.sin_cos();
        let (step_sine, step_cosine) = step.sin_cos();
        Self {
            sine,
            cosine,
            step_sine,
            step_cosine,
        }
    }

    fn turn(&mut self) {
        let sine = self.sine * self.step_cosine + self.cosine * self.step_sine;
        self.cosine = self.cosine * self.step_cosine - self.sine * self.step_sine;
        self.sine = sine;
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "lengths of images are far below 2^53"
)]
fn float(length: usize) -> f64 {
    length as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, and what is not a number becomes 0; callers clamp to the source"
)]
fn floor(position: f64) -> usize {
    position.floor() as usize
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the running total of weights is within 2^22, however they ring"
)]
fn rounded(total: f64) -> i32 {
    total.round() as i32
}

fn whole_number(position: f64) -> Option<usize> {
    (position >= 0.0 && position.fract() == 0.0).then(|| floor(position))
}
