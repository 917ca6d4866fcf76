use std::f64::consts::PI;

use super::{Kind, Line, Size, forward, inverse_add};
use crate::cpu::Cpu;

/// A small generator, so that every run sees the same numbers.
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 40).unwrap() % bound
    }

    /// From `-reach` to `reach`.
    fn around_zero(&mut self, reach: u32) -> i32 {
        self.below(2 * reach + 1).cast_signed() - reach.cast_signed()
    }
}

/// What orthonormal transforms the sizes are scaled to, as factors.
fn scale(size: Size) -> f64 {
    match size.width() * size.height() {
        ..=256 => 8.0,
        257..=1024 => 4.0,
        _ => 2.0,
    }
}

/// The weight of sample `n` in frequency `k`, orthonormal.
fn basis(line: Line, length: usize, k: usize, n: usize) -> f64 {
    let [length_f, k_f, n_f] =
        [length, k, n].map(|number| f64::from(u32::try_from(number).unwrap()));
    match (line, length) {
        (Line::Dct, _) => {
            let root = if k == 0 { 1.0 } else { 2.0_f64 };
            (root / length_f).sqrt() * (PI * (2.0 * n_f + 1.0) * k_f / (2.0 * length_f)).cos()
        }
        (Line::Adst, 4) => 2.0 / 3.0 * (PI * (2.0 * k_f + 1.0) * (n_f + 1.0) / 9.0).sin(),
        (Line::Adst, _) => {
            (2.0 / length_f).sqrt()
                * (PI * (2.0 * n_f + 1.0) * (2.0 * k_f + 1.0) / (4.0 * length_f)).sin()
        }
        (Line::Identity, _) => f64::from(k == n),
    }
}

/// The transform of lines in exact arithmetic, frequencies from samples.
fn exact_lines(line: Line, input: &[f64], length: usize, inverse: bool) -> Vec<f64> {
    let basis: Vec<f64> = (0..length * length)
        .map(|index| {
            let (row, column) = (index / length, index % length);
            let (k, n) = if inverse {
                (column, row)
            } else {
                (row, column)
            };
            basis(line, length, k, n)
        })
        .collect();
    input
        .chunks(length)
        .flat_map(|input| {
            basis
                .chunks(length)
                .map(move |basis| basis.iter().zip(input).map(|(a, b)| a * b).sum())
        })
        .collect()
}

fn transposed(input: &[f64], width: usize) -> Vec<f64> {
    (0..width)
        .flat_map(|column| input.iter().skip(column).step_by(width).copied())
        .collect()
}

/// A block's transform in exact arithmetic, orthonormal; whole, that is 64 wide if the block is.
fn exact(size: Size, kind: Kind, input: &[f64], inverse: bool) -> Vec<f64> {
    let rows = exact_lines(kind.horizontal(), input, size.width(), inverse);
    let columns = transposed(&rows, size.width());
    let columns = exact_lines(kind.vertical(), &columns, size.height(), inverse);
    transposed(&columns, size.height())
}

/// The kinds of transform that there are at a size.
fn kinds(size: Size) -> &'static [Kind] {
    match size.width().max(size.height()) {
        ..=16 => &[
            Kind::DctDct,
            Kind::AdstDct,
            Kind::DctAdst,
            Kind::AdstAdst,
            Kind::Identity,
            Kind::VerticalDct,
            Kind::HorizontalDct,
        ],
        32 => &[Kind::DctDct, Kind::Identity],
        _ => &[Kind::DctDct],
    }
}

fn cases() -> impl Iterator<Item = (Size, Kind)> {
    Size::ALL
        .into_iter()
        .flat_map(|size| kinds(size).iter().map(move |kind| (size, *kind)))
}

/// Residuals of different kinds: extremes, noise, a slope.
fn residuals(size: Size) -> Vec<Vec<i16>> {
    let mut noise = Noise(0x1234_5678_9abc_def1);
    let length = size.width() * size.height();
    let mut residuals = vec![vec![255; length], vec![-255; length]];
    residuals.push(
        (0..length)
            .map(|i| if i % 2 == 0 { 255 } else { -255 })
            .collect(),
    );
    for reach in [255, 20, 2] {
        residuals.push(
            (0..length)
                .map(|_| i16::try_from(noise.around_zero(reach)).unwrap())
                .collect(),
        );
    }
    residuals.push(
        (0..length)
            .map(|i| i16::try_from(i % size.width() * 3 + i / size.width()).unwrap() - 120)
            .collect(),
    );
    residuals
}

fn coefficients_of(cpu: Cpu, size: Size, kind: Kind, residual: &[i16]) -> Vec<i32> {
    let mut out = vec![0; size.coded_width() * size.coded_height()];
    forward(cpu, size, kind, residual, &mut out);
    out
}

#[test]
fn coefficients_are_those_of_exact_arithmetic() {
    for (size, kind) in cases() {
        for residual in residuals(size) {
            let found = coefficients_of(Cpu::Portable, size, kind, &residual);
            let input: Vec<f64> = residual.iter().copied().map(f64::from).collect();
            let whole = exact(size, kind, &input, false);
            let kept = whole
                .chunks(size.width())
                .take(size.coded_height())
                .flat_map(|row| &row[..size.coded_width()]);
            for (found, exact) in found.iter().zip(kept) {
                let distance = (f64::from(*found) - exact * scale(size)).abs();
                // Cosines have twelve bits, and coefficients up to fifteen.
                let tolerance = 8.0 + exact.abs() * scale(size) / 2000.0;
                assert!(
                    distance < tolerance,
                    "{size:?} {kind:?}: {found} for {exact}"
                );
            }
        }
    }
}

#[test]
fn samples_are_those_of_exact_arithmetic() {
    for (size, kind) in cases() {
        for residual in residuals(size) {
            let mut coefficients = coefficients_of(Cpu::Portable, size, kind, &residual);
            // As a quantiser would, so that the result is not just what went in.
            for coefficient in &mut coefficients {
                *coefficient = *coefficient / 24 * 24;
            }
            let mut samples = vec![128; residual.len()];
            let [rows, columns] = [size.coded_height(), size.coded_width()];
            inverse_add(
                Cpu::Portable,
                size,
                kind,
                &coefficients,
                rows,
                columns,
                &mut samples,
            );
            let mut whole = vec![0.0; residual.len()];
            for (whole, row) in whole
                .chunks_mut(size.width())
                .zip(coefficients.chunks(columns))
            {
                for (whole, coefficient) in whole.iter_mut().zip(row) {
                    *whole = f64::from(*coefficient) / scale(size);
                }
            }
            let exact = exact(size, kind, &whole, true);
            for (found, exact) in samples.iter().zip(exact) {
                let exact = (exact + 128.0).clamp(0.0, 255.0);
                let distance = (f64::from(*found) - exact).abs();
                assert!(distance < 1.5, "{size:?} {kind:?}: {found} for {exact}");
            }
        }
    }
}

#[test]
fn every_processor_has_the_same_coefficients() {
    for (size, kind) in cases() {
        for residual in residuals(size) {
            let portable = coefficients_of(Cpu::Portable, size, kind, &residual);
            for cpu in Cpu::available() {
                let found = coefficients_of(cpu, size, kind, &residual);
                assert_eq!(found, portable, "{cpu:?} {size:?} {kind:?}");
            }
        }
    }
}

#[test]
fn every_processor_has_the_same_samples_for_every_coefficient() {
    let mut noise = Noise(0xfeed_beef_0bad_cafe);
    for (size, kind) in cases() {
        let length = size.coded_width() * size.coded_height();
        for reach in [32767, 4000, 300, 30] {
            let coefficients: Vec<i32> = (0..length)
                .map(|_| match noise.below(4) {
                    0 => noise.around_zero(reach),
                    _ => 0,
                })
                .collect();
            let before: Vec<u8> = (0..size.width() * size.height())
                .map(|_| u8::try_from(noise.below(256)).unwrap())
                .collect();
            let added = |cpu| {
                let mut samples = before.clone();
                let [rows, columns] = [size.coded_height(), size.coded_width()];
                inverse_add(cpu, size, kind, &coefficients, rows, columns, &mut samples);
                samples
            };
            let portable = added(Cpu::Portable);
            for cpu in Cpu::available() {
                assert_eq!(added(cpu), portable, "{cpu:?} {size:?} {kind:?}");
            }
        }
    }
}

#[test]
fn saying_where_the_zeros_are_changes_nothing() {
    let mut noise = Noise(0x0dd0_f00d_1357_9bdf);
    for (size, kind) in cases() {
        let [height, width] = [size.coded_height(), size.coded_width()];
        for [rows, columns] in [[1, 1], [1, 2], [3, 1], [5, 9], [13, 4], [17, 17]] {
            let [rows, columns] = [rows.min(height), columns.min(width)];
            for _ in 0..20 {
                let coefficients: Vec<i32> = (0..height * width)
                    .map(|i| {
                        let used = i / width < rows && i % width < columns;
                        if used { noise.around_zero(9000) } else { 0 }
                    })
                    .collect();
                for cpu in Cpu::available() {
                    let mut all = vec![100; size.width() * size.height()];
                    let mut some = all.clone();
                    inverse_add(cpu, size, kind, &coefficients, height, width, &mut all);
                    inverse_add(cpu, size, kind, &coefficients, rows, columns, &mut some);
                    assert_eq!(all, some, "{cpu:?} {size:?} {kind:?} {rows} {columns}");
                }
            }
        }
    }
}
