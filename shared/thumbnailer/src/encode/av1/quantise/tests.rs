use proptest::prelude::*;

use super::super::transform::Size;
use super::steps::dc_step;
use super::{Measure, Steps, ac_step, measure, quantise, residual, satd};
use crate::cpu::Cpu;

fn size() -> impl Strategy<Value = Size> {
    proptest::sample::select(Size::ALL.to_vec())
}

/// Bits that levels are finer than coefficients, by the table of 7.12.3.
fn shift(size: Size) -> u32 {
    match size {
        Size::S32x32 | Size::S16x32 | Size::S32x16 => 1,
        Size::S64x64 | Size::S32x64 | Size::S64x32 => 2,
        _ => 0,
    }
}

/// Blocks of the same length.
fn blocks() -> impl Strategy<Value = (usize, usize, Vec<u8>, Vec<u8>)> {
    (size(), any::<[u8; 2]>()).prop_flat_map(|(size, [a, b])| {
        let length = size.width() * size.height();
        let block = move |extreme: u8| {
            prop_oneof![
                proptest::collection::vec(any::<u8>(), length),
                proptest::collection::vec(prop_oneof![Just(0_u8), Just(255)], length),
                Just(vec![extreme; length]),
            ]
        };
        (Just(size.width()), Just(size.height()), block(a), block(b))
    })
}

/// What a decoder makes of a level (7.12.3).
fn dequantised(size: Size, step: i32, level: i32) -> i32 {
    let magnitude = (level * step).abs() & 0x00ff_ffff;
    let value = magnitude / (1 << shift(size)) * level.signum();
    value.clamp(-32768, 32767)
}

/// The sum of magnitudes of the Hadamard transforms of squares with sides of `n`, by the matrix.
fn hadamard(a: &[u8], b: &[u8], width: usize, n: usize) -> i32 {
    let height = a.len() / width;
    let sign =
        |row: usize, column: usize| 1 - 2 * i32::try_from((row & column).count_ones() % 2).unwrap();
    let mut sum = 0;
    for top in (0..height).step_by(n) {
        for left in (0..width).step_by(n) {
            for frequency in 0..n * n {
                let (down, across) = (frequency / n, frequency % n);
                let coefficient: i32 = (0..n * n)
                    .map(|place| {
                        let (row, column) = (place / n, place % n);
                        let index = (top + row) * width + left + column;
                        let difference = i32::from(a[index]) - i32::from(b[index]);
                        sign(down, row) * sign(across, column) * difference
                    })
                    .sum();
                sum += coefficient.abs();
            }
        }
    }
    sum
}

#[test]
fn the_tables_are_whole() {
    assert_eq!([dc_step(0), dc_step(100), dc_step(255)], [4, 93, 1336]);
    assert_eq!([ac_step(0), ac_step(100), ac_step(255)], [4, 112, 1828]);
    for index in 1..=255 {
        assert!(dc_step(index) >= dc_step(index - 1));
        assert!(ac_step(index) > ac_step(index - 1));
    }
}

proptest! {
    // What fails is printed whole, so nothing need be kept in a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn levels_are_rounded_quotients_and_values_what_a_decoder_makes_of_them(
        size in size(),
        indices: [u8; 2],
        weights in prop_oneof![Just([32_u32, 1]), Just([31, 200])],
        rounding in [0_u16..=128, 0_u16..=128],
        reach in prop_oneof![Just(40), Just(3000), Just(32767)],
        seed: u64,
    ) {
        let weight = |position: usize| {
            let position = u32::try_from(position).unwrap();
            u8::try_from(weights[0] + position * 7 % weights[1]).unwrap()
        };
        let weight_of = |size: Size| (0..size.coded_width() * size.coded_height()).map(weight).collect();
        let steps = Steps::new(indices[0], indices[1], weight_of);
        let length = size.coded_width() * size.coded_height();
        let mut state = seed | 1;
        let coefficients: Vec<i32> = (0..length)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                i32::try_from(state >> 33).unwrap() % (2 * reach + 1) - reach
            })
            .collect();
        // Some order that is not the natural one but begins with the first.
        let order: Vec<u16> = (0..length)
            .map(|index| if index == 0 { 0 } else { u16::try_from(length - index).unwrap() })
            .collect();
        let mut end = 0;
        let expected: Vec<[i32; 2]> = coefficients
            .iter()
            .enumerate()
            .map(|(index, coefficient)| {
                let (step, rounding) = match index {
                    0 => (dc_step(indices[0]), rounding[0]),
                    _ => (ac_step(indices[1]), rounding[1]),
                };
                let step = (step * i32::from(weight(index)) + 16) / 32;
                let magnitude = coefficient.abs() << shift(size);
                let level = (magnitude + step * i32::from(rounding) / 256) / step;
                let level = level * coefficient.signum();
                if level != 0 {
                    end = end.max(usize::from(order[index]) + 1);
                }
                [level, dequantised(size, step, level)]
            })
            .collect();
        for cpu in Cpu::available() {
            let mut levels = vec![1; length];
            let mut values = vec![1; length];
            let found_end = quantise(
                cpu, size, &steps, rounding, &coefficients, &order, &mut levels, &mut values,
            );
            let found: Vec<[i32; 2]> = levels.into_iter().zip(values).map(|(a, b)| [a, b]).collect();
            prop_assert_eq!(&found, &expected, "{:?}", cpu);
            prop_assert_eq!(found_end, end);
            let mut values = vec![1; length];
            let measured =
                measure(cpu, size, &steps, rounding, &coefficients, &order, &mut values);
            let magnitudes = || expected.iter().map(|[level, _]| level.unsigned_abs());
            let count = |least| u32::try_from(magnitudes().filter(|m| *m >= least).count()).unwrap();
            let error = coefficients.iter().zip(&expected).enumerate().map(|(index, (c, [_, v]))| {
                let change = i64::from(c - v);
                let weight = i64::from(weight(index));
                change * change * ((1 << 20) / (weight * weight)) / 1024
            });
            let error: i64 = error.sum();
            let expected_values: Vec<i32> = expected.iter().map(|[_, value]| *value).collect();
            prop_assert_eq!(measured, Measure {
                end,
                error: u64::try_from(error).unwrap(),
                ones: count(1),
                twos: count(2),
                sum: magnitudes().map(|magnitude| magnitude.min(15)).sum(),
            });
            prop_assert_eq!(&values, &expected_values);
        }
    }

    #[test]
    fn distances_are_their_definitions((width, height, a, b) in blocks()) {
        let differences: Vec<i32> = a.iter().zip(&b).map(|(a, b)| i32::from(*a) - i32::from(*b)).collect();
        let hadamard = if width.min(height) == 4 {
            2 * hadamard(&a, &b, width, 4)
        } else {
            hadamard(&a, &b, width, 8)
        };
        for cpu in Cpu::available() {
            let mut out = vec![0; a.len()];
            residual(cpu, &a, &b, &mut out);
            let out: Vec<i32> = out.into_iter().map(i32::from).collect();
            prop_assert_eq!(&out, &differences);
            let found = satd(cpu, &a, &b, width, height);
            prop_assert_eq!(i32::try_from(found).unwrap(), (hadamard + 4) / 8, "{:?}", cpu);
        }
    }
}
