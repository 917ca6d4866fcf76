//! How a block's luma is predicted.

use super::super::block::{Luma, is_directional, kind_of_mode, kinds};
use super::super::edge::is_smooth;
use super::super::predict::{Edges, Mode, ROUGH, predict, rough};
use super::super::quantise::{residual, satd};
use super::super::rates::cost;
use super::super::transform::{Kind, Size};
use super::estimate::Estimate;
use super::{Area, Scratch, State};

/// How many predictions are tried to the end.
const FINALISTS: usize = 2;

/// A prediction that may be the best.
#[derive(Clone, Copy)]
struct Candidate {
    luma: Luma,
    rate: u32,
    /// A rough cost.
    rough: u64,
}

impl State<'_> {
    /// Finds how a block of luma is best predicted, and paints it. Gives also whether a coefficient is coded, and the cost.
    pub(super) fn luma(&mut self, scratch: &mut Scratch, area: &Area) -> (Luma, bool, u64) {
        let count = area.samples();
        let Scratch {
            source,
            samples,
            left,
            coefficients,
            values,
            best,
        } = scratch;
        let source = &mut source[..count];
        let samples = &mut samples[..count];
        let left = &mut left[..count];
        self.source(area, source);
        let edges = self.edges(area);
        let size = Size::new(area.width, area.height);
        let mut found = (plain(Mode::Dc), false, u64::MAX, 0);
        let mut consider = |state: &Self, luma: Luma, rate: u32, samples: &[u8], left: &[i16]| {
            let Estimate { mut cost, end } =
                state.estimate(0, luma.kind, size, left, coefficients, values);
            let kind_rate = if end > 0 {
                state.kind_rate(size, luma)
            } else {
                0
            };
            cost += state.bits(rate + kind_rate);
            if cost < found.2 {
                found = (luma, end > 0, cost, end);
                best.take(size, samples, values);
            }
        };
        let finalists = self.rank(area, &edges, source, samples);
        for candidate in &finalists {
            if candidate.rough == u64::MAX {
                break;
            }
            self.predict_luma(area, &edges, candidate.luma, samples);
            residual(self.setup.cpu, source, samples, left);
            for &kind in kinds_to_try(size, candidate.luma) {
                let luma = Luma {
                    kind,
                    ..candidate.luma
                };
                consider(self, luma, candidate.rate, samples, left);
            }
        }
        if found.1 {
            self.reconstruct(size, found.0.kind, found.3, best);
        }
        self.paint(area, &best.samples[..count]);
        (found.0, found.1, found.2)
    }

    pub(super) fn predict_luma(&self, area: &Area, edges: &Edges, luma: Luma, into: &mut [u8]) {
        let smooth = is_smooth(self.around.above.luma_mode[area.x / 4])
            || is_smooth(self.around.left.luma_mode[area.y / 4]);
        predict(
            self.setup.cpu,
            luma.mode,
            luma.delta,
            smooth,
            edges,
            area.width,
            area.height,
            into,
        );
    }

    /// The best of all predictions by a rough measure, the best first.
    fn rank(
        &self,
        area: &Area,
        edges: &Edges,
        source: &[u8],
        prediction: &mut [u8],
    ) -> [Candidate; FINALISTS] {
        let mut ranked = [Candidate {
            luma: plain(Mode::Dc),
            rate: 0,
            rough: u64::MAX,
        }; FINALISTS];
        let at = [area.x / 4, area.y / 4];
        let (width, height) = (area.width, area.height);
        let deltas = width.min(height) >= 8;
        let angle = self.gradients.angle(at, [width / 4, height / 4], deltas);
        let directed = angle.map(|(mode, delta)| Luma {
            delta,
            ..plain(mode)
        });
        let mut far = [0; Mode::ALL.len()];
        let cpu = self.setup.cpu;
        rough(cpu, edges, source, width, height, ROUGH, &mut far);
        let mut enter = |luma: Luma, far: u32| {
            let rate = self.luma_rate(area, luma);
            let rough = u64::from(far) * 512 + u64::from(rate) * self.setup.lambda_rough;
            let at = ranked.partition_point(|other| other.rough <= rough);
            if at < FINALISTS {
                ranked[at..].rotate_right(1);
                ranked[at] = Candidate { luma, rate, rough };
            }
        };
        for (mode, far) in Mode::ALL.into_iter().zip(far) {
            if is_rough(mode) {
                enter(plain(mode), far);
            }
        }
        if let Some(luma) = directed.filter(|luma| luma.delta != 0 || !is_rough(luma.mode)) {
            self.predict_luma(area, edges, luma, prediction);
            enter(luma, satd(cpu, source, prediction, width, height));
        }
        ranked
    }

    /// What it takes to say how luma is predicted.
    fn luma_rate(&self, area: &Area, luma: Luma) -> u32 {
        let [above, left] = self.around.mode_context(area.x / 4, area.y / 4);
        let mode = luma.mode as usize;
        let mut rate = cost(mode, &self.modes.luma_mode[above][left]);
        if area.width.min(area.height) >= 8 && is_directional(luma.mode as u8) {
            let symbol = usize::from((luma.delta + 3).cast_unsigned());
            rate += cost(symbol, &self.modes.angle_delta[mode - 1]);
        }
        rate
    }

    /// What it takes to say which kind of transform there is.
    fn kind_rate(&self, size: Size, luma: Luma) -> u32 {
        let kinds = kinds(size);
        let symbol = kinds
            .iter()
            .position(|&other| other == luma.kind)
            .unwrap_or(0);
        let class = size.width().min(size.height()).ilog2() as usize - 2;
        let context = luma.mode as usize;
        match kinds.len() {
            7 => cost(symbol, &self.modes.transform_kind_of_7[class][context]),
            5 => cost(symbol, &self.modes.transform_kind_of_5[class][context]),
            _ => 0,
        }
    }
}

fn kinds_to_try(size: Size, luma: Luma) -> &'static [Kind] {
    if size.width().max(size.height()) > 16 {
        return &[Kind::DctDct];
    }
    match kind_of_mode(luma.mode as u8) {
        Kind::AdstDct => &[Kind::DctDct, Kind::AdstDct],
        Kind::DctAdst => &[Kind::DctDct, Kind::DctAdst],
        _ => &[Kind::DctDct, Kind::AdstAdst],
    }
}

/// A mode without anything else.
fn plain(mode: Mode) -> Luma {
    Luma {
        mode,
        delta: 0,
        kind: Kind::DctDct,
    }
}

/// Whether a mode is one of those that are cheap to try.
fn is_rough(mode: Mode) -> bool {
    ROUGH >> (mode as u8) & 1 == 1
}
