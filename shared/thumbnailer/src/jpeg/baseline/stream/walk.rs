//! Finds where blocks begin, without what is in them.
//!
//! What is slow in a Huffman code is not work but waiting. A look-up cannot begin before the one before it has said how
//! long its codes are, and a block ends where nobody can predict: a branch there costs as much as four look-ups. So the
//! loops have none. The end of a block only changes which table the next look-up is made in, and two places of the scan
//! take turns, look-up by look-up.
#![expect(
    clippy::inline_always,
    reason = "the loops are compiled once for each set of instructions, with all that they call"
)]

use std::hint::select_unpredictable;

use super::block::{BadCode, REFILLED, buffer_at};
use super::{Plan, Shared};
use crate::cpu::Cpu;
use crate::jpeg::bits::Bits;
use crate::jpeg::huffman::Skips;

/// Blocks that are gone over at once, before anything is made of them: as many as leave their bytes and the tables in
/// the first caches.
const CHUNK: usize = 1920;

/// Places that one group of look-ups may write to, with more room than it needs, so that no index need be checked.
const WINDOW: usize = 64;

/// Blocks of a unit, at most (T.81, B.2.3).
pub(super) const MOST_BLOCKS: usize = 10;

const PLACES: usize = 2 * CHUNK + 2 * WINDOW;

/// Where blocks begin, in bits: of the two places of each block the second is of use.
#[derive(Debug)]
pub(in crate::jpeg::baseline) struct Starts(Box<[u32; PLACES]>);

impl Default for Starts {
    fn default() -> Self {
        Self(Box::new([0; PLACES]))
    }
}

impl Starts {
    /// The first block starts within the first byte.
    fn begin(&mut self, bit: usize) {
        #[expect(clippy::cast_possible_truncation, reason = "less than eight")]
        {
            self.0[1] = bit as u32;
        }
    }

    /// Where a block begins.
    pub(super) fn of(&self, block: usize) -> usize {
        self.0.get(2 * block + 1).map_or(0, |&start| start as usize)
    }

    /// Where the blocks begin, two places for each.
    pub(in crate::jpeg::baseline) fn pairs(&self) -> &[[u32; 2]] {
        self.0.as_chunks().0
    }

    /// The places of the ends of the blocks from `slot / 2` on, which are the beginnings of those that follow.
    #[inline(always)]
    fn window(&mut self, slot: usize) -> &mut [u32; WINDOW] {
        // There is always as much room; and so the compiler sees it.
        let at = (slot + 2).min(PLACES - WINDOW);
        self.0
            .get_mut(at..at + WINDOW)
            .and_then(<[u32]>::first_chunk_mut)
            .unwrap_or_else(|| unreachable!("no window is longer than all"))
    }
}

/// How blocks follow each other.
#[derive(Debug)]
pub(super) struct Route<'a> {
    cpu: Cpu,
    bytes: &'a [u8],
    plans: &'a [Plan<'a>],
    /// By state the table for the next look-up. States are twice the number of a block, and one more within it; they
    /// go on beyond the last block of a unit as far as one group of look-ups may.
    tables: [&'a Skips; WINDOW],
    /// When states start again: whole units, no less than a group goes through.
    period: usize,
}

impl<'a> Route<'a> {
    pub(super) fn new(shared: &Shared<'a>) -> Result<Self, BadCode> {
        let plans = shared.blocks;
        let [first, ..] = plans else {
            return Err(BadCode);
        };
        let mut tables = [first.first; WINDOW];
        for (pair, plan) in (tables.as_chunks_mut().0.iter_mut()).zip(plans.iter().cycle()) {
            *pair = [plan.first, plan.ac.skips.skips()];
        }
        let unit = 2 * plans.len();
        let group = 2 * Skips::LOOK_UPS as usize;
        Ok(Self {
            cpu: shared.cpu,
            bytes: shared.bytes,
            plans,
            tables,
            period: unit * group.div_ceil(unit),
        })
    }
}

/// A place in the scan from which blocks are gone over.
#[derive(Debug)]
pub(super) struct Walker<'a> {
    /// From which byte on.
    base: usize,
    bytes: &'a [u8],
    starts: &'a mut Starts,
    place: Place,
    /// Goes on to this bit at least, unless there are
    stop_at: usize,
    /// so many blocks before.
    stop_blocks: usize,
    /// It has come upon a code that stands for nothing.
    is_lost: bool,
}

/// Where a walker is. Copied into registers by the loops.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// In bits.
    position: usize,
    /// Of the look-ups in the block, without bits.
    sum: u32,
    state: usize,
    /// What the states that have started again come to: with `state` twice the blocks that are over.
    slot: usize,
}

impl<'a> Walker<'a> {
    /// A walker at the start of a unit, at a position in bits. It goes on until units start that are at or past the byte
    /// `stop_at`, or for some number of units.
    pub(super) fn new(
        position: usize,
        stop_at: usize,
        units: usize,
        route: &Route<'a>,
        starts: &'a mut Starts,
    ) -> Self {
        starts.begin(position % 8);
        let base = position / 8;
        let blocks = route.plans.len();
        Self {
            base,
            bytes: route.bytes.get(base..).unwrap_or_default(),
            starts,
            place: Place {
                position: position % 8,
                sum: Skips::START,
                state: 0,
                slot: 0,
            },
            stop_at: stop_at.saturating_sub(base).saturating_mul(8),
            stop_blocks: units.min(CHUNK / blocks) * blocks,
            is_lost: false,
        }
    }

    /// The byte that places are counted from.
    pub(super) fn base(&self) -> usize {
        self.base
    }

    /// Goes on to the end of the unit that it is in. How many units it has gone over then, of those that were to be.
    pub(super) fn finish(&mut self, route: &Route<'_>) -> usize {
        let blocks = route.plans.len();
        let mut units = self.place.blocks() / blocks;
        if self.is_lost || self.place.position > self.starts.of(units * blocks) {
            units += 1;
        }
        units = units.min(self.stop_blocks / blocks);
        while units > 0 && self.starts.of((units - 1) * blocks) >= self.stop_at {
            units -= 1;
        }
        (self.stop_at, self.stop_blocks) = (usize::MAX, units * blocks);
        self.is_lost = false;
        walk(self, None, route);
        units.min(self.place.blocks() / blocks)
    }

    /// Where it came upon a code that stands for nothing, in bits of the scan. What is behind the last block may well.
    pub(super) fn lost_at(&self) -> Option<usize> {
        let is_lost = self.is_lost && self.place.blocks() < self.stop_blocks;
        is_lost.then(|| self.base * 8 + self.place.position)
    }

    /// Whether it has not yet come to where it is to stop.
    #[inline(always)]
    fn is_walking(&self, place: &Place) -> bool {
        place.position < self.stop_at && place.slot + place.state < 2 * self.stop_blocks
    }

    /// Begins as many look-ups as a refill is enough for.
    #[inline(always)]
    fn group(&mut self, place: &Place) -> Group<'_> {
        #[expect(clippy::cast_possible_truncation, reason = "chunks are small")]
        let position = place.position as u32;
        Group {
            buffer: buffer_at(self.bytes, place.position),
            position,
            sum: place.sum,
            state: place.state % (WINDOW / 2),
            wrong: 0,
            window: self.starts.window(place.slot),
        }
    }
}

impl Place {
    /// Blocks that are over.
    fn blocks(&self) -> usize {
        self.slot / 2 + self.state / 2
    }

    /// Goes on to where a group has come.
    #[inline(always)]
    fn follow(&mut self, (sum, state): (u32, usize), route: &Route<'_>) {
        self.position += (sum & Skips::BITS) as usize;
        self.sum = sum & !Skips::BITS;
        let passed = select_unpredictable(state >= route.period, route.period, 0);
        self.state = state - passed;
        self.slot += passed;
    }
}

/// Look-ups without a refill.
struct Group<'a> {
    buffer: u64,
    /// Where it begins, in bits.
    position: u32,
    sum: u32,
    state: usize,
    wrong: u32,
    window: &'a mut [u32; WINDOW],
}

impl Group<'_> {
    #[inline(always)]
    fn look_up(&mut self, route: &Route<'_>) {
        let entry = route.tables[self.state].look_up(self.buffer);
        self.buffer = self.buffer.wrapping_shl(entry);
        let sum = self.sum + entry;
        let bits = sum & Skips::BITS;
        self.wrong |= sum;
        self.state |= 1;
        // Overwritten by the next look-up, unless the block is over.
        self.window[self.state] = self.position.wrapping_add(bits);
        let is_over = sum >= Skips::OVER;
        self.sum = select_unpredictable(is_over, bits, sum);
        self.state += usize::from(is_over);
    }

    /// Where it has come, unless it went wrong or beyond the bits that there were.
    #[inline(always)]
    fn end(&self) -> Option<(u32, usize)> {
        let is_right = self.wrong & Skips::WRONG == 0 && self.sum & Skips::BITS <= REFILLED;
        is_right.then_some((self.sum, self.state))
    }
}

/// Does what a group does up to the symbol that no entry holds, and over it, unless nothing else
/// comes first. Nothing if there is no such symbol.
#[cold]
#[inline(never)]
fn one_by_one(walker: &mut Walker<'_>, mut place: Place, route: &Route<'_>) -> Option<Place> {
    for step in 0..Skips::LOOK_UPS {
        let buffer = buffer_at(walker.bytes, place.position);
        let mut sum = place.sum + route.tables[place.state % WINDOW].look_up(buffer);
        let is_wrong = sum & Skips::WRONG != 0;
        if is_wrong {
            sum = place.sum + symbol(buffer, place.state, route).unwrap_or(Skips::WRONG);
            if sum & Skips::WRONG != 0 {
                // The blocks before it are found all the same.
                return (step > 0).then_some(place);
            }
        }
        let is_over = sum >= Skips::OVER;
        let end = place.position + (sum & Skips::BITS) as usize;
        let state = place.state | 1;
        #[expect(clippy::cast_possible_truncation, reason = "chunks are small")]
        {
            walker.starts.window(place.slot)[state % WINDOW] = end as u32;
        }
        let sum = if is_over { sum & Skips::BITS } else { sum };
        place.follow((sum, state + usize::from(is_over)), route);
        if is_wrong {
            break;
        }
    }
    Some(place)
}

/// What one symbol would be in a table without limits.
fn symbol(buffer: u64, state: usize, route: &Route<'_>) -> Option<u32> {
    let plan = route.plans.get(state / 2 % route.plans.len())?;
    let is_first = state.is_multiple_of(2);
    let symbols = if is_first {
        &plan.dc.symbols
    } else {
        &plan.ac.symbols
    };
    let mut bits = Bits {
        buffer,
        count: REFILLED,
        at: 0,
    };
    let symbol = symbols.decode(&mut bits)?;
    let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    let advance = match run {
        _ if is_first => 0,
        0..15 if size == 0 => Skips::END_OF_BLOCK,
        run => (run + 1) * Skips::COEFFICIENT,
    };
    Some(REFILLED - bits.count + size + advance)
}

/// Goes on, both in turns if there is another, until one of them is to stop or is lost.
#[cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "calls what is compiled for the instructions that were found"
    )
)]
pub(super) fn walk(one: &mut Walker<'_>, other: Option<&mut Walker<'_>>, route: &Route<'_>) {
    match route.cpu {
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx2 | Cpu::Avx512 => {
            // SAFETY: these values of `Cpu` are given out only where all of its instructions were detected.
            unsafe { with_bmi(one, other, route) }
        }
        _ => portable(one, other, route),
    }
}

/// Shifts by variable amounts and loads of swapped bytes are one instruction each with these.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,movbe")]
fn with_bmi(one: &mut Walker<'_>, other: Option<&mut Walker<'_>>, route: &Route<'_>) {
    portable(one, other, route);
}

#[inline(always)]
fn portable(one: &mut Walker<'_>, other: Option<&mut Walker<'_>>, route: &Route<'_>) {
    match other {
        Some(other) => both(one, other, route),
        None => alone(one, route),
    }
}

#[inline(always)]
fn alone(walker: &mut Walker<'_>, route: &Route<'_>) {
    let mut place = walker.place;
    while walker.is_walking(&place) {
        let mut group = walker.group(&place);
        for _ in 0..Skips::LOOK_UPS {
            group.look_up(route);
        }
        if let Some(end) = group.end() {
            place.follow(end, route);
        } else if let Some(next) = one_by_one(walker, place, route) {
            place = next;
        } else {
            walker.is_lost = true;
            break;
        }
    }
    walker.place = place;
}

#[inline(always)]
fn both(one: &mut Walker<'_>, other: &mut Walker<'_>, route: &Route<'_>) {
    let (mut place, mut other_place) = (one.place, other.place);
    while one.is_walking(&place) && other.is_walking(&other_place) {
        let (mut group, mut other_group) = (one.group(&place), other.group(&other_place));
        for _ in 0..Skips::LOOK_UPS {
            group.look_up(route);
            other_group.look_up(route);
        }
        let (end, other_end) = (group.end(), other_group.end());
        if let Some(end) = end {
            place.follow(end, route);
        } else if let Some(next) = one_by_one(one, place, route) {
            place = next;
        } else {
            one.is_lost = true;
            break;
        }
        if let Some(end) = other_end {
            other_place.follow(end, route);
        } else if let Some(next) = one_by_one(other, other_place, route) {
            other_place = next;
        } else {
            other.is_lost = true;
            break;
        }
    }
    (one.place, other.place) = (place, other_place);
}
