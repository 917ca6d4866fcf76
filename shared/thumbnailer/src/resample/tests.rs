//! Against a convolution in floating point, and one processor against the other.

#![expect(clippy::cast_precision_loss, reason = "lengths are small")]

use std::f64::consts::PI;

use proptest::prelude::*;

use super::*;

/// Samples without any pattern.
fn noise(width: usize, height: usize) -> Plane {
    let mut state = 1u32;
    let samples = (0..width * height).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    Plane {
        width,
        height,
        samples: samples.collect(),
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        1.0
    } else {
        (PI * x).sin() / (PI * x)
    }
}

/// Each target sample's weights of all source samples, straight from the definition.
fn exact_weights(axis: &Axis) -> Vec<Vec<f64>> {
    let step = (axis.end - axis.start) / axis.target_extent;
    let widening = step.abs().max(1.0);
    (0..axis.target_len)
        .map(|index| {
            let centre = axis.start + (index as f64 + 0.5) * step;
            let weight = |source| {
                let x = (source as f64 + 0.5 - centre) / widening;
                if x.abs() < 3.0 {
                    sinc(x) * sinc(x / 3.0)
                } else {
                    0.0
                }
            };
            let weights: Vec<f64> = (0..axis.source_len).map(weight).collect();
            let sum: f64 = weights.iter().sum();
            weights.iter().map(|weight| weight / sum).collect()
        })
        .collect()
}

/// The largest difference from the convolution in floating point, rounded once.
fn largest_error(source: &Plane, x: &Axis, y: &Axis, made: &Plane) -> f64 {
    assert_eq!((made.width, made.height), (x.target_len, y.target_len));
    let (across, down) = (exact_weights(x), exact_weights(y));
    let mut largest = 0.0f64;
    for (weights, row) in down.iter().zip(made.samples.chunks_exact(made.width)) {
        let mut between = vec![0.0; source.width];
        for (weight, source) in weights
            .iter()
            .zip(source.samples.chunks_exact(source.width))
        {
            for (sum, sample) in between.iter_mut().zip(source) {
                *sum += weight * f64::from(*sample);
            }
        }
        for (weights, sample) in across.iter().zip(row) {
            let exact: f64 = weights.iter().zip(&between).map(|(a, b)| a * b).sum();
            largest = largest.max((f64::from(*sample) - exact.clamp(0.0, 255.0)).abs());
        }
    }
    largest
}

#[test]
fn every_sample_is_the_exact_convolution_rounded() {
    for (from, to) in [
        ((504, 378), (256, 192)),
        ((252, 189), (128, 96)),
        ((101, 67), (100, 66)),
        ((64, 48), (200, 111)),
        ((37, 300), (12, 46)),
        ((7, 5), (3, 4)),
        ((1, 9), (4, 2)),
    ] {
        let source = noise(from.0, from.1);
        let (x, y) = (Axis::whole(from.0, to.0), Axis::whole(from.1, to.1));
        for cpu in Cpu::available() {
            let error = largest_error(&source, &x, &y, &resize(cpu, &source, &x, &y));
            // Half a level is the rounding.
            assert!(error < 0.56, "{from:?} -> {to:?} on {cpu:?}: {error}");
        }
    }
}

#[test]
fn a_part_between_samples_and_a_target_that_is_not_filled_are_exact_too() {
    let source = noise(90, 61);
    let x = Axis {
        source_len: 90,
        start: 81.25,
        end: 3.5,
        target_len: 33,
        target_extent: 32.5,
    };
    let y = Axis {
        source_len: 61,
        start: 10.75,
        end: 60.375,
        target_len: 20,
        target_extent: 19.25,
    };
    let made = resize(Cpu::detect(), &source, &x, &y);
    assert!(largest_error(&source, &x, &y, &made) < 0.56);
}

#[test]
fn a_mirrored_axis_gives_the_mirror_image() {
    let source = noise(70, 50);
    let straight = (Axis::whole(70, 31), Axis::whole(50, 37));
    let flipped = |axis: Axis| Axis {
        start: axis.end,
        end: axis.start,
        ..axis
    };
    let cpu = Cpu::detect();
    let plain = resize(cpu, &source, &straight.0, &straight.1);
    let both = resize(cpu, &source, &flipped(straight.0), &flipped(straight.1));
    for (a, b) in plain.samples.iter().zip(both.samples.iter().rev()) {
        assert!(a.abs_diff(*b) <= 1);
    }
    assert_ne!(plain, both);
}

#[test]
fn the_same_size_is_the_same_picture() {
    let source = noise(33, 21);
    let copy = resize(
        Cpu::detect(),
        &source,
        &Axis::whole(33, 33),
        &Axis::whole(21, 21),
    );
    assert_eq!(copy, source);
    // One axis alone goes through the filter, with weights of exactly one.
    let taller = resize(
        Cpu::detect(),
        &source,
        &Axis::whole(33, 33),
        &Axis::whole(21, 63),
    );
    let flat = noise(1, 21);
    let flat = resize(
        Cpu::detect(),
        &flat,
        &Axis::whole(1, 1),
        &Axis::whole(21, 63),
    );
    assert_eq!(
        taller.samples.iter().step_by(33).count(),
        flat.samples.len()
    );
}

#[test]
fn a_part_at_its_own_size_is_cut_out() {
    let source = noise(40, 30);
    let part = |source_len, start: f64, len| Axis {
        source_len,
        start,
        end: start + len as f64,
        target_len: len,
        target_extent: len as f64,
    };
    let cut = resize(
        Cpu::detect(),
        &source,
        &part(40, 7.0, 20),
        &part(30, 3.0, 11),
    );
    let expected: Vec<u8> = source
        .samples
        .chunks_exact(40)
        .skip(3)
        .take(11)
        .flat_map(|row| row[7..27].to_vec())
        .collect();
    assert_eq!(cut.samples, expected);
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn interleaved_channels_are_the_planes_they_consist_of() {
    let (width, height) = (61, 45);
    for (x, y) in [
        (Axis::whole(width, 20), Axis::whole(height, 30)),
        (Axis::whole(width, width), Axis::whole(height, height)),
        (Axis::whole(width, 4), Axis::whole(height, 3)),
    ] {
        for channels in [1, 3, 4] {
            let source = noise(width * channels, height);
            let mut pool = Pool::default();
            let mut resizer =
                InterleavedResizer::new_in(&mut pool, Cpu::detect(), channels, &x, &y);
            for row in source.samples.chunks_exact(source.width) {
                resizer.push(row);
            }
            let planes = resizer.finish_in(&mut pool);
            assert_eq!(planes.len(), channels);
            for (channel, made) in planes.iter().enumerate() {
                let own = source.samples.iter().copied();
                let plane = Plane {
                    width,
                    height,
                    samples: own.skip(channel).step_by(channels).collect(),
                };
                assert_eq!(made, &resize(Cpu::detect(), &plane, &x, &y));
            }
        }
    }
}

#[test]
fn rows_that_never_come_are_black_and_rows_too_many_are_ignored() {
    let (x, y) = (Axis::whole(20, 10), Axis::whole(30, 15));
    let resizer = PlaneResizer::new(Cpu::detect(), &x, &y);
    assert_eq!(resizer.finish().samples, [0; 150]);

    let mut resizer = PlaneResizer::new(Cpu::detect(), &x, &y);
    resizer.push(Rows {
        samples: &[200; 20 * 40],
        stride: 20,
        width: 20,
        count: 40,
    });
    assert!(resizer.done());
    assert_eq!(resizer.finish().samples, [200; 150]);
}

#[test]
fn a_resizer_is_done_at_the_last_row_that_shows() {
    let x = Axis::whole(10, 5);
    let y = Axis {
        end: 20.0,
        ..Axis::whole(100, 20)
    };
    let row = Rows {
        samples: &[9; 10],
        stride: 10,
        width: 10,
        count: 1,
    };
    for (y, rows) in [
        (y, 20),
        (
            Axis {
                target_len: 10,
                target_extent: 10.0,
                ..y
            },
            26,
        ),
    ] {
        let mut resizer = PlaneResizer::new(Cpu::detect(), &x, &y);
        for _ in 0..rows - 1 {
            resizer.push(row);
            assert!(!resizer.done());
        }
        resizer.push(row);
        assert!(resizer.done());
        assert!(resizer.finish().samples.iter().all(|&sample| sample == 9));
    }
}

fn linear(cpu: Cpu, source: &Plane, x: &Axis, y: &Axis) -> Plane {
    let mut pool = Pool::default();
    let mut resizer = InterleavedResizer::linear_in(&mut pool, cpu, 1, x, y);
    for row in source.samples.chunks_exact(source.width) {
        resizer.push(row);
    }
    resizer.finish_in(&mut pool).remove(0)
}

#[test]
fn black_and_white_in_turn_is_half_the_light() {
    let stripes = Plane {
        width: 64,
        height: 64,
        samples: [0, 255].repeat(32 * 64),
    };
    let (x, y) = (Axis::whole(64, 8), Axis::whole(64, 8));
    for cpu in Cpu::available() {
        // Away from the edges, where stripes end.
        let middle = |plane: Plane| plane.samples[4 * 8 + 4];
        // 188 is the sRGB of half.
        assert!(middle(linear(cpu, &stripes, &x, &y)).abs_diff(188) <= 2);
        assert!(middle(resize(cpu, &stripes, &x, &y)).abs_diff(128) <= 2);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn light_leaves_a_flat_plane_as_it_is() {
    for level in 0..=u8::MAX {
        let flat = Plane {
            width: 20,
            height: 20,
            samples: vec![level; 400],
        };
        let made = linear(
            Cpu::detect(),
            &flat,
            &Axis::whole(20, 9),
            &Axis::whole(20, 31),
        );
        assert!(made.samples.iter().all(|&sample| sample == level));
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn a_shrink_by_means_first_is_near_the_convolution() {
    // What a photo is: waves of every length, the short ones weak.
    let (width, height) = (640, 480);
    let mut source = noise(width, height);
    for pass in 1..4 {
        for (index, sample) in source.samples.clone().iter().enumerate() {
            let next = source.samples[(index + pass * 7) % (width * height)];
            source.samples[index] = sample.midpoint(next);
        }
    }
    let (x, y) = (Axis::whole(width, 40), Axis::whole(height, 30));
    assert!(x.box_factor() > 1);
    for cpu in Cpu::available() {
        let made = resize(cpu, &source, &x, &y);
        let error = largest_error(&source, &x, &y, &made);
        assert!(error < 2.5, "{error}");
    }
}

fn axis(longest: usize) -> impl Strategy<Value = Axis> {
    (1..=longest, 0.0..1.0, 0.0..1.0, 1usize..=90, 0.0..0.999).prop_map(
        |(source_len, start, end, target_len, unused)| Axis {
            source_len,
            start: start * source_len as f64,
            end: end * source_len as f64,
            target_len,
            target_extent: target_len as f64 - unused,
        },
    )
}

proptest! {
    #[test]
    #[cfg_attr(miri, ignore = "takes minutes there")]
    fn every_processor_gives_the_same_bytes(x in axis(200), y in axis(200), channels in prop::sample::select(vec![1usize, 3, 4])) {
        let source = noise(x.source_len * channels, y.source_len);
        let made: Vec<Vec<Plane>> = Cpu::available().map(|cpu| {
            let mut pool = Pool::default();
            let mut resizer = InterleavedResizer::new_in(&mut pool, cpu, channels, &x, &y);
            for row in source.samples.chunks_exact(source.width) {
                resizer.push(row);
            }
            resizer.finish_in(&mut pool)
        }).collect();
        for other in &made {
            prop_assert_eq!(other, &made[0]);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes minutes there")]
    fn a_flat_plane_stays_flat(x in axis(2000), y in axis(300), level: u8) {
        let source = Plane {
            width: x.source_len,
            height: y.source_len,
            samples: vec![level; x.source_len * y.source_len],
        };
        let made = resize(Cpu::detect(), &source, &x, &y);
        prop_assert!(made.samples.iter().all(|&sample| sample == level));
    }
}
