//! Which way the lines of a picture run, so that not every angle has to be tried.

use super::super::edge::{SUPERBLOCK, UNITS};
use super::super::predict::Mode;
use super::super::processors::for_processors;
use super::Samples;
use crate::cpu::Cpu;

/// How a superblock's luma changes, for each unit of 4 by 4 samples: sums of products of its differences across and down.
#[derive(Debug, Clone)]
pub(super) struct Gradients {
    units: [[[i32; 3]; UNITS]; UNITS],
}

/// The cosines of twice each directional mode's angles, by 256, the first at 9 degrees less than the mode's own.
const COSINES: [[i32; 7]; 8] = [
    [-243, -250, -255, -256, -255, -250, -243],
    [243, 250, 255, 256, 255, 250, 243],
    [79, 53, 27, 0, -27, -53, -79],
    [-79, -53, -27, 0, 27, 53, 79],
    [-226, -212, -196, -178, -158, -136, -112],
    [112, 136, 158, 178, 196, 212, 226],
    [226, 212, 196, 178, 158, 136, 112],
    [-112, -136, -158, -178, -196, -212, -226],
];

/// The sines of twice the same.
const SINES: [[i32; 7]; 8] = [
    [79, 53, 27, 0, -27, -53, -79],
    [-79, -53, -27, 0, 27, 53, 79],
    [243, 250, 255, 256, 255, 250, 243],
    [-243, -250, -255, -256, -255, -250, -243],
    [-120, -143, -165, -184, -202, -217, -230],
    [-230, -217, -202, -184, -165, -143, -120],
    [120, 143, 165, 184, 202, 217, 230],
    [230, 217, 202, 184, 165, 143, 120],
];

impl Gradients {
    pub(super) const NONE: Self = Self {
        units: [[[0; 3]; UNITS]; UNITS],
    };

    /// The angle along which a block changes least, of those that a mode has, or of the modes' own ones; none if it
    /// changes nearly alike along all.
    pub(super) fn angle(
        &self,
        [column, row]: [usize; 2],
        [columns, rows]: [usize; 2],
        deltas: bool,
    ) -> Option<(Mode, i8)> {
        let mut sums = [0i64; 3];
        for line in &self.units[row..row + rows] {
            for unit in &line[column..column + columns] {
                for (sum, unit) in sums.iter_mut().zip(unit) {
                    *sum += i64::from(*unit);
                }
            }
        }
        let [across, down, both] = sums;
        let (cosine, sine) = (across - down, 2 * both);
        let strength = cosine * cosine + sine * sine;
        let least = (across + down) * 3 / 10;
        if strength <= least * least {
            return None;
        }
        let shift = 64 - (cosine.abs() | sine.abs()).leading_zeros();
        let shift = shift.saturating_sub(20);
        let (cosine, sine) = ((cosine >> shift) as i32, (sine >> shift) as i32);
        let mut best = (i32::MAX, 0, 0);
        for (mode, (cosines, sines)) in COSINES.iter().zip(&SINES).enumerate() {
            let range = if deltas { 0..7 } else { 3..4 };
            for delta in range {
                let change = cosine * cosines[delta] - sine * sines[delta];
                if change < best.0 {
                    best = (change, mode, delta);
                }
            }
        }
        Some((Mode::ALL[best.1 + 1], best.2 as i8 - 3))
    }
}

for_processors! {
    /// Measures a superblock.
    pub(super) fn gradients(samples: &Samples, into: &mut Gradients) = measure;
}

#[inline(always)]
fn measure(samples: &Samples, into: &mut Gradients) {
    let rows = samples.as_chunks::<SUPERBLOCK>().0;
    for (unit_row, units) in into.units.iter_mut().enumerate() {
        let mut sums = [[0i32; SUPERBLOCK]; 3];
        for y in unit_row * 4..unit_row * 4 + 4 {
            let (above, own, below) = (
                &rows[y.max(1) - 1],
                &rows[y],
                &rows[(y + 1).min(SUPERBLOCK - 1)],
            );
            for x in 1..SUPERBLOCK - 1 {
                let across = i32::from(own[x + 1]) - i32::from(own[x - 1]);
                let down = i32::from(below[x]) - i32::from(above[x]);
                sums[0][x] += across * across;
                sums[1][x] += down * down;
                sums[2][x] += across * down;
            }
        }
        for (unit_column, unit) in units.iter_mut().enumerate() {
            for (total, sums) in unit.iter_mut().zip(&sums) {
                *total = sums[unit_column * 4..unit_column * 4 + 4].iter().sum();
            }
        }
    }
}
