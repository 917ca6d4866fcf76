//! This decoder beside libjpeg-turbo's, over files that its encoder made: every subsampling, size, kind of scan.
//!
//! At full size and at 1/8 both give the same samples: the largest difference is 0. At 1/2 and 1/4 the transforms are
//! different ones by definition (see `inverse`), so there the samples are held against exact arithmetic on the
//! coefficients that the library reads: the largest difference from an unrounded value is below 0.7 levels, thus one
//! level at most from a rounded one. From the library's own 1/2 and 1/4 the samples of photographs differ by 0.2 to 3.0
//! levels in the mean, most in noisy ones, and by 82 at a single edge.

#![expect(clippy::unwrap_used, reason = "what a comparison stands on must hold")]

mod broken;
mod library;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::f64::consts::{PI, SQRT_2};

use library::{Kind, Scans, coefficients, encode, planes};

use super::header::{Header, Trickle};
use super::{BlockSide, Decoder, JpegError, Read};
use crate::cpu::Cpu;
use crate::input::Input;
use crate::planes::{Plane, RowSink, Rows};

const SIDES: [BlockSide; 4] = [
    BlockSide::One,
    BlockSide::Two,
    BlockSide::Four,
    BlockSide::Eight,
];

/// 4:4:4, 4:2:2, 4:2:0, 4:4:0, 4:1:1, 4:1:0; chroma finer than luma; factors that do not divide one another; chroma
/// planes that differ; gray; gray with factors, which mean nothing there; four components.
const SUBSAMPLINGS: [&[(u8, u8)]; 13] = [
    &[(1, 1), (1, 1), (1, 1)],
    &[(2, 1), (1, 1), (1, 1)],
    &[(2, 2), (1, 1), (1, 1)],
    &[(1, 2), (1, 1), (1, 1)],
    &[(4, 1), (1, 1), (1, 1)],
    &[(4, 2), (1, 1), (1, 1)],
    &[(1, 1), (2, 2), (2, 1)],
    &[(3, 1), (2, 1), (1, 1)],
    &[(2, 2), (2, 1), (1, 2)],
    &[(1, 1)],
    &[(2, 2)],
    &[(1, 1), (1, 1), (1, 1), (1, 1)],
    &[(2, 2), (1, 1), (1, 1), (2, 2)],
];

#[derive(Debug, Default, PartialEq)]
struct Collected(Vec<Plane>);

impl RowSink for Collected {
    fn rows(&mut self, component: usize, rows: Rows<'_>) {
        if self.0.len() <= component {
            self.0.resize(component + 1, Plane::default());
        }
        let plane = &mut self.0[component];
        for row in rows.iter() {
            assert!(plane.height == 0 || plane.width == row.len());
            plane.width = row.len();
            plane.height += 1;
            plane.samples.extend(row);
        }
    }
}

thread_local! {
    /// One decoder for all files, as a worker has it: what one file leaves behind must not show in the next.
    static DECODERS: RefCell<BTreeMap<Cpu, Decoder>> = RefCell::default();
}

fn decode(
    cpu: Cpu,
    input: &mut dyn Input,
    sides: impl Fn(usize) -> BlockSide,
    threads: usize,
) -> Result<(Vec<Plane>, Read), JpegError> {
    let header = Header::read(input)?;
    let sides: Vec<BlockSide> = (0..header.components.len()).map(sides).collect();
    let mut collected = Collected::default();
    let read = DECODERS.with_borrow_mut(|decoders| {
        let decoder = decoders.entry(cpu).or_insert_with(|| Decoder::new(cpu));
        decoder.decode(input, &header, &sides, threads, &mut collected)
    })?;
    for (component, (plane, side)) in collected.0.iter().zip(&sides).enumerate() {
        let grid = header.grid(component, *side);
        assert_eq!((plane.width, plane.height), (grid.width, grid.height));
    }
    Ok((collected.0, read))
}

fn decoded(file: &[u8], sides: impl Fn(usize) -> BlockSide) -> Vec<Plane> {
    let mut input = file;
    decode(Cpu::detect(), &mut input, sides, 1).unwrap().0
}

/// Something of everything: slopes, edges, and noise in parts.
fn sample(component: usize, x: usize, y: usize) -> u8 {
    let mixed = (x * 0x9e37 + y * 0x79b9 + component * 0x7f4a).wrapping_mul(0x85eb_ca6b);
    let noise = (mixed >> 13) % 256;
    let slope = x * 3 + y * 2 + 40 * component;
    let value = match (x / 11 + y / 13 + component) % 4 {
        0 => slope % 256,
        1 => 128 + noise / 16,
        2 => noise,
        _ => 255 * (x / 3 % 2),
    };
    u8::try_from(value).unwrap()
}

/// Decodes a file at every size and holds it against the library and against exact arithmetic.
fn compare(file: &[u8], name: &str) {
    let coefficients = coefficients(file);
    let mut made = Vec::new();
    for side in SIDES {
        made.push(decoded(file, |_| side));
    }
    for (side, planes) in SIDES.iter().zip(&made) {
        for (component, (plane, truth)) in planes.iter().zip(&coefficients).enumerate() {
            let exact = Exact::new(side.samples());
            let far = exact.farthest(plane, truth);
            assert!(
                far < 0.7,
                "{name}: component {component} at {side:?} is {far} from exact arithmetic"
            );
        }
    }
    for scale in [1, 8] {
        for (component, (side, wanted)) in planes(file, scale).into_iter().enumerate() {
            let index = match side {
                1 => 0,
                8 => 3,
                _ => continue,
            };
            assert!(
                made[index][component] == wanted,
                "{name}: component {component} differs from the library's at {side}/8"
            );
        }
    }
}

/// The truncated transform of one side in floating point.
struct Exact {
    side: usize,
    /// For each sample the weight of each frequency.
    weights: Vec<Vec<f64>>,
}

impl Exact {
    #[expect(clippy::cast_precision_loss, reason = "numbers below 128")]
    fn new(side: usize) -> Self {
        let weight = |at: usize, frequency: usize| {
            let scale = if frequency == 0 { 1.0 } else { SQRT_2 } / 8_f64.sqrt();
            scale * (PI * ((2 * at + 1) * frequency) as f64 / (2 * side) as f64).cos()
        };
        let weights = (0..side)
            .map(|at| (0..side).map(|frequency| weight(at, frequency)).collect())
            .collect();
        Self { side, weights }
    }

    /// The largest distance of a plane's samples from what its coefficients are.
    fn farthest(&self, plane: &Plane, truth: &library::Coefficients) -> f64 {
        let side = self.side;
        let mut farthest: f64 = 0.0;
        for (index, block) in truth.blocks.iter().enumerate() {
            let left = index % truth.blocks_in_a_row * side;
            let top = index / truth.blocks_in_a_row * side;
            let mut rows = [[0.0; 8]; 8];
            for v in 0..side {
                let line =
                    |u: usize| f64::from(block[v * 8 + u]) * f64::from(truth.quantiser[v * 8 + u]);
                for (sum, weights) in rows[v].iter_mut().zip(&self.weights) {
                    *sum = (0..side).map(|u| line(u) * weights[u]).sum();
                }
            }
            for y in top..(top + side).min(plane.height) {
                for x in left..(left + side).min(plane.width) {
                    let sum: f64 = (0..side)
                        .map(|v| rows[v][x - left] * self.weights[y - top][v])
                        .sum();
                    let wanted = (sum + 128.0).clamp(0.0, 255.0);
                    let found = f64::from(plane.samples[y * plane.width + x]);
                    farthest = farthest.max((found - wanted).abs());
                }
            }
        }
        farthest
    }
}

/// Every subsampling at every width and height up to 67, each with another of the other.
fn every_size(kind: impl Fn(Kind) -> Kind) {
    for (index, factors) in SUBSAMPLINGS.iter().enumerate() {
        for width in 1..=67 {
            let height = (width * 29 + index * 5) % 67 + 1;
            let kind = kind(Kind::new(width, height, factors));
            compare(&encode(&kind, sample), &format!("{kind:?}"));
        }
    }
}

#[test]
fn baseline_is_as_in_the_library() {
    every_size(|kind| kind);
}

#[test]
fn restart_markers_change_nothing() {
    every_size(|kind| Kind {
        restart: kind.width % 5 + 1,
        optimised: true,
        ..kind
    });
}

#[test]
fn scans_of_one_component_each_are_as_in_the_library() {
    every_size(|kind| Kind {
        scans: Scans::Apart,
        restart: kind.width % 3,
        ..kind
    });
}

#[test]
fn progressive_is_as_in_the_library() {
    every_size(|kind| Kind {
        scans: Scans::Progressive,
        restart: kind.width % 2 * 3,
        ..kind
    });
}

#[test]
fn other_progressions_are_as_in_the_library() {
    // Spectral selection alone; bands that end within what 1/2 needs; many refinements, DC apart.
    let only_bands = [(None, [0, 0, 0, 0])]
        .into_iter()
        .chain((0..3).flat_map(|component| {
            [[1, 2, 0, 0], [3, 9, 0, 0], [10, 24, 0, 0], [25, 63, 0, 0]]
                .map(|band| (Some(component), band))
        }))
        .collect();
    let refined = (0..3)
        .map(|component| (Some(component), [0, 0, 0, 2]))
        .chain((0..3).flat_map(|component| {
            [[1, 63, 0, 3], [1, 63, 3, 2], [1, 63, 2, 1], [1, 63, 1, 0]]
                .map(|band| (Some(component), band))
        }))
        .chain([(None, [0, 0, 2, 1]), (None, [0, 0, 1, 0])])
        .collect();
    for script in [only_bands, refined] {
        for width in [1, 8, 17, 40, 67] {
            for factors in &SUBSAMPLINGS[..9] {
                let kind = Kind {
                    scans: Scans::Script(Vec::clone(&script)),
                    ..Kind::new(width, 68 - width, factors)
                };
                compare(&encode(&kind, sample), &format!("{kind:?}"));
            }
        }
    }
}

#[test]
fn every_quality_is_as_in_the_library() {
    // 1 has quantisers of 16 bits, thus an extended file (SOF1); 100 has the largest coefficients.
    for quality in [1, 5, 20, 50, 75, 95, 100] {
        for scans in [Scans::Interleaved, Scans::Progressive] {
            let kind = Kind {
                quality,
                scans,
                optimised: true,
                ..Kind::new(83, 61, SUBSAMPLINGS[2])
            };
            compare(&encode(&kind, sample), &format!("{kind:?}"));
        }
    }
}

#[test]
fn the_widest_and_the_highest_picture_are_as_in_the_library() {
    for (width, height) in [(65_500, 3), (3, 65_500)] {
        for scans in [Scans::Interleaved, Scans::Progressive] {
            let kind = Kind {
                scans,
                ..Kind::new(width, height, SUBSAMPLINGS[2])
            };
            compare(&encode(&kind, sample), &format!("{kind:?}"));
        }
    }
}

#[test]
fn a_picture_may_be_as_wide_as_the_format_allows() {
    // The library makes and reads no more than 65500 columns. So a flat gray block is made as wide as 65535 by hand:
    // with the usual tables a block of no difference and no detail is 00 1010, four of them are three bytes.
    let mut file = encode(&Kind::new(8, 1, SUBSAMPLINGS[9]), |_, _, _| 128);
    let frame = file.windows(2).position(|pair| pair == [0xff, 0xc0]);
    let frame = frame.unwrap();
    file[frame + 7..frame + 9].fill(0xff);
    let scan = file.windows(2).position(|pair| pair == [0xff, 0xda]);
    file.truncate(scan.unwrap() + 10);
    file.extend([0x28, 0xa2, 0x8a].repeat(2048));
    file.extend([0xff, 0xd9]);
    for side in SIDES {
        let plane = &decoded(&file, |_| side)[0];
        assert_eq!(plane.width, (65_535 * side.samples()).div_ceil(8));
        assert!(plane.samples.iter().all(|sample| *sample == 128));
    }
}

#[test]
fn components_may_have_sides_of_their_own() {
    for scans in [Scans::Interleaved, Scans::Apart, Scans::Progressive] {
        let kind = Kind {
            scans,
            ..Kind::new(61, 47, SUBSAMPLINGS[2])
        };
        let file = encode(&kind, sample);
        let alike = SIDES.map(|side| decoded(&file, |_| side));
        for mix in 0..64_usize {
            let index = |component: usize| mix >> (2 * component) & 3;
            let mixed = decoded(&file, |component| SIDES[index(component)]);
            for (component, plane) in mixed.iter().enumerate() {
                assert_eq!(*plane, alike[index(component)][component], "{kind:?} {mix}");
            }
        }
    }
}
