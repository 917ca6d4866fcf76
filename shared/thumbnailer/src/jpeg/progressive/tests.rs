use proptest::prelude::*;

use super::specimen::{Specimen, Step, step, usual};
use super::{Progressive, progressive_bytes};
use crate::cpu::Cpu;
use crate::input::Input;
use crate::jpeg::header::{Header, Trickle};
use crate::jpeg::inverse::inverse;
use crate::jpeg::{BlockSide, JpegError, ZIGZAG};
use crate::planes::{RowSink, Rows};

const SIDES: [BlockSide; 4] = [
    BlockSide::One,
    BlockSide::Two,
    BlockSide::Four,
    BlockSide::Eight,
];

/// The rows of each component, one after the other.
#[derive(Debug, Default, Clone, PartialEq)]
struct Collected(Vec<Vec<u8>>);

impl RowSink for Collected {
    fn rows(&mut self, component: usize, rows: Rows<'_>) {
        if self.0.len() <= component {
            self.0.resize(component + 1, Vec::new());
        }
        for row in rows.iter() {
            self.0[component].extend(row);
        }
    }
}

/// What a file becomes, and how much of it that takes.
fn decode(
    cpu: Cpu,
    input: &mut dyn Input,
    sides: &[BlockSide],
) -> Result<(Collected, usize), JpegError> {
    let header = Header::read(input)?;
    let mut collected = Collected::default();
    let read = Progressive::new().decode(cpu, input, &header, sides, &mut collected)?;
    Ok((collected, read.bytes))
}

fn header(specimen: &Specimen) -> Header {
    let file = [specimen.start().as_slice(), &[0xff, 0xda]].concat();
    Header::read(&mut file.as_slice()).unwrap()
}

/// What the coefficients become, each without its lowest `low` bits.
fn truth(specimen: &Specimen, sides: &[BlockSide], low: u32) -> Collected {
    let header = header(specimen);
    let mut collected = Collected::default();
    for (component, side) in sides.iter().enumerate() {
        let grid = header.grid(component, *side);
        let side_samples = side.samples();
        let (stride, _) = specimen.padded(component);
        let (width, rows) = specimen.covered(component);
        let mut rows_left = grid.height;
        for row in 0..rows {
            let blocks = &specimen.blocks[component][row * stride..][..width];
            let mut coefficients = Vec::new();
            for block in blocks {
                let mut natural = [0; 64];
                for (index, coefficient) in block.iter().enumerate() {
                    let cut = if index == 0 {
                        coefficient >> low << low
                    } else {
                        (coefficient.abs() >> low << low) * coefficient.signum()
                    };
                    natural[usize::from(ZIGZAG[index])] = cut;
                }
                for line in natural.chunks(8).take(side_samples) {
                    coefficients.extend(&line[..side_samples]);
                }
            }
            let stride = width * side_samples;
            let mut samples = vec![0; stride * side_samples];
            inverse(
                Cpu::Portable,
                *side,
                &coefficients,
                &vec![63; width],
                &Specimen::quantiser(),
                &mut samples,
                stride,
            );
            let count = rows_left.min(side_samples);
            rows_left -= count;
            collected.rows(
                component,
                Rows {
                    samples: &samples,
                    stride,
                    width: grid.width,
                    count,
                },
            );
        }
    }
    collected
}

/// Bands that are never refined together, AC before DC, DC apart and of two components, one coefficient alone.
fn unusual() -> Vec<Step> {
    vec![
        step(&[0], 1, 4, 0, 0),
        step(&[0], 5, 20, 0, 3),
        step(&[0], 21, 63, 0, 0),
        step(&[0], 0, 0, 0, 3),
        step(&[1, 2], 0, 0, 0, 0),
        step(&[0], 5, 20, 3, 2),
        step(&[0], 0, 0, 3, 2),
        step(&[0], 5, 20, 2, 1),
        step(&[0], 0, 0, 2, 1),
        step(&[1], 1, 63, 0, 0),
        step(&[2], 63, 63, 0, 0),
        step(&[0], 5, 20, 1, 0),
        step(&[0], 0, 0, 1, 0),
        step(&[2], 1, 62, 0, 1),
        step(&[2], 1, 62, 1, 0),
    ]
}

/// All components of one kind alone, as many as there are.
fn plain(components: usize) -> Vec<Step> {
    let all: Vec<usize> = (0..components).collect();
    let mut script = vec![step(&all, 0, 0, 0, 1), step(&all, 0, 0, 1, 0)];
    for component in all {
        script.push(step(&[component], 1, 63, 0, 2));
        script.push(step(&[component], 1, 63, 2, 1));
        script.push(step(&[component], 1, 63, 1, 0));
    }
    script
}

fn check(specimen: &Specimen, script: &[Step]) {
    let file = specimen.write(script);
    for side in SIDES {
        for chroma in SIDES {
            let mut sides = vec![chroma; specimen.factors.len()];
            sides[0] = side;
            let expected = truth(specimen, &sides, 0);
            for cpu in Cpu::available() {
                let (collected, _) = decode(cpu, &mut file.as_slice(), &sides).unwrap();
                assert!(collected == expected, "{cpu:?} {sides:?}");
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn every_script_gives_the_same_picture_at_every_size() {
    for (width, height, restart_interval) in [(61, 45, 0), (64, 32, 5), (1, 1, 1), (7, 50, 3)] {
        for factors in [
            [(1, 1), (1, 1), (1, 1)],
            [(2, 2), (1, 1), (1, 1)],
            [(2, 1), (1, 1), (1, 2)],
            [(4, 1), (1, 1), (2, 1)],
            [(3, 2), (2, 1), (1, 1)],
        ] {
            let mut specimen = Specimen::new(width, height, &factors);
            specimen.restart_interval = restart_interval;
            check(&specimen, &usual());
            check(&specimen, &unusual());
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn one_and_four_components_are_decoded_too() {
    // The factors of a single component say nothing.
    for factors in [
        &[(1, 1)][..],
        &[(2, 2)],
        &[(1, 1); 4],
        &[(2, 2), (1, 1), (1, 1), (2, 2)],
    ] {
        check(&Specimen::new(61, 45, factors), &plain(factors.len()));
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn runs_of_empty_blocks_may_be_as_long_as_a_picture() {
    let mut specimen = Specimen::new(8 * 300, 8 * 150, &[(1, 1)]);
    for (index, block) in specimen.blocks[0].iter_mut().enumerate() {
        if index % 44_000 != 600 {
            block[1..].fill(0);
        }
    }
    let file = specimen.write(&plain(1));
    let expected = truth(&specimen, &[BlockSide::Two], 0);
    let (collected, _) = decode(Cpu::detect(), &mut file.as_slice(), &[BlockSide::Two]).unwrap();
    assert!(collected == expected);
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn only_what_a_size_needs_is_read() {
    let specimen = Specimen::new(500, 400, &[(2, 2), (1, 1), (1, 1)]);
    let script = usual();
    let file = specimen.write(&script);
    let end_of = |scans: usize| {
        let mut file = specimen.start();
        for step in &script[..scans] {
            specimen.scan(step, &mut file);
        }
        file.len()
    };
    for (side, end) in [(BlockSide::One, end_of(7)), (BlockSide::Two, end_of(10))] {
        let expected = truth(&specimen, &[side; 3], 0);
        for step in [1, 7, 4096] {
            let mut trickle = Trickle::new(&file, step);
            let (collected, bytes) = decode(Cpu::detect(), &mut trickle, &[side; 3]).unwrap();
            assert!(collected == expected);
            assert_eq!(bytes, end);
            // One window of 64 KiB, with all that may be stuffed.
            assert!(trickle.asked <= end + (64 << 10), "{} {end}", trickle.asked);
        }
        let (_, bytes) = decode(Cpu::detect(), &mut file.as_slice(), &[side; 3]).unwrap();
        assert_eq!(bytes, end);
        // Nothing after that matters.
        let (collected, _) = decode(Cpu::detect(), &mut &file[..end], &[side; 3]).unwrap();
        assert!(collected == expected);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn details_that_are_not_refined_with_wanted_ones_are_passed_over() {
    let specimen = Specimen::new(100, 90, &[(1, 1), (1, 1), (1, 1)]);
    let script = unusual();
    let mut file = specimen.start();
    for (index, step) in script.iter().enumerate() {
        let start = file.len();
        specimen.scan(step, &mut file);
        // Luma from 5 on: nonsense behind the header, for whoever reads it.
        if matches!(index, 1 | 2 | 5 | 7 | 11) {
            let end = file.len();
            let data = file[start..]
                .windows(2)
                .position(|pair| pair == [0xff, 0xda]);
            file[start + data.unwrap() + 10..end].fill(0x55);
        }
    }
    file.extend([0xff, 0xd9]);
    let sides = [BlockSide::Two, BlockSide::One, BlockSide::One];
    let (collected, _) = decode(Cpu::detect(), &mut file.as_slice(), &sides).unwrap();
    assert!(collected == truth(&specimen, &sides, 0));
    assert!(decode(Cpu::detect(), &mut file.as_slice(), &[BlockSide::Four; 3]).is_err());
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn a_file_that_is_cut_before_its_last_needed_scan_ends_is_truncated() {
    let specimen = Specimen::new(24, 24, &[(2, 2), (1, 1), (1, 1)]);
    let file = specimen.write(&usual());
    for side in SIDES {
        let sides = [side; 3];
        let (whole, bytes) = decode(Cpu::detect(), &mut file.as_slice(), &sides).unwrap();
        for length in 0..file.len() {
            let cut = &file[..length];
            let result = decode(Cpu::detect(), &mut &cut[..], &sides);
            if length >= bytes {
                assert!(result.unwrap().0 == whole);
            } else {
                match result {
                    // What is missing may be filled up by the last byte's padding alone.
                    Ok((collected, _)) => assert!(length + 1 >= bytes && collected == whole),
                    Err(error) => assert_eq!(error, JpegError::Truncated, "{length} of {bytes}"),
                }
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn an_image_that_ends_before_its_last_bits_is_what_has_come() {
    let specimen = Specimen::new(61, 45, &[(2, 2), (1, 1), (1, 1)]);
    let script: Vec<Step> = vec![
        step(&[0, 1, 2], 0, 0, 0, 1),
        step(&[0], 1, 63, 0, 1),
        step(&[1], 1, 63, 0, 1),
        step(&[2], 1, 63, 0, 1),
    ];
    let file = specimen.write(&script);
    for side in SIDES {
        let (collected, bytes) = decode(Cpu::detect(), &mut file.as_slice(), &[side; 3]).unwrap();
        assert!(collected == truth(&specimen, &[side; 3], 1));
        assert_eq!(bytes, file.len());
    }
}

#[test]
fn scans_that_contradict_each_other_are_corrupt() {
    let specimen = Specimen::new(16, 16, &[(1, 1), (1, 1), (1, 1)]);
    let dc = step(&[0, 1, 2], 0, 0, 0, 1);
    for script in [
        vec![],
        vec![step(&[0, 1], 0, 0, 0, 0)],
        vec![step(&[0], 1, 63, 0, 0)],
        vec![dc.clone(), dc.clone()],
        vec![step(&[0, 1, 2], 0, 0, 1, 0), dc.clone()],
        vec![dc.clone(), step(&[0], 1, 9, 0, 0), step(&[0], 9, 63, 0, 0)],
        vec![dc.clone(), step(&[0], 1, 63, 1, 0)],
        vec![dc, step(&[0], 1, 63, 0, 2), step(&[0], 1, 63, 1, 0)],
    ] {
        let file = [specimen.write(&script), vec![0; 4]].concat();
        let error =
            decode(Cpu::detect(), &mut file.as_slice(), &[BlockSide::Eight; 3]).unwrap_err();
        assert!(
            matches!(error, JpegError::Corrupt(_)),
            "{script:?}: {error}"
        );
    }
}

#[test]
fn a_broken_scan_that_no_wanted_coefficient_needs_is_no_matter() {
    let specimen = Specimen::new(64, 48, &[(1, 1)]);
    let broken = |script: &[Step], scan: usize| {
        let mut file = specimen.start();
        for (index, step) in script.iter().enumerate() {
            specimen.scan(step, &mut file);
            if index == scan {
                // In the place of its last bytes.
                let end = file.len();
                file[end - 6..].copy_from_slice(&[0xff, 0xd0, 0, 0, 0, 0]);
            }
        }
        [file, vec![0xff, 0xd9]].concat()
    };
    let apart = [
        step(&[0], 0, 0, 0, 0),
        step(&[0], 5, 63, 0, 1),
        step(&[0], 5, 63, 1, 0),
        step(&[0], 1, 4, 0, 0),
    ];
    let sides = [BlockSide::Two];
    let expected = truth(&specimen, &sides, 0);
    for scan in [1, 2] {
        let file = broken(&apart, scan);
        let (whole, bytes) = decode(Cpu::detect(), &mut file.as_slice(), &sides).unwrap();
        assert!(whole == expected);
        // Nobody knows yet that the broken one is not needed.
        let mut arriving = Trickle::new(&file, 1);
        let found = decode(Cpu::detect(), &mut arriving, &sides).unwrap();
        assert!(found == (expected.clone(), bytes));
        assert!(decode(Cpu::detect(), &mut file.as_slice(), &[BlockSide::Four]).is_err());
    }
    let together = [
        step(&[0], 0, 0, 0, 0),
        step(&[0], 1, 4, 0, 1),
        step(&[0], 5, 63, 0, 1),
        step(&[0], 1, 63, 1, 0),
    ];
    let file = broken(&together, 2);
    assert!(decode(Cpu::detect(), &mut file.as_slice(), &sides).is_err());
    assert!(decode(Cpu::detect(), &mut Trickle::new(&file, 1), &sides).is_err());
}

#[test]
fn a_coefficient_past_the_end_of_its_band_is_corrupt() {
    let mut specimen = Specimen::new(8, 8, &[(1, 1)]);
    specimen.blocks[0][0] = [0; 64];
    specimen.blocks[0][0][40] = 1;
    for (script, scan) in [
        (vec![step(&[0], 1, 63, 0, 0)], 0),
        (vec![step(&[0], 1, 63, 0, 1), step(&[0], 1, 63, 1, 0)], 1),
    ] {
        let mut file = specimen.write(&script);
        let mut scans = (0..file.len()).filter(|at| file[*at..].starts_with(&[0xff, 0xda]));
        let at = scans.nth(scan).unwrap();
        assert_eq!(file[at + 8], 63);
        file[at + 8] = 39;
        let error = decode(Cpu::detect(), &mut file.as_slice(), &[BlockSide::Eight]).unwrap_err();
        let expected = JpegError::corrupt("a coefficient past the end of its band");
        assert_eq!(error, expected);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes minutes there")]
fn a_decoder_forgets_the_image_before() {
    let mut decoder = Progressive::new();
    for (width, height) in [(17, 20), (9, 8), (18, 19)] {
        let specimen = Specimen::new(width, height, &[(2, 2), (1, 1), (1, 1)]);
        let file = specimen.write(&usual());
        let header = Header::read(&mut file.as_slice()).unwrap();
        let mut collected = Collected::default();
        let sides = [BlockSide::Four; 3];
        let read = decoder.decode(
            Cpu::detect(),
            &mut file.as_slice(),
            &header,
            &sides,
            &mut collected,
        );
        assert_eq!(read.unwrap().bytes, file.len() - 2);
        assert!(collected == truth(&specimen, &sides, 0));
    }
}

#[test]
fn what_will_be_held_is_known_before() {
    let specimen = Specimen::new(8 * 100, 8 * 10, &[(2, 2), (1, 1), (1, 1)]);
    let header = header(&specimen);
    let bytes = |luma, chroma| progressive_bytes(&header, &[luma, chroma, chroma]);
    assert_eq!(bytes(BlockSide::One, BlockSide::One), 1500 * 2);
    assert_eq!(
        bytes(BlockSide::Two, BlockSide::One),
        1000 * (8 + 8) + 500 * 2
    );
    assert_eq!(bytes(BlockSide::Eight, BlockSide::Eight), 1500 * (128 + 8));
}

proptest! {
    #[test]
    #[cfg_attr(miri, ignore = "takes minutes there")]
    fn broken_bytes_never_panic_and_are_the_same_everywhere(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        side in prop::sample::select(&SIDES[..]),
    ) {
        let specimen = Specimen::new(40, 40, &[(2, 2), (1, 1), (1, 1)]);
        let mut file = specimen.write(&usual());
        for (index, byte) in &changes {
            *index.get_mut(&mut file) = *byte;
        }
        // A frame that has become huge would be refused by its size.
        let small = Header::read(&mut file.as_slice())
            .is_ok_and(|header| header.width * header.height < 1 << 20);
        if small {
            let sides = [side; 4];
            let expected = decode(Cpu::Portable, &mut file.as_slice(), &sides);
            for cpu in Cpu::available() {
                prop_assert!(decode(cpu, &mut file.as_slice(), &sides) == expected);
            }
        }
    }
}
