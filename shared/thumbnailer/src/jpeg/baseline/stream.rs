//! Readers of coefficients: one alone, or two at once on one core.
//!
//! What decoding waits for is not work but latency: a look-up cannot begin before the one before it has said how long
//! its codes are. Two readers at different places of the same scan, taking turns look-up by look-up, keep the same core
//! busy.
#![expect(
    clippy::inline_always,
    reason = "the loops are compiled once for each set of instructions, with all that they call"
)]

use super::block::{self, BadCode};
use super::tables::{AcTables, DcTables};
use super::units::Units;
use crate::cpu::Cpu;
use crate::jpeg::BlockSide;
use crate::jpeg::bits::Bits;
use crate::jpeg::huffman::SkipTable;

/// What all readers of a scan share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shared<'a> {
    pub(super) cpu: Cpu,
    /// The blocks of a unit.
    pub(super) blocks: &'a [Plan<'a>],
    /// Entropy-coded bytes without stuffing.
    pub(super) bytes: &'a [u8],
    /// Whether only DC coefficients are kept.
    pub(super) means_only: bool,
}

/// How to read one block of a unit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan<'a> {
    /// Index of its component in the scan.
    pub(super) lane: usize,
    pub(super) side: BlockSide,
    pub(super) dc: &'a DcTables,
    pub(super) ac: &'a AcTables,
}

/// A reader and what it has read.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    cursor: Cursor,
    pub(super) target: Target<'a>,
}

/// Where a reader is. Copied into registers by the loops.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    bits: Bits,
    /// Index of the block in the unit.
    block: usize,
    /// The next AC coefficient of the block, 1 to 63, if one has been begun.
    next: u32,
    is_open: bool,
}

/// Where coefficients go, and when to stop.
#[derive(Debug)]
pub(super) struct Target<'a> {
    /// The DC coefficient of each lane's last block.
    pub(super) predictions: [i32; 4],
    pub(super) units: &'a mut Units,
    /// Stops before a unit at or past this byte,
    pub(super) stop_at: usize,
    /// and before there are more units than this.
    pub(super) stop_units: usize,
    /// Gets the position of each unit, as long as there is room.
    pub(super) starts: &'a mut Vec<usize>,
    /// It came upon a code that stands for nothing.
    pub(super) is_lost: bool,
}

impl<'a> Stream<'a> {
    /// A reader before a unit.
    pub(super) fn new(
        bits: Bits,
        predictions: [i32; 4],
        units: &'a mut Units,
        starts: &'a mut Vec<usize>,
    ) -> Self {
        Self {
            cursor: Cursor {
                bits,
                block: 0,
                next: 1,
                is_open: false,
            },
            target: Target {
                predictions,
                units,
                stop_at: usize::MAX,
                stop_units: usize::MAX,
                starts,
                is_lost: false,
            },
        }
    }

    /// Goes to the first unit of a restart interval.
    pub(super) fn go_to(&mut self, bits: Bits) {
        self.cursor = Cursor {
            bits,
            block: 0,
            next: 1,
            is_open: false,
        };
        self.target.predictions = [0; 4];
    }

    /// Where it reads.
    pub(super) fn bits(&self) -> Bits {
        self.cursor.bits
    }

    /// Reads on to where it is to stop.
    pub(super) fn run(&mut self, shared: &Shared<'_>) -> Result<(), BadCode> {
        if shared.means_only {
            dispatch::<true>(shared, self, None)
        } else {
            dispatch::<false>(shared, self, None)
        }
    }

    /// Both read on until one of them is where it is to stop; then this one alone. The other is left within a unit,
    /// and may be lost, which is no error: it may have begun anywhere.
    pub(super) fn run_with(
        &mut self,
        other: &mut Stream<'_>,
        shared: &Shared<'_>,
    ) -> Result<(), BadCode> {
        self.run_beside(other, shared)?;
        self.run(shared)
    }

    /// Both read on until one of them is where it is to stop, or is lost. The other is left within a unit.
    pub(super) fn run_beside(
        &mut self,
        other: &mut Stream<'_>,
        shared: &Shared<'_>,
    ) -> Result<(), BadCode> {
        if shared.means_only {
            dispatch::<true>(shared, self, Some(other))
        } else {
            dispatch::<false>(shared, self, Some(other))
        }
    }

    #[inline(always)]
    fn single<const MEANS: bool>(&mut self, shared: &Shared<'_>) -> Result<(), BadCode> {
        let mut cursor = self.cursor;
        let result = cursor.run::<MEANS>(&mut self.target, shared);
        self.cursor = cursor;
        result
    }

    #[inline(always)]
    fn double<const MEANS: bool>(
        &mut self,
        other: &mut Stream<'_>,
        shared: &Shared<'_>,
    ) -> Result<(), BadCode> {
        let (mut cursor, mut other_cursor) = (self.cursor, other.cursor);
        let result = run_both::<MEANS>(
            &mut cursor,
            &mut self.target,
            &mut other_cursor,
            &mut other.target,
            shared,
        );
        (self.cursor, other.cursor) = (cursor, other_cursor);
        match result {
            Err(Lost::Other) => {
                other.target.is_lost = true;
                Ok(())
            }
            Err(Lost::One) => Err(BadCode),
            Ok(()) => Ok(()),
        }
    }
}

/// Which of two readers came upon a code that stands for nothing.
enum Lost {
    One,
    Other,
}

impl Cursor {
    /// Begins a block with AC coefficients to pass over, unless it is to stop. Whether there is one.
    #[inline(always)]
    fn enter<const MEANS: bool>(
        &mut self,
        target: &mut Target<'_>,
        shared: &Shared<'_>,
    ) -> Result<bool, BadCode> {
        while !self.is_open {
            if self.block == 0 {
                if self.bits.at >= target.stop_at || target.units.count() >= target.stop_units {
                    return Ok(false);
                }
                if target.starts.len() < target.starts.capacity() {
                    target.starts.push(self.bits.position());
                }
            }
            self.next = self.begin::<MEANS>(target, shared)?;
            if MEANS || self.next < 64 {
                self.is_open = true;
            } else {
                self.end(target, shared);
            }
        }
        Ok(true)
    }

    #[inline(always)]
    fn end(&mut self, target: &mut Target<'_>, shared: &Shared<'_>) {
        self.is_open = false;
        self.block += 1;
        if self.block >= shared.blocks.len() {
            self.block = 0;
            target.units.complete();
        }
    }

    /// Reads the coefficients that are kept, and gives the index of the next one.
    #[inline(always)]
    fn begin<const MEANS: bool>(
        &mut self,
        target: &mut Target<'_>,
        shared: &Shared<'_>,
    ) -> Result<u32, BadCode> {
        let plan = shared.blocks.get(self.block).ok_or(BadCode)?;
        let (bytes, bits) = (shared.bytes, &mut self.bits);
        let difference = block::difference(plan.dc, bytes, bits)?;
        let prediction = &mut target.predictions[plan.lane & 3];
        *prediction = prediction.wrapping_add(difference);
        #[expect(clippy::cast_possible_truncation, reason = "wraps as libjpeg's does")]
        let dc = *prediction as i16;
        if MEANS {
            target.units.push_mean(dc);
            return Ok(1);
        }
        match plan.side {
            BlockSide::One => {
                target.units.push(&[dc], 0);
                Ok(1)
            }
            BlockSide::Two => {
                let mut values = [0; 8];
                let (last, next) = block::coefficients::<2, 8>(plan.ac, bytes, bits, &mut values)?;
                values[0] = dc;
                target
                    .units
                    .push::<4>(values.first_chunk().ok_or(BadCode)?, last);
                Ok(next)
            }
            BlockSide::Four => {
                let mut values = [0; 32];
                let (last, next) = block::coefficients::<4, 32>(plan.ac, bytes, bits, &mut values)?;
                values[0] = dc;
                target
                    .units
                    .push::<16>(values.first_chunk().ok_or(BadCode)?, last);
                Ok(next)
            }
            BlockSide::Eight => {
                let mut values = [0; 64];
                let (last, next) = block::coefficients::<8, 64>(plan.ac, bytes, bits, &mut values)?;
                values[0] = dc;
                target.units.push(&values, last);
                Ok(next)
            }
        }
    }

    /// What is left of the block is passed over with these.
    #[inline(always)]
    fn tables<'t>(&self, shared: &Shared<'t>) -> Result<&'t AcTables, BadCode> {
        Ok(shared.blocks.get(self.block).ok_or(BadCode)?.ac)
    }

    /// After a look-up that passes the end of the block, or of what the table knows: the block is at its end now, or
    /// one symbol further. Whether there is another block to go on with.
    #[inline(always)]
    fn leave<const MEANS: bool>(
        &mut self,
        target: &mut Target<'_>,
        shared: &Shared<'_>,
        sum: u32,
        total: u32,
    ) -> Result<bool, BadCode> {
        let reached = total >> SkipTable::ADVANCE_SHIFT;
        if reached == 64 || reached.wrapping_sub(SkipTable::END_OF_BLOCK) < 64 {
            self.bits.buffer = self.bits.buffer.wrapping_shl(total.wrapping_sub(sum));
            self.bits.count = self.bits.count.wrapping_sub(total & 63);
        } else {
            self.settle(sum);
            let tables = self.tables(shared)?;
            (self.bits, self.next) = block::one_symbol(tables, shared.bytes, self.bits, self.next)?;
            if self.next < 64 {
                return Ok(true);
            }
        }
        self.end(target, shared);
        self.enter::<MEANS>(target, shared)
    }

    /// Takes account of look-ups that stayed within the block.
    #[inline(always)]
    fn settle(&mut self, sum: u32) {
        self.bits.count = self.bits.count.wrapping_sub(sum & 63);
        self.next = sum >> SkipTable::ADVANCE_SHIFT;
    }

    #[inline(always)]
    fn run<const MEANS: bool>(
        &mut self,
        target: &mut Target<'_>,
        shared: &Shared<'_>,
    ) -> Result<(), BadCode> {
        let mut is_running = self.enter::<MEANS>(target, shared)?;
        while is_running {
            let skip = &self.tables(shared)?.skip;
            self.bits.refill(shared.bytes);
            let mut sum = self.next << SkipTable::ADVANCE_SHIFT;
            let mut entry = 0;
            for _ in 0..SkipTable::LOOK_UPS {
                entry = skip.look_up(self.bits.buffer);
                if sum + entry >= FULL {
                    break;
                }
                self.bits.buffer = self.bits.buffer.wrapping_shl(entry);
                sum += entry;
                entry = 0;
            }
            if entry == 0 {
                self.settle(sum);
            } else {
                is_running = self.leave::<MEANS>(target, shared, sum, sum + entry)?;
            }
        }
        Ok(())
    }
}

/// [`Cursor::run`] for two at once, until one is to stop.
#[inline(always)]
fn run_both<const MEANS: bool>(
    one: &mut Cursor,
    one_target: &mut Target<'_>,
    other: &mut Cursor,
    other_target: &mut Target<'_>,
    shared: &Shared<'_>,
) -> Result<(), Lost> {
    let mut is_running = one
        .enter::<MEANS>(one_target, shared)
        .map_err(|BadCode| Lost::One)?
        && other
            .enter::<MEANS>(other_target, shared)
            .map_err(|BadCode| Lost::Other)?;
    while is_running {
        let skip = &one.tables(shared).map_err(|BadCode| Lost::One)?.skip;
        let other_skip = &other.tables(shared).map_err(|BadCode| Lost::Other)?.skip;
        one.bits.refill(shared.bytes);
        other.bits.refill(shared.bytes);
        let mut sum = one.next << SkipTable::ADVANCE_SHIFT;
        let mut other_sum = other.next << SkipTable::ADVANCE_SHIFT;
        let (mut entry, mut other_entry) = (0, 0);
        for _ in 0..SkipTable::LOOK_UPS {
            entry = skip.look_up(one.bits.buffer);
            other_entry = other_skip.look_up(other.bits.buffer);
            if sum + entry >= FULL {
                other_entry = 0;
                break;
            }
            one.bits.buffer = one.bits.buffer.wrapping_shl(entry);
            sum += entry;
            entry = 0;
            if other_sum + other_entry >= FULL {
                break;
            }
            other.bits.buffer = other.bits.buffer.wrapping_shl(other_entry);
            other_sum += other_entry;
            other_entry = 0;
        }
        if entry != 0 {
            other.settle(other_sum);
            is_running = one
                .leave::<MEANS>(one_target, shared, sum, sum + entry)
                .map_err(|BadCode| Lost::One)?;
        } else if other_entry != 0 {
            one.settle(sum);
            is_running = other
                .leave::<MEANS>(other_target, shared, other_sum, other_sum + other_entry)
                .map_err(|BadCode| Lost::Other)?;
        } else {
            one.settle(sum);
            other.settle(other_sum);
        }
    }
    Ok(())
}

/// A sum of advances that passes the block.
const FULL: u32 = 64 << SkipTable::ADVANCE_SHIFT;

#[expect(
    unsafe_code,
    reason = "calls what is compiled for the instructions that were found"
)]
fn dispatch<const MEANS: bool>(
    shared: &Shared<'_>,
    stream: &mut Stream<'_>,
    other: Option<&mut Stream<'_>>,
) -> Result<(), BadCode> {
    match shared.cpu {
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx2 | Cpu::Avx512 => {
            // SAFETY: these values of `Cpu` are given out only where all of its instructions were detected.
            unsafe { with_bmi::<MEANS>(shared, stream, other) }
        }
        _ => portable::<MEANS>(shared, stream, other),
    }
}

/// Shifts by variable amounts and loads of swapped bytes are one instruction each with these.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,movbe")]
fn with_bmi<const MEANS: bool>(
    shared: &Shared<'_>,
    stream: &mut Stream<'_>,
    other: Option<&mut Stream<'_>>,
) -> Result<(), BadCode> {
    portable::<MEANS>(shared, stream, other)
}

#[inline(always)]
fn portable<const MEANS: bool>(
    shared: &Shared<'_>,
    stream: &mut Stream<'_>,
    other: Option<&mut Stream<'_>>,
) -> Result<(), BadCode> {
    match other {
        Some(other) => stream.double::<MEANS>(other, shared),
        None => stream.single::<MEANS>(shared),
    }
}
