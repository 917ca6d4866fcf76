#![expect(
    clippy::inline_always,
    reason = "these are compiled once for each kind of processor"
)]

use super::forward::Group;
use super::quantise::ZIGZAG;
use super::sampling::{Component, Sampling};
#[cfg(target_arch = "x86_64")]
use super::x86;
use crate::cpu::Cpu;

/// What a token can name: four tables of 256 symbols.
pub(super) const SYMBOLS: usize = 1024;

/// A symbol of one of the four Huffman tables with the extra bits that follow it.
///
/// Bits 0 to 7 are the symbol (for AC the run of zeros times 16, plus the size), bits 8 and 9 the table: 0 and 1 DC of
/// luma and chroma, 2 and 3 AC. The extra bits start at bit 16; the symbol's low four bits are their number.
pub(super) type Token = u32;

/// Set in the tokens of AC tables.
pub(super) const AC: Token = 0x200;
/// Fifteen zeros and one more.
const SIXTEEN_ZEROS: Token = 0xf0;
/// Only zeros follow.
pub(super) const END_OF_BLOCK: Token = 0;

/// The size and the extra bits of every value of 12 bits, as a token of table 0: ITU-T T.81, F.1.2.1.
static VALUES: [Token; 4096] = values();

const fn values() -> [Token; 4096] {
    let mut tokens = [0; 4096];
    let mut magnitude: u32 = 1;
    while magnitude < 2048 {
        let size = 32 - magnitude.leading_zeros();
        tokens[magnitude as usize] = size | magnitude << 16;
        // A negative value is written as the ones' complement of its magnitude.
        let complement = magnitude ^ ((1 << size) - 1);
        tokens[4096 - magnitude as usize] = size | complement << 16;
        magnitude += 1;
    }
    tokens
}

/// The size and extra bits of `value`. A baseline value has 11 bits and a sign at most.
#[inline(always)]
fn value(value: i16) -> Token {
    VALUES[usize::from(value.cast_unsigned()) % 4096]
}

/// How often each symbol of each table occurs.
type Counts = [u32; SYMBOLS];

/// The symbols of a picture in the order of the scan.
#[derive(Debug)]
pub(super) struct Tokens {
    list: Vec<Token>,
    /// How much of `list` is in use; the rest is space from earlier.
    used: usize,
    /// How many of those are counted.
    counted: usize,
    /// Neighbouring tokens are counted in different arrays, so that no count waits for the one before it.
    counts: Box<[Counts; 4]>,
    /// The last DC of each component.
    predictors: [i16; 3],
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            used: 0,
            counted: 0,
            counts: Box::new([[0; SYMBOLS]; 4]),
            predictors: [0; 3],
        }
    }
}

impl Tokens {
    /// Begins a picture.
    pub(super) fn start(&mut self) {
        self.clear();
        self.counts.as_flattened_mut().fill(0);
        self.predictors = [0; 3];
    }

    /// Forgets the symbols, not the state of the scan.
    pub(super) fn clear(&mut self) {
        self.used = 0;
        self.counted = 0;
    }

    /// The symbols since the last [`Tokens::clear`].
    pub(super) fn all(&self) -> &[Token] {
        self.list.get(..self.used).unwrap_or_default()
    }

    /// Counts what has not been counted yet.
    pub(super) fn count_new(&mut self) {
        let new = self.list.get(self.counted..self.used).unwrap_or_default();
        let [first, second, third, fourth] = &mut *self.counts;
        let (fours, rest) = new.as_chunks();
        let place = |token: Token| token as usize % SYMBOLS;
        for &[a, b, c, d] in fours {
            first[place(a)] += 1;
            second[place(b)] += 1;
            third[place(c)] += 1;
            fourth[place(d)] += 1;
        }
        for &token in rest {
            first[place(token)] += 1;
        }
        self.counted = self.used;
    }

    /// How often each symbol of each table occurs among those counted.
    pub(super) fn counts(&self) -> [[u32; 256]; 4] {
        let mut sums = [[0; 256]; 4];
        for counts in self.counts.iter() {
            for (sum, count) in sums.as_flattened_mut().iter_mut().zip(counts) {
                *sum = u32::saturating_add(*sum, *count);
            }
        }
        sums
    }

    /// Adds the symbols of one row of MCUs.
    pub(super) fn mcu_row(
        &mut self,
        cpu: Cpu,
        sampling: &Sampling<'_>,
        row: usize,
        groups: &[Group],
    ) {
        match cpu {
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx512 => self.mcu_row_avx512(sampling, row, groups),
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx2 => self.mcu_row_avx2(sampling, row, groups),
            _ => self.mcu_row_by(sampling, row, groups, one_by_one),
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "calls a function for a detected processor")]
    fn mcu_row_avx2(&mut self, sampling: &Sampling<'_>, row: usize, groups: &[Group]) {
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,movbe")]
        fn inner(tokens: &mut Tokens, sampling: &Sampling<'_>, row: usize, groups: &[Group]) {
            tokens.mcu_row_by(sampling, row, groups, one_by_one);
        }
        // SAFETY: only called for `Cpu::Avx2`, whose definition includes all of these.
        unsafe { inner(self, sampling, row, groups) }
    }

    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "calls a function for a detected processor")]
    fn mcu_row_avx512(&mut self, sampling: &Sampling<'_>, row: usize, groups: &[Group]) {
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,movbe")]
        #[target_feature(
            enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2"
        )]
        fn inner(tokens: &mut Tokens, sampling: &Sampling<'_>, row: usize, groups: &[Group]) {
            tokens.mcu_row_by(
                sampling,
                row,
                groups,
                |coefficients, nonzero, difference, table, space| {
                    x86::block(coefficients, nonzero, difference, table, space).unwrap_or_else(
                        || one_by_one(coefficients, nonzero, difference, table, space),
                    )
                },
            );
        }
        // SAFETY: only called for `Cpu::Avx512`, whose definition includes all of these.
        unsafe { inner(self, sampling, row, groups) }
    }

    /// Adds the symbols of one row of MCUs, those of a block as `block` finds them: from its coefficients, which of
    /// them are not zero, the difference of its DC, and its DC table, to where they go; how many.
    #[inline(always)]
    fn mcu_row_by(
        &mut self,
        sampling: &Sampling<'_>,
        row: usize,
        groups: &[Group],
        block: impl Fn(&[i16; 64], u64, i16, Token, &mut [Token; 64]) -> usize,
    ) {
        let blocks: usize = sampling
            .components
            .iter()
            .map(|component| component.across * component.down)
            .sum();
        let most = self.used + sampling.mcu_columns * blocks * 64;
        if self.list.len() < most {
            self.list.resize(most, 0);
        }
        let mut used = self.used;
        let mut predictors = self.predictors;
        for column in 0..sampling.mcu_columns {
            for (component, predictor) in sampling.components.iter().zip(&mut predictors) {
                for down in 0..component.down {
                    for across in 0..component.across {
                        let Some(space) = self
                            .list
                            .get_mut(used..)
                            .and_then(|space| space.first_chunk_mut())
                        else {
                            return;
                        };
                        let table = u32::from(component.table) << 8;
                        let x = column * component.across + across;
                        let real =
                            row * component.down + down < component.rows && x < component.columns;
                        used += match group(component, groups, down, x).filter(|_| real) {
                            Some(group) => {
                                let coefficients = &group.coefficients[x % 4];
                                let difference = coefficients[0].wrapping_sub(*predictor);
                                *predictor = coefficients[0];
                                block(coefficients, group.nonzero[x % 4], difference, table, space)
                            }
                            None => filler(table, space),
                        };
                    }
                }
            }
        }
        self.used = used;
        self.predictors = predictors;
    }
}

/// The group with the block `x` of row `down` of a component's rows in this row of MCUs.
#[inline(always)]
fn group<'a>(
    component: &Component<'_>,
    groups: &'a [Group],
    down: usize,
    x: usize,
) -> Option<&'a Group> {
    groups.get(component.first_group + down * component.groups_across + x / 4)
}

/// The symbols of one block; how many.
#[inline(always)]
fn one_by_one(
    coefficients: &[i16; 64],
    nonzero: u64,
    difference: i16,
    table: Token,
    space: &mut [Token; 64],
) -> usize {
    space[0] = value(difference) | table;
    let table = table | AC;
    let mut nonzero = nonzero & !1;
    let mut used = 1;
    let mut last = 0;
    while nonzero != 0 {
        let place = nonzero.trailing_zeros();
        nonzero &= nonzero - 1;
        let mut run = place - last - 1;
        last = place;
        while run > 15 {
            space[used % 64] = SIXTEEN_ZEROS | table;
            used += 1;
            run -= 16;
        }
        let coefficient = coefficients[usize::from(ZIGZAG[place as usize % 64]) % 64];
        space[used % 64] = (value(coefficient) | table) + (run << 4);
        used += 1;
    }
    if last != 63 {
        space[used % 64] = END_OF_BLOCK | table;
        used += 1;
    }
    used
}

/// The symbols of a block that only fills the last MCU: the DC of the block before it, nothing else.
fn filler(table: Token, space: &mut [Token; 64]) -> usize {
    space[0] = table;
    space[1] = END_OF_BLOCK | table | AC;
    2
}
