//! How a block's chroma is predicted.

use super::super::block::{Chroma, FROM_LUMA, alpha_symbols, chroma_kind, is_directional};
use super::super::edge::{SUPERBLOCK, is_smooth};
use super::super::predict::{Edges, Mode, from_luma, luma_ac, predict};
use super::super::quantise::{residual, satd};
use super::super::rates::cost;
use super::super::transform::Size;
use super::{Area, FoundChroma, Scratch, State};

/// Samples of the largest block of chroma.
const SAMPLES: usize = (SUPERBLOCK / 2) * (SUPERBLOCK / 2);

/// What both planes are predicted from.
pub(super) struct Around {
    pub(super) areas: [Area; 2],
    edges: [Edges; 2],
    /// Luma's differences from its mean.
    ac: [i16; SAMPLES / 4],
    /// What both planes' DC prediction is.
    dc: [u8; 2],
    smooth: bool,
}

impl State<'_> {
    /// Finds how a block's chroma is best predicted, and paints it.
    pub(super) fn chroma(
        &mut self,
        scratch: &mut Scratch,
        luma: &Area,
        luma_mode: Mode,
    ) -> FoundChroma {
        let around = self.around_chroma(scratch, luma);
        let Scratch {
            source,
            samples,
            left,
            coefficients,
            best,
            ..
        } = scratch;
        let [width, height] = [around.areas[0].width, around.areas[0].height];
        let count = width * height;
        let (first, second) = source[..2 * count].split_at_mut(count);
        self.source(&around.areas[0], first);
        self.source(&around.areas[1], second);
        let sources = [&*first, &*second];
        let mut candidates = [plain(Mode::Dc as u8); 7];
        let mut number = 1;
        let mut add = |chroma: Chroma| {
            if !candidates[..number].contains(&chroma) {
                candidates[number] = chroma;
                number += 1;
            }
        };
        add(plain(luma_mode as u8));
        add(plain(Mode::Smooth as u8));
        if luma.width.max(luma.height) <= 32 {
            let alpha = [0, 1].map(|plane| alpha_of(&around, plane, sources[plane]));
            if alpha != [0; 2] {
                add(Chroma {
                    mode: FROM_LUMA,
                    delta: 0,
                    alpha,
                });
            }
        }
        let mut found = (u64::MAX, 0, candidates[0]);
        for &candidate in &candidates[..number] {
            let rate = self.chroma_rate(luma, luma_mode, candidate);
            let mut rough = u64::from(rate) * self.setup.lambda_rough;
            for (plane, source) in sources.iter().enumerate() {
                let prediction = &mut samples[..count];
                self.predict_chroma(&around, plane, candidate, prediction);
                let far = satd(self.setup.cpu, source, prediction, width, height);
                rough += u64::from(far) * 512;
            }
            if rough < found.0 {
                found = (rough, rate, candidate);
            }
        }
        let (_, rate, chosen) = found;
        let size = Size::new(width, height);
        let kind = chroma_kind(chosen.mode, size);
        let mut total = self.bits(rate);
        let mut coded = false;
        for (plane, area) in around.areas.iter().enumerate() {
            self.predict_chroma(&around, plane, chosen, &mut best.samples[..count]);
            let left = &mut left[..count];
            residual(self.setup.cpu, sources[plane], &best.samples[..count], left);
            let estimate = self.estimate(
                area.plane,
                kind,
                size,
                left,
                coefficients,
                &mut best.dequantised,
            );
            total += estimate.cost;
            if estimate.end > 0 {
                coded = true;
                self.reconstruct(size, kind, estimate.end, best);
            }
            self.paint(area, &best.samples[..count]);
        }
        FoundChroma {
            chroma: chosen,
            coded,
            cost: total,
        }
    }

    /// What a block's chroma is predicted from, when its luma has been painted.
    pub(super) fn around_chroma(&self, scratch: &mut Scratch, luma: &Area) -> Around {
        // Of blocks of 4, the last covers the chroma of all.
        let side = |at: usize, side: usize| (at / 8 * 4, (side / 2).max(4));
        let (x, width) = side(luma.x, luma.width);
        let (y, height) = side(luma.y, luma.height);
        let areas = [1, 2].map(|plane| Area {
            plane,
            x,
            y,
            width,
            height,
        });
        let count = width * height;
        // Not by a map, which would move them about.
        let edges = [self.edges(&areas[0]), self.edges(&areas[1])];
        let mut around = Around {
            areas,
            edges,
            ac: [0; _],
            dc: [0; 2],
            smooth: is_smooth(self.around.above.chroma_mode[x / 4])
                || is_smooth(self.around.left.chroma_mode[y / 4]),
        };
        if luma.width.max(luma.height) <= 32 {
            let samples = &mut scratch.samples;
            let whole = Area {
                plane: 0,
                x: 2 * x,
                y: 2 * y,
                width: 2 * width,
                height: 2 * height,
            };
            self.painted(&whole, &mut samples[..4 * count]);
            let cpu = self.setup.cpu;
            let (w, h) = (whole.width, whole.height);
            let ac = &mut around.ac[..count];
            luma_ac(cpu, &samples[..4 * count], w, h, w, h, ac);
            for (edges, dc) in around.edges.iter().zip(&mut around.dc) {
                let samples = &mut samples[..count];
                predict(cpu, Mode::Dc, 0, false, edges, width, height, samples);
                *dc = samples[0];
            }
        }
        around
    }

    pub(super) fn predict_chroma(
        &self,
        around: &Around,
        plane: usize,
        chroma: Chroma,
        into: &mut [u8],
    ) {
        let cpu = self.setup.cpu;
        let Area { width, height, .. } = around.areas[plane];
        let edges = &around.edges[plane];
        if let Some(&mode) = Mode::ALL.get(usize::from(chroma.mode)) {
            predict(
                cpu,
                mode,
                chroma.delta,
                around.smooth,
                edges,
                width,
                height,
                into,
            );
        } else {
            let ac = &around.ac[..width * height];
            from_luma(cpu, around.dc[plane], chroma.alpha[plane], ac, into);
        }
    }

    /// What it takes to say how chroma is predicted.
    fn chroma_rate(&self, luma: &Area, luma_mode: Mode, chroma: Chroma) -> u32 {
        let context = luma_mode as usize;
        let mode = usize::from(chroma.mode);
        let mut rate = if luma.width.max(luma.height) <= 32 {
            cost(mode, &self.modes.chroma_mode_from_luma[context])
        } else {
            cost(mode, &self.modes.chroma_mode[context])
        };
        if chroma.mode == FROM_LUMA {
            let [(joint, first), (_, second)] = alpha_symbols(chroma.alpha);
            rate += cost(joint, &self.modes.alpha_signs);
            for (context, magnitude) in [first, second].into_iter().flatten() {
                rate += cost(magnitude, &self.modes.alpha[context]);
            }
        }
        if luma.width.min(luma.height) >= 8 && is_directional(chroma.mode) {
            let symbol = usize::from((chroma.delta + 3).cast_unsigned());
            rate += cost(symbol, &self.modes.angle_delta[mode - 1]);
        }
        rate
    }
}

/// A mode without anything else.
fn plain(mode: u8) -> Chroma {
    Chroma {
        mode,
        delta: 0,
        alpha: [0; 2],
    }
}

/// By how many eighths of luma's differences a plane is best predicted, by least squares.
fn alpha_of(around: &Around, plane: usize, source: &[u8]) -> i8 {
    let dc = i32::from(around.dc[plane]);
    let mut products = 0i64;
    let mut squares = 0i64;
    // Sums of 16 fit 32 bits.
    for (ac, source) in around.ac[..source.len()].chunks(16).zip(source.chunks(16)) {
        let pairs = || {
            ac.iter()
                .zip(source)
                .map(|(&ac, &source)| (i32::from(ac), i32::from(source)))
        };
        products += i64::from(pairs().map(|(ac, source)| ac * (source - dc)).sum::<i32>());
        squares += i64::from(pairs().map(|(ac, _)| ac * ac).sum::<i32>());
    }
    if squares == 0 {
        return 0;
    }
    // Differences have three bits behind the point, and alpha three more.
    let alpha = (128 * products + squares * products.signum()) / (2 * squares);
    alpha.clamp(-16, 16) as i8
}
