//! Blocks as they are written: each coefficient weighed, and the samples as a decoder will have them.

use super::super::block::{Unit, chroma_kind};
use super::super::coefficients::{self, Choice};
use super::super::quantise::{quantise, residual};
use super::super::scan::scan;
use super::super::transform::{Kind, Size, forward};
use super::{Area, Scratch, State};

/// To the nearest level: those too high are lowered one by one.
const NEAREST: [u16; 2] = [128, 128];

impl State<'_> {
    /// Codes a block that has been found, when all before it are.
    pub(super) fn settle(&mut self, scratch: &mut Scratch, index: usize) {
        let block = self.blocks[index];
        let area = Area {
            plane: 0,
            x: block.column * 4,
            y: block.row * 4,
            width: block.width,
            height: block.height,
        };
        let from = self.units.len();
        let edges = self.edges(&area);
        self.predict_luma(
            &area,
            &edges,
            block.luma,
            &mut scratch.best.samples[..area.samples()],
        );
        self.settle_unit(scratch, &area, block.luma.kind);
        if let Some(chroma) = block.chroma {
            let around = self.around_chroma(scratch, &area);
            for (plane, area) in around.areas.iter().enumerate() {
                let prediction = &mut scratch.best.samples[..area.samples()];
                self.predict_chroma(&around, plane, chroma, prediction);
                let size = Size::new(area.width, area.height);
                self.settle_unit(scratch, area, chroma_kind(chroma.mode, size));
            }
        }
        let units = &self.units[from..];
        let block = &mut self.blocks[index];
        block.skip = units.iter().all(|unit| unit.end == 0);
        block.units = (from, units.len());
        for unit in units {
            self.around.tell(unit);
        }
        self.around.note(block);
    }

    /// Codes what the prediction in the scratch's best trial leaves.
    fn settle_unit(&mut self, scratch: &mut Scratch, area: &Area, kind: Kind) {
        let Scratch {
            source,
            left,
            coefficients,
            values,
            best,
            ..
        } = scratch;
        let setup = self.setup;
        let plane = area.plane.min(1);
        let size = Size::new(area.width, area.height);
        let samples = area.samples();
        let count = size.coded_width() * size.coded_height();
        let (source, left) = (&mut source[..samples], &mut left[..samples]);
        let (coefficients, levels) = (&mut coefficients[..count], &mut values[..count]);
        let quantiser = &setup.quantisers[plane];
        self.source(area, source);
        residual(setup.cpu, source, &best.samples[..samples], left);
        forward(setup.cpu, size, kind, left, coefficients);
        let end = quantise(
            setup.cpu,
            size,
            &quantiser.steps,
            NEAREST,
            coefficients,
            scan(size).order,
            levels,
            &mut best.dequantised[..count],
        );
        let choice = Choice {
            size,
            plane,
            context: self
                .around
                .context(area.plane, area.x / 4, area.y / 4, size),
            rates: self.rates,
            lambda: setup.lambda_last,
            steps: quantiser.steps.of(size),
            importance: quantiser.importance(size),
            coefficients,
        };
        let outcome = coefficients::choose(&choice, end, levels, &mut best.dequantised[..count]);
        let from = self.levels.len();
        if outcome.end > 0 {
            self.levels.extend(levels.iter().map(|&level| level as i16));
            self.reconstruct(size, kind, outcome.end, best);
        }
        self.paint(area, &best.samples[..samples]);
        self.units.push(Unit {
            plane: area.plane,
            column: area.x / 4,
            row: area.y / 4,
            size,
            kind,
            end: outcome.end,
            told: outcome.told,
            levels: from,
        });
    }
}
