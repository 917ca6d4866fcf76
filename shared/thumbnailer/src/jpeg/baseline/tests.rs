use fixtures::encode::{JpegOptions, Sampling, jpeg};

use super::Sequential;
use crate::cpu::Cpu;
use crate::jpeg::{BlockSide, Header, JpegError};
use crate::planes::{RowSink, Rows};

const SIDES: [BlockSide; 4] = [
    BlockSide::One,
    BlockSide::Two,
    BlockSide::Four,
    BlockSide::Eight,
];

#[derive(Debug, Default, PartialEq)]
struct Planes([Vec<u8>; 4]);

impl RowSink for Planes {
    fn rows(&mut self, component: usize, rows: Rows<'_>) {
        for row in rows.iter() {
            self.0[component].extend(row);
        }
    }
}

fn decode(bytes: &[u8], cpu: Cpu, side: BlockSide, threads: usize) -> Result<Planes, JpegError> {
    let mut input = bytes;
    let header = Header::read(&mut input)?;
    let sides = vec![side; header.components.len()];
    let mut planes = Planes::default();
    Sequential::new().decode(cpu, &mut input, &header, &sides, threads, &mut planes)?;
    Ok(planes)
}

/// Enough bytes for several readers.
fn picture(options: &JpegOptions) -> Vec<u8> {
    let bytes = jpeg(&fixtures::photo(700, 460, 3), options);
    assert!(bytes.len() > 64 << 10, "{} bytes are too few", bytes.len());
    bytes
}

#[test]
fn readers_that_start_anywhere_find_what_one_alone_finds() {
    for sampling in [Sampling::F420, Sampling::F444, Sampling::F422] {
        let options = JpegOptions {
            quality: 97,
            sampling,
            ..JpegOptions::default()
        };
        let whole = picture(&options);
        // With a marker after each unit nobody has to find anything.
        let known = picture(&JpegOptions {
            restart_interval: Some(1),
            ..options
        });
        for side in SIDES {
            let expected = decode(&known, Cpu::Portable, side, 1).unwrap();
            for cpu in Cpu::available() {
                for threads in 1..=4 {
                    let planes = decode(&whole, cpu, side, threads).unwrap();
                    assert!(
                        planes == expected,
                        "{sampling:?} {side:?} {cpu:?} {threads}"
                    );
                }
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of pictures")]
fn restart_intervals_of_any_length_make_no_difference() {
    let options = JpegOptions {
        quality: 97,
        ..JpegOptions::default()
    };
    let whole = picture(&options);
    for side in SIDES {
        let expected = decode(&whole, Cpu::detect(), side, 1).unwrap();
        // Less than a row of units, one, more; so long that few readers share one or that one interval has several.
        for interval in [1, 2, 7, 43, 44, 45, 90, 200, 500, 1275, 1276, 65_535] {
            let divided = picture(&JpegOptions {
                restart_interval: Some(interval),
                ..options.clone()
            });
            for threads in 1..=4 {
                let planes = decode(&divided, Cpu::detect(), side, threads).unwrap();
                assert!(planes == expected, "{interval} {side:?} {threads}");
            }
        }
    }
}

/// Where the restart markers are.
fn markers(file: &[u8]) -> Vec<usize> {
    let is_marker = |at: &usize| matches!(file[*at..], [0xff, 0xd0..=0xd7, ..]);
    (0..file.len()).filter(is_marker).collect()
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of pictures")]
fn restart_markers_out_of_order_are_corrupt_for_any_number_of_readers() {
    for interval in [3, 44, 300] {
        let file = picture(&JpegOptions {
            quality: 97,
            restart_interval: Some(interval),
            ..JpegOptions::default()
        });
        let markers = markers(&file);
        for (index, at) in markers.iter().enumerate() {
            if index % (markers.len() / 30 + 1) > 0 {
                continue;
            }
            let (before, behind) = (&file[..*at], &file[at + 2..]);
            let number = file[at + 1];
            let next = 0xd0 | (number + 1) & 7;
            let mut renumbered = file.clone();
            for at in &markers[index..] {
                renumbered[at + 1] = 0xd0 | (renumbered[at + 1] + 1) & 7;
            }
            for changed in [
                [before, behind].concat(),
                [before, &[0xff, number, 0xff, number], behind].concat(),
                [before, &[0xff, next], behind].concat(),
                [before, &[0xff, number, 0xff, next], behind].concat(),
                [before, &[0xff, 0xd9], behind].concat(),
                renumbered,
            ] {
                for threads in 1..=3 {
                    let found = decode(&changed, Cpu::detect(), BlockSide::One, threads);
                    assert!(
                        matches!(found, Err(JpegError::Corrupt(_))),
                        "{interval} {at} {threads}"
                    );
                }
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of pictures")]
fn what_comes_behind_the_last_unit_is_passed_over() {
    let options = JpegOptions {
        quality: 97,
        ..JpegOptions::default()
    };
    for interval in [None, Some(3), Some(44), Some(300)] {
        let mut file = picture(&JpegOptions {
            restart_interval: interval,
            ..options.clone()
        });
        let expected = decode(&file, Cpu::detect(), BlockSide::One, 1).unwrap();
        let end = file.len() - 2;
        let last = markers(&file).last().copied().unwrap_or(end - 50);
        let number = |further: u8| 0xd0 | file[last + 1].wrapping_add(further) & 7;
        // An interval more than there has to be, another one that is none, and markers.
        let rest = [
            &[0xff, number(1)],
            &file[last + 2..end],
            &[0xff, number(2), 1, 2, 3, 0xff, number(3)],
        ]
        .concat();
        file.splice(end..end, rest);
        for threads in 1..=3 {
            let planes = decode(&file, Cpu::detect(), BlockSide::One, threads).unwrap();
            assert!(planes == expected, "{interval:?} {threads}");
        }
    }
}

#[test]
fn a_picture_that_is_cut_short_is_none() {
    for restart_interval in [None, Some(1), Some(9), Some(44), Some(400)] {
        let whole = picture(&JpegOptions {
            quality: 97,
            restart_interval,
            ..JpegOptions::default()
        });
        for part in [1, 2, 3] {
            let cut = &whole[..whole.len() / 4 * part];
            for side in SIDES {
                for threads in [1, 2, 3] {
                    let result = decode(cut, Cpu::detect(), side, threads);
                    assert_eq!(result, Err(JpegError::Truncated));
                }
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "thousands of pictures")]
fn a_picture_that_is_cut_anywhere_is_none() {
    for restart_interval in [None, Some(2), Some(16)] {
        let whole = jpeg(
            &fixtures::photo(128, 96, 3),
            &JpegOptions {
                quality: 90,
                restart_interval,
                ..JpegOptions::default()
            },
        );
        assert!(whole.len() > 4 << 10, "{} bytes are too few", whole.len());
        let start = whole.windows(2).position(|pair| pair == [0xff, 0xda]);
        let last = whole.len() - 3;
        // Each byte has its turn on one thread in comparison::broken.
        for length in (start.unwrap()..last).step_by(5) {
            for threads in [1, 3] {
                let result = decode(&whole[..length], Cpu::detect(), BlockSide::One, threads);
                assert!(result.is_err(), "{restart_interval:?} {length} {threads}");
            }
        }
    }
}
