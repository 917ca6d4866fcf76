#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "indices below 64 and rounded coefficients"
)]

use std::f64::consts::{PI, SQRT_2};

use proptest::prelude::*;

use super::*;
use crate::jpeg::ZIGZAG;

const SIDES: [BlockSide; 4] = [
    BlockSide::One,
    BlockSide::Two,
    BlockSide::Four,
    BlockSide::Eight,
];

/// The truncated transform in exact arithmetic: the lowest coefficients of an 8x8 block, dequantised, as samples.
fn exact(side: usize, coefficients: &[f64]) -> Vec<f64> {
    let scale = |frequency: usize| if frequency == 0 { 1.0 } else { SQRT_2 };
    let wave = |at: usize, frequency: usize| {
        scale(frequency) * (PI * (2 * at + 1) as f64 * frequency as f64 / (2 * side) as f64).cos()
    };
    let mut samples = vec![0.0; side * side];
    for (index, sample) in samples.iter_mut().enumerate() {
        let (x, y) = (index % side, index / side);
        for (index, coefficient) in coefficients.iter().enumerate() {
            let (u, v) = (index % side, index / side);
            *sample += coefficient * wave(x, u) * wave(y, v) / 8.0;
        }
    }
    samples
}

/// Coefficients of 8x8 samples, in natural order, unrounded.
fn forward(samples: &[u8; 64]) -> [f64; 64] {
    std::array::from_fn(|index| {
        let (u, v) = (index % 8, index / 8);
        let scale = |frequency: usize| if frequency == 0 { 1.0 } else { SQRT_2 };
        let wave = |at: usize, frequency: usize| {
            (PI * (2 * at + 1) as f64 * frequency as f64 / 16.0).cos()
        };
        let sum: f64 = samples
            .iter()
            .enumerate()
            .map(|(at, sample)| (f64::from(*sample) - 128.0) * wave(at % 8, u) * wave(at / 8, v))
            .sum();
        sum * scale(u) * scale(v) / 8.0
    })
}

/// The highest zig-zag index that is not zero among the lowest `side * side` coefficients.
fn last_of(side: usize, block: &[i16]) -> u8 {
    let last = ZIGZAG.iter().rposition(|natural| {
        let (u, v) = (usize::from(natural % 8), usize::from(natural / 8));
        u < side && v < side && block[v * side + u] != 0
    });
    u8::try_from(last.unwrap_or(0)).unwrap()
}

fn made(
    cpu: Cpu,
    side: BlockSide,
    coefficients: &[i16],
    last: &[u8],
    quantiser: &[u16; 64],
) -> Vec<u8> {
    let stride = last.len() * side.samples() + 3;
    let mut out = vec![77; stride * side.samples()];
    inverse(cpu, side, coefficients, last, quantiser, &mut out, stride);
    for row in out.chunks(stride) {
        assert_eq!(
            row[stride - 3..],
            [77; 3],
            "{cpu:?} wrote beyond its blocks"
        );
    }
    out
}

/// Blocks with coefficients up to one index each, and those indices.
fn blocks(
    side: BlockSide,
    value: impl Strategy<Value = i16> + Clone,
) -> impl Strategy<Value = (Vec<i16>, Vec<u8>)> {
    let area = side.samples() * side.samples();
    let block = (
        proptest::collection::vec(value, area),
        prop_oneof![Just(0_u8), 1..10_u8, 0..64_u8],
    );
    proptest::collection::vec(block, 0..20).prop_map(move |blocks| {
        let mut coefficients = Vec::new();
        let mut lasts = Vec::new();
        for (mut block, last) in blocks {
            for natural in &ZIGZAG[usize::from(last) + 1..] {
                let (u, v) = (usize::from(natural % 8), usize::from(natural / 8));
                if u < side.samples() && v < side.samples() {
                    block[v * side.samples() + u] = 0;
                }
            }
            lasts.push(last);
            coefficients.extend(block);
        }
        (coefficients, lasts)
    })
}

fn any_blocks() -> impl Strategy<Value = (BlockSide, (Vec<i16>, Vec<u8>))> {
    proptest::sample::select(&SIDES).prop_flat_map(|side| {
        (
            Just(side),
            prop_oneof![blocks(side, any::<i16>()), blocks(side, -300..300_i16),],
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 2000 }))]

    #[test]
    fn every_variant_gives_the_same_bytes_for_any_coefficients(
        (side, (coefficients, last)) in any_blocks(),
        quantiser in prop_oneof![
            proptest::array::uniform32(any::<u16>()),
            proptest::array::uniform32(1..40_u16),
        ],
    ) {
        let quantiser = std::array::from_fn(|index| quantiser[index % 32]);
        let portable = made(Cpu::Portable, side, &coefficients, &last, &quantiser);
        for cpu in Cpu::available() {
            prop_assert!(
                made(cpu, side, &coefficients, &last, &quantiser) == portable,
                "{cpu:?} differs at {side:?}"
            );
        }
    }

    #[test]
    fn short_cuts_change_nothing((side, (coefficients, last)) in any_blocks(), factor: u16) {
        let full = vec![63; last.len()];
        let quantiser = [factor; 64];
        prop_assert_eq!(
            made(Cpu::Portable, side, &coefficients, &last, &quantiser),
            made(Cpu::Portable, side, &coefficients, &full, &quantiser)
        );
    }

    #[test]
    fn buffers_of_any_length_are_no_panic(
        side in proptest::sample::select(&SIDES),
        coefficients in 0..3000_usize,
        last in 0..40_usize,
        out in 0..3000_usize,
        stride in 0..400_usize,
    ) {
        for cpu in Cpu::available() {
            inverse(cpu, side, &vec![1; coefficients], &vec![63; last], &[1; 64], &mut vec![0; out], stride);
        }
    }

    #[test]
    fn samples_are_within_one_level_of_exact_arithmetic(
        samples in prop_oneof![
            proptest::collection::vec(any::<u8>(), 64),
            proptest::collection::vec(prop_oneof![Just(0_u8), Just(255)], 64),
            proptest::collection::vec(100..140_u8, 64),
        ],
        factor in 1..=255_u16,
    ) {
        let transformed = forward(&samples.try_into().unwrap());
        for side in SIDES {
            let count = side.samples();
            let quantised: Vec<i16> = (0..count * count)
                .map(|index| {
                    let value = transformed[index / count * 8 + index % count];
                    (value / f64::from(factor)).round() as i16
                })
                .collect();
            let dequantised: Vec<f64> = quantised
                .iter()
                .map(|value| f64::from(*value) * f64::from(factor))
                .collect();
            let last = last_of(count, &quantised);
            let found = made(Cpu::detect(), side, &quantised, &[last], &[factor; 64]);
            let wanted = exact(count, &dequantised);
            for (index, wanted) in wanted.into_iter().enumerate() {
                let found = found[index / count * (count + 3) + index % count];
                let wanted = (wanted + 128.0).clamp(0.0, 255.0);
                // Rounding alone is half a level; the 13-bit constants and the first pass add less than a fifth.
                prop_assert!(
                    (f64::from(found) - wanted).abs() < 0.7,
                    "{side:?}: {found} is not {wanted}"
                );
            }
        }
    }
}

#[test]
fn a_flat_block_keeps_its_value_at_every_side() {
    for cpu in Cpu::available() {
        for side in SIDES {
            for dc in (-1024..1024_i16).step_by(if cfg!(miri) { 211 } else { 1 }) {
                let area = side.samples() * side.samples();
                let mut coefficients = vec![0; area];
                coefficients[0] = dc;
                for last in [0, 63] {
                    let found = made(cpu, side, &coefficients, &[last], &[1; 64]);
                    let wanted = ((dc + 4) >> 3) + 128;
                    assert_eq!(i16::from(found[0]), wanted.clamp(0, 255));
                    assert_eq!(found[0], found[side.samples() - 1]);
                }
            }
        }
    }
}
