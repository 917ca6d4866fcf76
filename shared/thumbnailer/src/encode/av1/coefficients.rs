//! The coefficients of one transform: which of them are worth their bits, and how they are written (5.11.39 of the standard).

use super::cdf::Coefficients;
use super::range::RangeEncoder;
use super::rates::{BIT, Rates, SizeRates, end_class};
use super::scan::{MARGIN, Place, scan};
use super::transform::Size;

/// Magnitudes, up to 15, with a margin.
type Magnitudes = [u8; (32 + MARGIN) * (32 + MARGIN)];

/// What the transforms above and to the left say about this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Context {
    /// 0 to 12.
    pub(super) all_zero: usize,
    /// 0 to 2.
    pub(super) dc_sign: usize,
}

/// A transform's levels and where they end in its scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) end: usize,
    /// What a neighbour is told: the sum of all levels up to 63, and 64 or 128 for a negative or positive DC.
    pub(super) told: u8,
}

/// By which size distributions are chosen, 0 to 4: between the shorter side's and the longer side's.
pub(super) fn size_class(size: Size) -> usize {
    let (width, height) = (size.width(), size.height());
    let sides = width.min(height).ilog2() + width.max(height).ilog2();
    (sides as usize - 4).div_ceil(2)
}

/// Logarithm of the count of coefficients, less 4.
fn count_log2(size: Size) -> usize {
    (size.coded_width() * size.coded_height()).ilog2() as usize - 4
}

/// Where neighbours that are coded before are, and what they say.
struct Neighbourhood {
    magnitudes: Magnitudes,
    stride: usize,
}

impl Neighbourhood {
    #[inline(always)]
    fn new(size: Size) -> Self {
        Self {
            magnitudes: [0; _],
            stride: size.coded_width() + MARGIN,
        }
    }

    #[inline(always)]
    fn at(&self, place: usize, rows: usize, columns: usize) -> u32 {
        self.magnitudes[place + rows * self.stride + columns].into()
    }

    /// Contexts of a base level and of a greater level.
    #[inline(always)]
    fn contexts(&self, place: Place) -> (usize, usize) {
        let at = usize::from(place.padded);
        let (right, below, diagonal) = (self.at(at, 0, 1), self.at(at, 1, 0), self.at(at, 1, 1));
        let (far_right, far_below) = (self.at(at, 0, 2), self.at(at, 2, 0));
        let few =
            right.min(3) + below.min(3) + diagonal.min(3) + far_right.min(3) + far_below.min(3);
        let many = right + below + diagonal;
        let base = if at == 0 { 0 } else { few.div_ceil(2).min(4) };
        (
            base as usize + usize::from(place.base),
            many.div_ceil(2).min(6) as usize + usize::from(place.range),
        )
    }

    #[inline(always)]
    fn put(&mut self, place: Place, level: u32) {
        self.magnitudes[usize::from(place.padded)] = level.min(15) as u8;
    }
}

/// The context of the last coefficient's base level.
#[inline]
fn last_context(at: usize, size: Size) -> usize {
    let count = size.coded_width() * size.coded_height();
    match at {
        0 => 0,
        _ if at <= count / 8 => 1,
        _ if at <= count / 4 => 2,
        _ => 3,
    }
}

/// Bits of what a level has above 14: an exponential Golomb code.
#[inline]
fn golomb_rate(level: u32) -> u32 {
    if level < 15 {
        0
    } else {
        (2 * (level - 14).ilog2() + 1) * BIT
    }
}

/// What is known of a transform when its levels are chosen.
pub(super) struct Choice<'a> {
    pub(super) size: Size,
    /// Luma 0, chroma 1.
    pub(super) plane: usize,
    pub(super) context: Context,
    pub(super) rates: &'a Rates,
    /// Cost, in 128ths of squared sample differences times 64, of a part of a bit.
    pub(super) lambda: u64,
    /// Of each coefficient.
    pub(super) steps: &'a [i32],
    /// How much each coefficient's difference counts, squared, by 1024.
    pub(super) importance: &'a [u32],
    pub(super) coefficients: &'a [i32],
}

/// The logarithm of what coefficients of this size are smaller by than those of the smallest.
pub(super) fn scale_log2(size: Size) -> u32 {
    match size.width() * size.height() {
        0..=256 => 0,
        257..=1024 => 1,
        _ => 2,
    }
}

/// Everything from a place to the end.
struct Path {
    /// Its cost as it is chosen.
    kept: u64,
    /// Its cost if nothing of it were coded.
    dropped: u64,
    rate: u32,
    /// Where it ends; 0 if nothing is coded yet.
    end: usize,
}

/// What a level would make of the path.
struct Step {
    level: u32,
    kept: u64,
    rate: u32,
    /// Whether all behind is dropped.
    alone: bool,
}

/// What one coefficient's levels cost.
struct Weigher<'a> {
    choice: &'a Choice<'a>,
    rates: &'a SizeRates,
    class: usize,
    at: usize,
    index: usize,
    /// Contexts of a base level and of a greater one.
    contexts: (usize, usize),
}

impl Weigher<'_> {
    /// What it counts that a coefficient is off.
    #[inline(always)]
    fn squared(&self, difference: i32) -> u64 {
        let importance = u64::from(self.choice.importance[self.index]);
        let squared = u64::from(difference.unsigned_abs()).pow(2);
        (squared * importance) << (2 * scale_log2(self.choice.size)) >> 3
    }

    #[inline(always)]
    fn magnitude(&self) -> i32 {
        self.choice.coefficients[self.index].abs()
    }

    /// What a decoder makes of a level.
    #[inline(always)]
    fn dequantised(&self, level: u32) -> i32 {
        (level as i32 * self.choice.steps[self.index]) >> scale_log2(self.choice.size)
    }

    /// What the sign and all above the base level take.
    #[inline(always)]
    fn rest_rate(&self, level: u32) -> u32 {
        let Choice {
            rates,
            plane,
            context,
            ..
        } = self.choice;
        let sign = if self.at == 0 {
            let negative = usize::from(self.choice.coefficients[0] < 0);
            rates.dc_sign[*plane][context.dc_sign][negative].into()
        } else {
            BIT
        };
        if level < 3 {
            sign
        } else {
            let range = &self.rates.range[self.contexts.1];
            sign + u32::from(range[level.min(15) as usize - 3]) + golomb_rate(level)
        }
    }

    #[inline(always)]
    fn zero_rate(&self) -> u32 {
        self.rates.base[self.contexts.0][0].into()
    }

    /// What a level takes with something behind it.
    #[inline(always)]
    fn inner_rate(&self, level: u32) -> u32 {
        let base = self.rates.base[self.contexts.0][level.min(3) as usize];
        u32::from(base) + self.rest_rate(level)
    }

    /// What a level takes as the last, with what it takes to say so.
    #[inline(always)]
    fn outer_rate(&self, level: u32) -> u32 {
        let Choice {
            size, rates, plane, ..
        } = self.choice;
        let context = last_context(self.at, *size);
        let base = self.rates.base_last[context][level.min(3) as usize - 1];
        let end = rates.end(self.class, *plane, count_log2(*size), self.at + 1);
        u32::from(base) + self.rest_rate(level) + end
    }

    /// The best of a level, the one below it and, with something behind, none.
    #[inline(always)]
    fn step(&self, path: &Path, level: u32) -> Step {
        let lambda = self.choice.lambda;
        let mut best = Step {
            level: 0,
            kept: u64::MAX,
            rate: path.rate,
            alone: false,
        };
        if path.end > 0 {
            let rate = self.zero_rate();
            best.kept = path.kept + self.squared(self.magnitude()) + u64::from(rate) * lambda;
            best.rate += rate;
        }
        for level in [level, level - 1] {
            if level == 0 {
                continue;
            }
            let off = self.squared(self.magnitude() - self.dequantised(level));
            if path.end > 0 {
                let rate = self.inner_rate(level);
                let kept = path.kept + off + u64::from(rate) * lambda;
                if kept < best.kept {
                    let rate = path.rate + rate;
                    best = Step {
                        level,
                        kept,
                        rate,
                        alone: false,
                    };
                }
            }
            let rate = self.outer_rate(level);
            let kept = path.dropped + off + u64::from(rate) * lambda;
            if kept < best.kept {
                best = Step {
                    level,
                    kept,
                    rate,
                    alone: true,
                };
            }
        }
        best
    }
}

/// Lowers levels, from the last to the first, where that costs less in difference than it saves in bits, and forgets
/// those at the end that are not worth to be reached. `levels` and `dequantised` are those of the nearest multiples.
pub(super) fn choose(
    choice: &Choice<'_>,
    end: usize,
    levels: &mut [i32],
    dequantised: &mut [i32],
) -> Outcome {
    let class = size_class(choice.size);
    let rates = &choice.rates.by_size[class][choice.plane];
    let [something, nothing] = rates.all_zero[choice.context.all_zero].map(u32::from);
    let places = &scan(choice.size).places[..end];
    let mut near = Neighbourhood::new(choice.size);
    let mut path = Path {
        kept: 0,
        dropped: 0,
        rate: 0,
        end: 0,
    };
    for (at, &place) in places.iter().enumerate().rev() {
        let index = usize::from(place.index);
        let weigher = Weigher {
            choice,
            rates,
            class,
            at,
            index,
            contexts: near.contexts(place),
        };
        let zeroed = weigher.squared(weigher.magnitude());
        let level = levels[index].unsigned_abs();
        if level == 0 {
            // Behind the end nothing is written.
            if path.end > 0 {
                let rate = weigher.zero_rate();
                path.rate += rate;
                path.kept += zeroed + u64::from(rate) * choice.lambda;
                path.dropped += zeroed;
            }
            continue;
        }
        let step = weigher.step(&path, level);
        if step.alone {
            for &behind in places.get(at + 1..path.end).unwrap_or_default() {
                levels[usize::from(behind.index)] = 0;
                dequantised[usize::from(behind.index)] = 0;
                near.put(behind, 0);
            }
            path.end = at + 1;
        }
        near.put(place, step.level);
        if step.level != level {
            let sign = choice.coefficients[index].signum();
            levels[index] = sign * step.level as i32;
            dequantised[index] = sign * weigher.dequantised(step.level);
        }
        path.kept = step.kept;
        path.rate = step.rate;
        path.dropped += zeroed;
    }
    let cost = |difference: u64, rate: u32| difference + u64::from(rate) * choice.lambda;
    if path.end == 0 || cost(path.kept, something) >= cost(path.dropped, nothing) {
        levels.fill(0);
        dequantised.fill(0);
        return Outcome { end: 0, told: 0 };
    }
    Outcome {
        end: path.end,
        told: told(places, levels, path.end),
    }
}

/// What a neighbour is told of levels.
fn told(places: &[Place], levels: &[i32], end: usize) -> u8 {
    let mut sum = 0;
    for place in &places[..end] {
        sum += levels[usize::from(place.index)].unsigned_abs();
        if sum >= 63 {
            sum = 63;
            break;
        }
    }
    let sign = match levels[0].signum() {
        -1 => 64,
        1 => 128,
        _ => 0,
    };
    sum as u8 + sign
}

/// A transform's coefficients as [`choose`] has left them.
pub(super) struct Coded<'a> {
    pub(super) size: Size,
    /// Luma 0, chroma 1.
    pub(super) plane: usize,
    pub(super) context: Context,
    pub(super) end: usize,
    pub(super) levels: &'a [i16],
}

/// Writes coefficients. `kind` writes the kind of the transform where it has to be said.
pub(super) fn write(
    coder: &mut RangeEncoder,
    distributions: &mut Coefficients,
    coded: &Coded<'_>,
    kind: impl FnOnce(&mut RangeEncoder),
) {
    let &Coded {
        size,
        plane,
        context,
        end,
        levels,
    } = coded;
    let class = size_class(size);
    let all_zero = &mut distributions.all_zero[class][context.all_zero];
    coder.symbol(usize::from(end == 0), all_zero);
    if end == 0 {
        return;
    }
    kind(coder);
    write_end(coder, distributions, size, plane, end);
    let places = &scan(size).places[..end];
    let mut near = Neighbourhood::new(size);
    for (at, &place) in places.iter().enumerate().rev() {
        let level = u32::from(levels[usize::from(place.index)].unsigned_abs());
        let (base, range) = near.contexts(place);
        if at + 1 == end {
            let distribution = &mut distributions.base_last[class][plane][last_context(at, size)];
            coder.symbol(level.min(3) as usize - 1, distribution);
        } else {
            let distribution = &mut distributions.base[class][plane][base];
            coder.symbol(level.min(3) as usize, distribution);
        }
        if level > 2 {
            let distribution = &mut distributions.range[class.min(3)][plane][range];
            let mut left = level.min(15) - 3;
            for _ in 0..4 {
                let step = left.min(3);
                coder.symbol(step as usize, distribution);
                left -= step;
                if step < 3 {
                    break;
                }
            }
        }
        near.put(place, level);
    }
    for (at, place) in places.iter().enumerate() {
        let level = levels[usize::from(place.index)];
        if level == 0 {
            continue;
        }
        if at == 0 {
            let distribution = &mut distributions.dc_sign[plane][context.dc_sign];
            coder.symbol(usize::from(level < 0), distribution);
        } else {
            coder.bit(level < 0);
        }
        let level = u32::from(level.unsigned_abs());
        if level > 14 {
            let rest = level - 14;
            let length = rest.ilog2();
            coder.bits(0, length);
            coder.bits(rest, length + 1);
        }
    }
}

fn write_end(
    coder: &mut RangeEncoder,
    distributions: &mut Coefficients,
    size: Size,
    plane: usize,
    end: usize,
) {
    let symbol = end_class(end);
    match count_log2(size) {
        0 => coder.symbol(symbol, &mut distributions.end_16[plane][0]),
        1 => coder.symbol(symbol, &mut distributions.end_32[plane][0]),
        2 => coder.symbol(symbol, &mut distributions.end_64[plane][0]),
        3 => coder.symbol(symbol, &mut distributions.end_128[plane][0]),
        4 => coder.symbol(symbol, &mut distributions.end_256[plane][0]),
        5 => coder.symbol(symbol, &mut distributions.end_512[plane]),
        _ => coder.symbol(symbol, &mut distributions.end_1024[plane]),
    }
    if symbol >= 2 {
        let rest = end - 1;
        let highest = rest >> (symbol - 2) & 1;
        let class = size_class(size);
        let distribution = &mut distributions.end_extra[class][plane][symbol - 2];
        coder.symbol(highest, distribution);
        coder.bits(rest as u32, symbol as u32 - 2);
    }
}
