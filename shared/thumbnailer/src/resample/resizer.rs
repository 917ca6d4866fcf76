//! Both passes and what lies between them, for rows of one channel or several.

use std::sync::Arc;

use super::axis::{Axis, EXTRA_BITS, Taps};
use super::box_shrink::BoxShrink;
use super::horizontal::{Columns, LastStep};
use super::kernel::{LANES, Pairs, Samples};
use super::linear::Light;
use super::pool::Pool;
use super::vertical::{self, BLOCK, Window};
use crate::cpu::Cpu;
use crate::planes::Plane;

/// Fractional bits of weights: as many as fit when samples of 8 and of 8 + [`EXTRA_BITS`] bits are summed in 32. The
/// magnitudes of a target sample's weights sum to less than 2.
const MOST_BITS_OF_BYTES: u32 = 20;
const MOST_BITS_OF_SAMPLES: u32 = 15;

/// What a resizer needs while it works and may leave to the next.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    ring: Vec<Pairs>,
    batch: Vec<Samples>,
    columns: Columns,
    /// The even row that waits for the odd one, of bytes or of samples with more bits.
    held_bytes: Vec<u8>,
    held_samples: Vec<i16>,
    /// A row in linear light.
    linear: Vec<i16>,
    shrink: BoxShrink,
}

/// Resizes rows of `channels` samples in turn to as many planes.
#[derive(Debug)]
pub(super) struct Resizer {
    cpu: Cpu,
    channels: usize,
    mode: Mode,
    /// Source rows that have come.
    row: usize,
    source_height: usize,
    planes: Vec<Plane>,
    buffers: Buffers,
}

#[derive(Debug)]
enum Mode {
    /// Source samples from this column and row on are the target's.
    Copy {
        column: usize,
        row: usize,
    },
    Filter(Filter),
}

#[derive(Debug)]
struct Filter {
    x: Arc<Taps>,
    y: Arc<Taps>,
    /// Samples across and down that are one sample of the filter's source.
    shrink: (usize, usize),
    /// Bits that samples have more than eight.
    extra_bits: u32,
    /// The tables, when the filter works in linear light.
    light: Option<&'static Light>,
    /// Rows of the filter's source that have come.
    row: usize,
    /// Chunks of a row.
    chunks: usize,
    /// Pairs of rows in the ring.
    slots: usize,
    /// Target rows that are done or in the batch.
    targets: usize,
    /// Rows in the batch.
    batched: usize,
}

impl Resizer {
    pub(super) fn new(
        pool: &mut Pool,
        cpu: Cpu,
        channels: usize,
        light: Option<&'static Light>,
        x: &Axis,
        y: &Axis,
    ) -> Self {
        let mut buffers = pool.buffers();
        let planes = (0..channels)
            .map(|_| Plane {
                width: x.target_len,
                height: y.target_len,
                samples: vec![0; x.target_len * y.target_len],
            })
            .collect();
        let mode = if let (Some(column), Some(row)) = (x.copies_from(), y.copies_from()) {
            Mode::Copy { column, row }
        } else {
            Mode::Filter(Filter::new(pool, &mut buffers, channels, light, x, y))
        };
        Self {
            cpu,
            channels,
            mode,
            row: 0,
            source_height: y.source_len,
            planes,
            buffers,
        }
    }

    /// Takes the next row.
    pub(super) fn push(&mut self, row: &[u8]) {
        if self.row >= self.source_height {
            return;
        }
        let index = self.row;
        self.row += 1;
        let Self {
            cpu,
            channels,
            mode,
            planes,
            buffers,
            ..
        } = self;
        match mode {
            Mode::Copy { column, row: first } => {
                if let Some(target) = index.checked_sub(*first) {
                    copy(row, *channels, *column, target, planes);
                }
            }
            Mode::Filter(filter) => filter.push(*cpu, *channels, index, row, buffers, planes),
        }
    }

    /// The target's planes. Rows that never came are black.
    pub(super) fn finish(mut self, pool: &mut Pool) -> Vec<Plane> {
        while self.row < self.source_height && !self.done() {
            self.push(&[]);
        }
        if let Mode::Filter(filter) = &mut self.mode {
            filter.flush(self.cpu, self.channels, &mut self.buffers, &mut self.planes);
        }
        pool.give_back(self.buffers);
        self.planes
    }

    /// Whether no row that is still to come matters.
    pub(super) fn done(&self) -> bool {
        match &self.mode {
            Mode::Copy { row, .. } => self
                .planes
                .first()
                .is_none_or(|plane| self.row >= row + plane.height),
            Mode::Filter(filter) => filter.targets == filter.y.len(),
        }
    }
}

fn copy(row: &[u8], channels: usize, column: usize, target: usize, planes: &mut [Plane]) {
    for (channel, plane) in planes.iter_mut().enumerate() {
        let width = plane.width;
        let Some(out) = plane.samples.chunks_exact_mut(width.max(1)).nth(target) else {
            continue;
        };
        if channels == 1 {
            if let Some(row) = row.get(column..column + width) {
                out.copy_from_slice(row);
            }
        } else {
            let own = row
                .iter()
                .skip(column * channels + channel)
                .step_by(channels);
            for (out, sample) in out.iter_mut().zip(own) {
                *out = *sample;
            }
        }
    }
}

impl Filter {
    fn new(
        pool: &mut Pool,
        buffers: &mut Buffers,
        channels: usize,
        light: Option<&'static Light>,
        x: &Axis,
        y: &Axis,
    ) -> Self {
        // Means of bytes would not be means of light.
        let shrink = if light.is_some() {
            (1, 1)
        } else {
            (x.box_factor(), y.box_factor())
        };
        let more_bits = shrink != (1, 1) || light.is_some();
        let bits = if more_bits {
            MOST_BITS_OF_SAMPLES
        } else {
            MOST_BITS_OF_BYTES
        };
        let x = pool.taps(&x.shrunk(shrink.0), MOST_BITS_OF_SAMPLES);
        let y = pool.taps(&y.shrunk(shrink.1), bits);
        let chunks = ((x.end - x.first) * channels)
            .div_ceil(LANES)
            .next_multiple_of(BLOCK);
        let slots = y.most_pairs.max(1);
        buffers.ring.resize(slots * chunks, Pairs::ZERO);
        buffers.batch.resize(LANES * chunks, Samples::ZERO);
        buffers.shrink.reset(shrink.0, shrink.1, channels);
        Self {
            row: 0,
            shrink,
            extra_bits: if more_bits { EXTRA_BITS } else { 0 },
            light,
            chunks,
            slots,
            targets: 0,
            batched: 0,
            x,
            y,
        }
    }

    fn push(
        &mut self,
        cpu: Cpu,
        channels: usize,
        index: usize,
        row: &[u8],
        buffers: &mut Buffers,
        planes: &mut [Plane],
    ) {
        let (across, down) = self.shrink;
        // Rows above and columns beside a crop.
        if index / down < self.y.first {
            self.row = index / down + 1;
            return;
        }
        let row = row
            .get(self.x.first * across * channels..)
            .unwrap_or_default();
        let row = row
            .get(..(self.x.end - self.x.first) * across * channels)
            .unwrap_or(row);
        if let Some(light) = self.light {
            let mut linear = std::mem::take(&mut buffers.linear);
            linear.clear();
            linear.extend(row.iter().map(|&sample| light.of(sample)));
            self.take(cpu, channels, &linear, buffers, planes);
            buffers.linear = linear;
        } else if self.extra_bits == 0 {
            self.take(cpu, channels, row, buffers, planes);
        } else {
            let mut shrink = std::mem::take(&mut buffers.shrink);
            if let Some(row) = shrink.push(cpu, row) {
                self.take(cpu, channels, row, buffers, planes);
            }
            buffers.shrink = shrink;
        }
    }

    /// Takes a row of the filter's source.
    fn take<S: RingSample>(
        &mut self,
        cpu: Cpu,
        channels: usize,
        row: &[S],
        buffers: &mut Buffers,
        planes: &mut [Plane],
    ) {
        let index = self.row;
        self.row += 1;
        if index.is_multiple_of(2) {
            let held = S::held(buffers);
            held.clear();
            held.extend_from_slice(row);
            return;
        }
        self.pair(cpu, index / 2, row, buffers);
        self.emit(cpu, channels, index / 2, buffers, planes);
    }

    /// Puts the held row and `odd` into the ring.
    fn pair<S: RingSample>(&mut self, cpu: Cpu, pair: usize, odd: &[S], buffers: &mut Buffers) {
        let start = pair % self.slots * self.chunks;
        let even = std::mem::take(S::held(buffers));
        if let Some(slot) = buffers.ring.get_mut(start..start + self.chunks) {
            S::interleave(cpu, &even, odd, slot);
        }
        *S::held(buffers) = even;
    }

    /// Makes the target rows for which `pair` is the last that they need.
    fn emit(
        &mut self,
        cpu: Cpu,
        channels: usize,
        pair: usize,
        buffers: &mut Buffers,
        planes: &mut [Plane],
    ) {
        while self.targets < self.y.len() {
            let count = self.y.len();
            let target = if self.y.mirrored {
                count - 1 - self.targets
            } else {
                self.targets
            };
            let y = Arc::clone(&self.y);
            let (first, weights) = y.target(target);
            if first + weights.len() > pair + 1 {
                return;
            }
            let batch = LANES.min(count - (self.targets - self.batched));
            let at = if self.y.mirrored {
                batch - 1 - self.batched
            } else {
                self.batched
            };
            let Some(out) = buffers
                .batch
                .get_mut(at * self.chunks..(at + 1) * self.chunks)
            else {
                return;
            };
            let window = Window {
                ring: &buffers.ring,
                first_slot: first % self.slots,
            };
            let shift = self.y.bits + self.extra_bits - EXTRA_BITS;
            vertical::sum_rows(cpu, window, weights, shift, out);
            self.targets += 1;
            self.batched += 1;
            if self.batched == batch {
                self.across(cpu, channels, buffers, planes);
            }
        }
    }

    /// Takes the batch through the horizontal pass.
    fn across(&mut self, cpu: Cpu, channels: usize, buffers: &mut Buffers, planes: &mut [Plane]) {
        let first = if self.y.mirrored {
            self.y.len() - self.targets
        } else {
            self.targets - self.batched
        };
        let Buffers { batch, columns, .. } = buffers;
        for (channel, plane) in planes.iter_mut().enumerate() {
            columns.turn(cpu, batch, self.chunks, channels, channel);
            let width = plane.width;
            let rows = plane
                .samples
                .get_mut(first * width..(first + self.batched) * width);
            let last = self
                .light
                .map_or(LastStep::Round, |light| LastStep::LookUp(&light.to_srgb));
            columns.sum(cpu, &self.x, last, rows.unwrap_or_default());
        }
        self.batched = 0;
    }

    /// Makes the target rows that wait for the other row of a pair.
    fn flush(&mut self, cpu: Cpu, channels: usize, buffers: &mut Buffers, planes: &mut [Plane]) {
        let mut shrink = std::mem::take(&mut buffers.shrink);
        if let Some(row) = shrink.finish(cpu) {
            self.take(cpu, channels, row, buffers, planes);
        }
        buffers.shrink = shrink;
        if self.row % 2 == 1 {
            if self.extra_bits == 0 {
                self.pair::<u8>(cpu, self.row / 2, &[], buffers);
            } else {
                self.pair::<i16>(cpu, self.row / 2, &[], buffers);
            }
            self.emit(cpu, channels, self.row / 2, buffers, planes);
        }
    }
}

/// What rows of the filter's source consist of.
trait RingSample: Copy {
    /// The even row that waits for the odd one.
    fn held(buffers: &mut Buffers) -> &mut Vec<Self>;
    /// Writes an even row and the odd one below it as pairs; where a row is short, zeros.
    fn interleave(cpu: Cpu, even: &[Self], odd: &[Self], slot: &mut [Pairs]);
}

impl RingSample for u8 {
    fn held(buffers: &mut Buffers) -> &mut Vec<Self> {
        &mut buffers.held_bytes
    }

    fn interleave(cpu: Cpu, even: &[Self], odd: &[Self], slot: &mut [Pairs]) {
        vertical::interleave_bytes(cpu, even, odd, slot);
    }
}

impl RingSample for i16 {
    fn held(buffers: &mut Buffers) -> &mut Vec<Self> {
        &mut buffers.held_samples
    }

    fn interleave(_: Cpu, even: &[Self], odd: &[Self], slot: &mut [Pairs]) {
        vertical::interleave(even, odd, slot);
    }
}
