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
        // With a marker after each row of units every interval is too short for a second reader.
        let alone = picture(&JpegOptions {
            restart_interval: Some(8),
            ..options
        });
        for side in SIDES {
            let expected = decode(&alone, Cpu::Portable, side, 1).unwrap();
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
fn a_picture_that_is_cut_short_is_none() {
    let whole = picture(&JpegOptions {
        quality: 97,
        ..JpegOptions::default()
    });
    for part in [1, 2, 3] {
        let cut = &whole[..whole.len() / 4 * part];
        for side in SIDES {
            for threads in [1, 2] {
                let result = decode(cut, Cpu::detect(), side, threads);
                assert_eq!(result, Err(JpegError::Truncated));
            }
        }
    }
}
