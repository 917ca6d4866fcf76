//! Rows of minimum coded units: from bits to coefficients to samples.

use super::block::{self, BadCode};
use super::geometry::Geometry;
use super::tables::LaneTables;
use crate::cpu::Cpu;
use crate::input::Input;
use crate::jpeg::bits::Bits;
use crate::jpeg::inverse::inverse;
use crate::jpeg::unstuff::Window;
use crate::jpeg::{BlockSide, JpegError};
use crate::planes::{RowSink, Rows};

/// What a row of units becomes.
#[derive(Debug, Default)]
pub(super) struct RowBuffers {
    coefficients: Vec<i16>,
    last: Vec<u8>,
    samples: Vec<u8>,
}

/// Where a scan is between its restart markers.
#[derive(Debug)]
pub(super) struct Progress {
    /// Units between two markers; none when 0.
    interval: usize,
    /// Units up to the next marker.
    left: usize,
    /// Number of the next marker.
    marker: u8,
    /// The DC coefficient of each component's last block.
    predictions: [i32; 4],
}

impl Progress {
    pub(super) fn new(interval: usize) -> Self {
        Self {
            interval,
            left: if interval == 0 { usize::MAX } else { interval },
            marker: 0,
            predictions: [0; 4],
        }
    }

    /// Goes past the next marker.
    fn restart(
        &mut self,
        window: &mut Window,
        input: &mut dyn Input,
        bits: &mut Bits,
    ) -> Result<(), JpegError> {
        window.restart(input, bits, self.marker)?;
        self.marker = (self.marker + 1) & 7;
        self.left = self.interval;
        self.predictions = [0; 4];
        Ok(())
    }
}

/// Decodes the coefficients of a row of units.
#[expect(
    clippy::too_many_arguments,
    reason = "what the inner loop works on, apart from one another"
)]
pub(super) fn decode_row(
    cpu: Cpu,
    geometry: &Geometry,
    tables: &[LaneTables<'_>],
    window: &mut Window,
    input: &mut dyn Input,
    bits: &mut Bits,
    progress: &mut Progress,
    rows: &mut RowBuffers,
) -> Result<(), JpegError> {
    let mut unit = 0;
    while unit < geometry.units {
        if progress.left == 0 {
            progress.restart(window, input, bits)?;
        }
        window.ensure(input, bits)?;
        let mut run = Run {
            geometry,
            tables,
            bytes: window.bytes(),
            safe_until: window.safe_until(),
            units: unit..geometry.units.min(unit.saturating_add(progress.left)),
            predictions: progress.predictions,
            rows,
        };
        let result = run.decode_for(cpu, bits);
        let done = run.units.start - unit;
        progress.predictions = run.predictions;
        progress.left -= done;
        unit += done;
        if result.is_err() {
            // Past the end there are only zeros, which may well be no code: the reason is the end then.
            window.check(bits)?;
            return Err(JpegError::corrupt("a Huffman code that stands for nothing"));
        }
    }
    window.check(bits)
}

/// Units that follow each other without a restart marker.
struct Run<'a> {
    geometry: &'a Geometry,
    tables: &'a [LaneTables<'a>],
    bytes: &'a [u8],
    /// Stop before a unit when the reader is past this byte.
    safe_until: usize,
    units: std::ops::Range<usize>,
    predictions: [i32; 4],
    rows: &'a mut RowBuffers,
}

impl Run<'_> {
    #[expect(
        unsafe_code,
        reason = "calls what is compiled for the instructions that were found"
    )]
    fn decode_for(&mut self, cpu: Cpu, bits: &mut Bits) -> Result<(), BadCode> {
        match cpu {
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx2 | Cpu::Avx512 => {
                // SAFETY: these values of `Cpu` are given out only where all of its instructions were detected.
                unsafe { self.decode_with_bmi(bits) }
            }
            _ => self.decode(bits),
        }
    }

    /// Shifts by variable amounts and loads of swapped bytes are one instruction each with these.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,movbe")]
    fn decode_with_bmi(&mut self, bits: &mut Bits) -> Result<(), BadCode> {
        self.decode(bits)
    }

    #[inline(always)]
    fn decode(&mut self, reader: &mut Bits) -> Result<(), BadCode> {
        // A copy stays in registers.
        let mut bits = *reader;
        let mut result = Ok(());
        while self.units.start < self.units.end && bits.at < self.safe_until {
            result = self.unit(&mut bits);
            if result.is_err() {
                break;
            }
            self.units.start += 1;
        }
        *reader = bits;
        result
    }

    #[inline(always)]
    fn unit(&mut self, bits: &mut Bits) -> Result<(), BadCode> {
        let unit = self.units.start;
        for plan in &self.geometry.blocks {
            let Some(tables) = self.tables.get(plan.lane) else {
                continue;
            };
            let prediction = &mut self.predictions[plan.lane & 3];
            *prediction = prediction.wrapping_add(block::difference(tables.dc, self.bytes, bits)?);
            #[expect(clippy::cast_possible_truncation, reason = "wraps as libjpeg's does")]
            let dc = *prediction as i16;
            let place = unit * plan.step;
            match plan.side {
                BlockSide::One => {
                    block::skip(tables.ac, self.bytes, bits, 1)?;
                    if let Some(out) = self.rows.coefficients.get_mut(plan.coefficients_at + place)
                    {
                        *out = dc;
                    }
                }
                BlockSide::Two => {
                    let mut block = [0; 8];
                    block::coefficients::<2, 8>(tables.ac, self.bytes, bits, &mut block)?;
                    block[0] = dc;
                    let at = plan.coefficients_at + place * 4;
                    if let Some(out) = self.rows.coefficients.get_mut(at..at + 4) {
                        out.copy_from_slice(&block[..4]);
                    }
                }
                BlockSide::Four => {
                    let mut block = [0; 32];
                    let last =
                        block::coefficients::<4, 32>(tables.ac, self.bytes, bits, &mut block)?;
                    block[0] = dc;
                    let at = plan.coefficients_at + place * 16;
                    if let Some(out) = self.rows.coefficients.get_mut(at..at + 16) {
                        out.copy_from_slice(&block[..16]);
                    }
                    if let Some(out) = self.rows.last.get_mut(plan.first + place) {
                        *out = last;
                    }
                }
                BlockSide::Eight => {
                    let at = plan.coefficients_at + place * 64;
                    let Some(block) = self
                        .rows
                        .coefficients
                        .get_mut(at..)
                        .and_then(<[i16]>::first_chunk_mut)
                    else {
                        continue;
                    };
                    *block = [0; 64];
                    let last = block::coefficients::<8, 64>(tables.ac, self.bytes, bits, block)?;
                    block[0] = dc;
                    if let Some(out) = self.rows.last.get_mut(plan.first + place) {
                        *out = last;
                    }
                }
            }
        }
        Ok(())
    }
}

impl RowBuffers {
    /// Makes room for a row of units.
    pub(super) fn prepare(&mut self, geometry: &Geometry) {
        self.coefficients.resize(geometry.coefficients, 0);
        self.last.resize(geometry.row_blocks, 0);
        self.last.fill(0);
        let samples = geometry
            .lanes
            .iter()
            .map(|lane| lane.width * lane.side.samples() * lane.side.samples());
        self.samples.resize(samples.max().unwrap_or(0), 0);
    }

    /// Transforms row `row` of the units and gives it to the sink.
    pub(super) fn deliver(
        &mut self,
        cpu: Cpu,
        geometry: &Geometry,
        row: usize,
        sink: &mut dyn RowSink,
    ) {
        for lane in &geometry.lanes {
            let side = lane.side.samples();
            let stride = lane.width * side;
            for y in 0..lane.height {
                let (width, height) = lane.picture;
                let top = (row * lane.height + y) * side;
                let count = height.saturating_sub(top).min(side);
                if count == 0 {
                    break;
                }
                let first = lane.coefficients_at + y * lane.width * side * side;
                let coefficients = self
                    .coefficients
                    .get(first..first + lane.width * side * side);
                let first = lane.blocks_at + y * lane.width;
                let last = self.last.get(first..first + lane.width);
                let (Some(coefficients), Some(last)) = (coefficients, last) else {
                    continue;
                };
                inverse(
                    cpu,
                    lane.side,
                    coefficients,
                    last,
                    &lane.quantiser,
                    &mut self.samples,
                    stride,
                );
                sink.rows(
                    lane.component,
                    Rows {
                        samples: &self.samples,
                        stride,
                        width,
                        count,
                    },
                );
            }
        }
    }
}
