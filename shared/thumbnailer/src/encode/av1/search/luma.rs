//! How a block's luma is predicted.

use super::super::block::{Luma, is_directional, kind_context, kind_of_mode, kinds};
use super::super::edge::{SUPERBLOCK, is_smooth};
use super::super::predict::{Edges, Mode, predict};
use super::super::quantise::satd;
use super::super::rates::cost;
use super::super::transform::{Kind, Size};
use super::unit::Tried;
use super::{Area, State};

/// Samples of the largest block.
type Samples = [u8; SUPERBLOCK * SUPERBLOCK];

/// How many predictions are tried to the end.
const FINALISTS: usize = 3;

/// A prediction that may be the best.
#[derive(Clone, Copy)]
struct Candidate {
    luma: Luma,
    rate: u32,
    /// A rough cost.
    rough: u64,
}

/// A prediction with its transform.
pub(super) struct Predicted {
    pub(super) luma: Luma,
    pub(super) tried: Tried,
    /// Of the mode alone.
    pub(super) rate: u32,
    pub(super) cost: u64,
}

impl State<'_, '_> {
    /// Finds how a block of luma is best predicted, and paints it.
    pub(super) fn luma(&mut self, area: &Area) -> Predicted {
        let mut source = [0; SUPERBLOCK * SUPERBLOCK];
        let source = &mut source[..area.samples()];
        self.source(area, source);
        let edges = self.edges(area);
        let finalists = self.rank(area, &edges, source);
        let size = Size::new(area.width, area.height);
        let context = self.around.context(0, area.x / 4, area.y / 4, size, true);
        let mut prediction: Samples = [0; _];
        let prediction = &mut prediction[..area.samples()];
        let mut left = [0; SUPERBLOCK * SUPERBLOCK];
        let mut best: Option<Predicted> = None;
        for candidate in &finalists {
            self.predict_luma(area, &edges, &candidate.luma, prediction);
            let left = self.residual(source, prediction, &mut left);
            for &kind in self.kinds_to_try(size, &candidate.luma) {
                let tried = self.try_kind(0, kind, size, context, left);
                let mut rate = candidate.rate;
                if tried.outcome.end > 0 {
                    rate += self.kind_rate(size, &candidate.luma, kind);
                }
                let cost = tried.cost(self.setup().lambda) + self.bits(rate);
                if best.as_ref().is_none_or(|best| cost < best.cost) {
                    best = Some(Predicted {
                        luma: candidate.luma,
                        tried,
                        rate,
                        cost,
                    });
                }
            }
        }
        let Some(best) = best else {
            unreachable!("there is always a candidate")
        };
        self.predict_luma(area, &edges, &best.luma, prediction);
        self.reconstruct(size, &best.tried, prediction);
        self.paint(area, prediction);
        self.push(area, size, &best.tried);
        best
    }

    fn predict_luma(&self, area: &Area, edges: &Edges, luma: &Luma, into: &mut [u8]) {
        let smooth = is_smooth(self.around.above.luma_mode[area.x / 4])
            || is_smooth(self.around.left.luma_mode[area.y / 4]);
        predict(
            self.setup().cpu,
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
    fn rank(&self, area: &Area, edges: &Edges, source: &[u8]) -> Vec<Candidate> {
        let mut prediction: Samples = [0; _];
        let prediction = &mut prediction[..area.samples()];
        let mut ranked: Vec<Candidate> = Vec::with_capacity(FINALISTS + 1);
        let mut consider = |state: &Self, luma: Luma| {
            state.predict_luma(area, edges, &luma, prediction);
            let rate = state.luma_rate(area, &luma);
            let far = u64::from(satd(
                state.setup().cpu,
                source,
                prediction,
                area.width,
                area.height,
            ));
            let rough = far * 512 + u64::from(rate) * state.setup().lambda_rough;
            let at = ranked.partition_point(|other| other.rough <= rough);
            if at < FINALISTS {
                ranked.insert(at, Candidate { luma, rate, rough });
                ranked.truncate(FINALISTS);
            }
        };
        for mode in Mode::ALL {
            consider(self, plain(mode));
        }
        ranked
    }

    /// What it takes to say how luma is predicted.
    fn luma_rate(&self, area: &Area, luma: &Luma) -> u32 {
        let [above, left] = self.around.mode_context(area.x / 4, area.y / 4);
        let mode = luma.mode as usize;
        let mut rate = cost(mode, &self.modes.luma_mode[above][left]);
        if area.width.min(area.height) >= 8 && is_directional(luma.mode as u8) {
            let symbol = usize::from((luma.delta + 3).cast_unsigned());
            rate += cost(symbol, &self.modes.angle_delta[mode - 1]);
        }
        if luma.mode == Mode::Dc && area.width.max(area.height) <= 32 {
            let number = super::super::block::size_number(area.width, area.height);
            rate += cost(
                luma.recursive.is_some().into(),
                &self.modes.use_recursive[number],
            );
            if let Some(recursive) = luma.recursive {
                rate += cost(recursive.into(), &self.modes.recursive_mode);
            }
        }
        rate
    }

    fn kinds_to_try(&self, size: Size, luma: &Luma) -> &'static [Kind] {
        if size.width().max(size.height()) > 16 {
            return &[Kind::DctDct];
        }
        match kind_of_mode(luma.mode as u8) {
            Kind::AdstDct => &[Kind::DctDct, Kind::AdstDct],
            Kind::DctAdst => &[Kind::DctDct, Kind::DctAdst],
            _ => &[Kind::DctDct, Kind::AdstAdst],
        }
    }

    /// What it takes to say which kind of transform there is.
    fn kind_rate(&self, size: Size, luma: &Luma, kind: Kind) -> u32 {
        let kinds = kinds(size);
        let symbol = kinds.iter().position(|&other| other == kind).unwrap_or(0);
        let class = size.width().min(size.height()).ilog2() as usize - 2;
        let context = kind_context(luma);
        match kinds.len() {
            7 => cost(symbol, &self.modes.transform_kind_of_7[class][context]),
            5 => cost(symbol, &self.modes.transform_kind_of_5[class][context]),
            _ => 0,
        }
    }
}

/// A mode without anything else.
fn plain(mode: Mode) -> Luma {
    Luma {
        mode,
        delta: 0,
        recursive: None,
        depth: 0,
    }
}
