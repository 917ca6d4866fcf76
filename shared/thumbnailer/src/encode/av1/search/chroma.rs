//! How a block's chroma is predicted, and the block as a whole.

use super::super::block::{Block, Chroma, FROM_LUMA, alpha_symbols, chroma_kind, is_directional};
use super::super::edge::{SUPERBLOCK, is_smooth};
use super::super::predict::{Edges, Mode, from_luma, luma_ac, predict};
use super::super::quantise::satd;
use super::super::rates::cost;
use super::super::transform::Size;
use super::{Area, State};

/// Samples of the largest block of chroma.
const SAMPLES: usize = (SUPERBLOCK / 2) * (SUPERBLOCK / 2);

/// What both planes are predicted from.
struct Around {
    areas: [Area; 2],
    edges: [Edges; 2],
    sources: [[u8; SAMPLES]; 2],
    /// Luma's differences from its mean.
    ac: [i16; SAMPLES],
    /// What both planes' DC prediction is.
    dc: [u8; 2],
    smooth: bool,
}

impl State<'_, '_> {
    /// Finds the block at a place, keeps and paints it, and gives its cost.
    pub(super) fn block(&mut self, [column, row]: [usize; 2], width: usize, height: usize) -> u64 {
        let area = Area {
            plane: 0,
            x: column * 4,
            y: row * 4,
            width,
            height,
        };
        let first = self.search.units.len();
        let predicted = self.luma(&area);
        let mut total = predicted.cost;
        let zero_rate = |state: &Self, size, plane: usize| {
            let context = state.around.context(plane, 0, 0, size, true);
            let _ = context;
            0u32
        };
        let _ = zero_rate;
        // Blocks of 4 share chroma, which comes with the last of them.
        let shared = [(width, column), (height, row)]
            .iter()
            .any(|&(side, unit)| side == 4 && unit % 2 == 0);
        let chroma = (self.canvases.len() > 1 && !shared).then(|| {
            let (chroma, cost) = self.chroma(&area, predicted.luma.mode);
            total += cost;
            chroma
        });
        let units = (first, self.search.units.len() - first);
        let skip = self.search.units[first..].iter().all(|unit| unit.end == 0);
        let skip_context = self.around.skip_context(column, row);
        total += self.bits(cost(skip.into(), &self.modes.skip[skip_context]));
        let block = Block {
            column,
            row,
            width,
            height,
            luma: predicted.luma,
            chroma,
            skip,
            units,
        };
        for index in first..self.search.units.len() {
            let unit = self.search.units[index];
            self.around.tell(&unit);
        }
        self.around.note(&block);
        self.search.blocks.push(block);
        total
    }

    /// Finds how a block's chroma is best predicted, keeps its transforms and paints it.
    fn chroma(&mut self, luma: &Area, luma_mode: Mode) -> (Chroma, u64) {
        let around = self.around_chroma(luma);
        let [width, height] = [around.areas[0].width, around.areas[0].height];
        let count = width * height;
        let mut predictions = [[0; SAMPLES]; 2];
        let mut best: Option<(u64, u32, Chroma)> = None;
        let plain = |mode| Chroma {
            mode,
            delta: 0,
            alpha: [0; 2],
        };
        let mut candidates = vec![
            plain(Mode::Dc as u8),
            plain(Mode::Vertical as u8),
            plain(Mode::Horizontal as u8),
            plain(Mode::Smooth as u8),
            plain(Mode::Paeth as u8),
        ];
        if !candidates
            .iter()
            .any(|candidate| candidate.mode == luma_mode as u8)
        {
            candidates.push(plain(luma_mode as u8));
        }
        if luma.width.max(luma.height) <= 32 {
            let alpha = [0, 1].map(|plane| alpha_of(&around, plane, count));
            if alpha != [0; 2] {
                candidates.push(Chroma {
                    mode: FROM_LUMA,
                    delta: 0,
                    alpha,
                });
            }
        }
        for candidate in candidates {
            let rate = self.chroma_rate(luma, luma_mode, &candidate);
            let mut rough = u64::from(rate) * self.setup().lambda_rough;
            for plane in 0..2 {
                let prediction = &mut predictions[plane][..count];
                self.predict_chroma(&around, plane, &candidate, prediction);
                let source = &around.sources[plane][..count];
                rough += u64::from(satd(self.setup().cpu, source, prediction, width, height)) * 512;
            }
            if best.is_none_or(|(best, ..)| rough < best) {
                best = Some((rough, rate, candidate));
            }
        }
        let (_, rate, chosen) = best.unwrap_or((0, 0, plain(0)));
        let size = Size::new(width, height);
        let kind = chroma_kind(chosen.mode, size);
        let mut total = self.bits(rate);
        let mut left = [0; SUPERBLOCK * SUPERBLOCK];
        for (plane, area) in around.areas.iter().enumerate() {
            let prediction = &mut predictions[plane][..count];
            self.predict_chroma(&around, plane, &chosen, prediction);
            let source = &around.sources[plane][..count];
            let context = self
                .around
                .context(area.plane, area.x / 4, area.y / 4, size, true);
            let left = self.residual(source, prediction, &mut left);
            let tried = self.try_kind(area.plane, kind, size, context, left);
            total += tried.cost(self.setup().lambda);
            self.reconstruct(size, &tried, prediction);
            self.paint(area, prediction);
            self.push(area, size, &tried);
        }
        (chosen, total)
    }

    fn around_chroma(&self, luma: &Area) -> Around {
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
        let mut sources = [[0; SAMPLES]; 2];
        for (area, source) in areas.iter().zip(&mut sources) {
            self.source(area, &mut source[..count]);
        }
        let edges = areas.each_ref().map(|area| self.edges(area));
        let mut around = Around {
            areas,
            edges,
            sources,
            ac: [0; SAMPLES],
            dc: [0; 2],
            smooth: is_smooth(self.around.above.chroma_mode[x / 4])
                || is_smooth(self.around.left.chroma_mode[y / 4]),
        };
        if luma.width.max(luma.height) <= 32 {
            let mut samples = [0; SUPERBLOCK * SUPERBLOCK / 4];
            let samples = &mut samples[..4 * count];
            let whole = Area {
                plane: 0,
                x: 2 * x,
                y: 2 * y,
                width: 2 * width,
                height: 2 * height,
            };
            let (from, stride) = self.place_of(&whole);
            let rows = self.canvases[0].samples[from..].chunks(stride);
            for (row, into) in rows.zip(samples.chunks_exact_mut(whole.width)) {
                into.copy_from_slice(&row[..whole.width]);
            }
            let cpu = self.setup().cpu;
            let (w, h) = (whole.width, whole.height);
            luma_ac(cpu, samples, w, h, w, h, &mut around.ac[..count]);
            let mut dc = [0; SAMPLES];
            for plane in 0..2 {
                let edges = &around.edges[plane];
                predict(
                    cpu,
                    Mode::Dc,
                    0,
                    false,
                    edges,
                    width,
                    height,
                    &mut dc[..count],
                );
                around.dc[plane] = dc[0];
            }
        }
        around
    }

    fn predict_chroma(&self, around: &Around, plane: usize, chroma: &Chroma, into: &mut [u8]) {
        let cpu = self.setup().cpu;
        let Area { width, height, .. } = around.areas[plane];
        let edges = &around.edges[plane];
        match Mode::ALL.get(usize::from(chroma.mode)) {
            Some(&mode) => predict(
                cpu,
                mode,
                chroma.delta,
                around.smooth,
                edges,
                width,
                height,
                into,
            ),
            None => {
                let ac = &around.ac[..width * height];
                from_luma(cpu, around.dc[plane], chroma.alpha[plane], ac, into);
            }
        }
    }

    /// What it takes to say how chroma is predicted.
    fn chroma_rate(&self, luma: &Area, luma_mode: Mode, chroma: &Chroma) -> u32 {
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

/// By how many eighths of luma's differences a plane is best predicted, by least squares.
fn alpha_of(around: &Around, plane: usize, count: usize) -> i8 {
    let mut products = 0i64;
    let mut squares = 0i64;
    let dc = i64::from(around.dc[plane]);
    for (&ac, &source) in around.ac[..count]
        .iter()
        .zip(&around.sources[plane][..count])
    {
        products += i64::from(ac) * (i64::from(source) - dc);
        squares += i64::from(ac) * i64::from(ac);
    }
    if squares == 0 {
        return 0;
    }
    // The difference has three bits behind the point, and alpha three more.
    let alpha = (128 * products + squares * products.signum()) / (2 * squares);
    alpha.clamp(-16, 16) as i8
}
