//! Rows against the general decoder, of every kind of PNG that there is.

use std::ops::ControlFlow;

use png::{BitDepth, ColorType, Compression, Encoder, Filter};
use proptest::prelude::*;

use super::*;
use crate::cpu::Cpu;

const DEPTHS: [BitDepth; 5] = [
    BitDepth::One,
    BitDepth::Two,
    BitDepth::Four,
    BitDepth::Eight,
    BitDepth::Sixteen,
];
const FILTERS: [Filter; 6] = [
    Filter::NoFilter,
    Filter::Sub,
    Filter::Up,
    Filter::Avg,
    Filter::Paeth,
    Filter::Adaptive,
];

/// Numbers that repeat now and then, as those of pictures do.
fn noise(length: usize, mut seed: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    for index in 0..length {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let again = index.checked_sub(40).filter(|_| seed >> 30 == 0);
        bytes.push(again.map_or(seed.to_be_bytes()[0], |index| bytes[index]));
    }
    bytes
}

#[derive(Debug)]
struct Kind {
    colour: ColorType,
    depth: BitDepth,
    keyed: bool,
    filter: Filter,
    compression: Compression,
}

fn kinds() -> impl Iterator<Item = Kind> {
    let colours = [
        ColorType::Grayscale,
        ColorType::Rgb,
        ColorType::Indexed,
        ColorType::GrayscaleAlpha,
        ColorType::Rgba,
    ];
    let exists = |colour, depth| match colour {
        ColorType::Grayscale => true,
        ColorType::Indexed => depth != BitDepth::Sixteen,
        _ => matches!(depth, BitDepth::Eight | BitDepth::Sixteen),
    };
    let compressions = [
        Compression::NoCompression,
        Compression::Fastest,
        Compression::High,
    ];
    let kinds = colours.into_iter().flat_map(move |colour| {
        let depths = DEPTHS
            .into_iter()
            .filter(move |depth| exists(colour, *depth));
        depths.flat_map(move |depth| [false, true].map(|keyed| (colour, depth, keyed)))
    });
    kinds
        .enumerate()
        .flat_map(move |(index, (colour, depth, keyed))| {
            let keyed = keyed
                && matches!(
                    colour,
                    ColorType::Grayscale | ColorType::Rgb | ColorType::Indexed
                );
            FILTERS
                .into_iter()
                .enumerate()
                .map(move |(nth, filter)| Kind {
                    colour,
                    depth,
                    keyed,
                    filter,
                    compression: compressions[(index + nth) % 3],
                })
        })
}

fn png(kind: &Kind, width: u32, height: u32, seed: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width, height);
    encoder.set_color(kind.colour);
    encoder.set_depth(kind.depth);
    encoder.set_compression(kind.compression);
    encoder.set_filter(kind.filter);
    let bits = kind.colour.samples() * kind.depth as usize;
    let data = noise((width as usize * bits).div_ceil(8) * height as usize, seed);
    if kind.colour == ColorType::Indexed {
        encoder.set_palette(noise(3 << kind.depth as usize, !seed));
    }
    if kind.keyed {
        // The first pixel's colour, so that one is found.
        let wide = |index: usize| match kind.depth {
            BitDepth::Sixteen => [data[2 * index], data[2 * index + 1]],
            BitDepth::Eight => [0, data[index]],
            depth => [0, data[0] >> (8 - depth as usize)],
        };
        encoder.set_trns(match kind.colour {
            ColorType::Grayscale => wide(0).to_vec(),
            ColorType::Rgb => [wide(0), wide(1), wide(2)].concat(),
            _ => noise(1 << (kind.depth as usize - 1), seed),
        });
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&data).unwrap();
    writer.finish().unwrap();
    bytes
}

/// The pixels that rows amount to, and whether one is transparent.
fn read(cpu: Cpu, bytes: &[u8]) -> Result<(Vec<u8>, bool), ThumbnailError> {
    let rows = rows(cpu, bytes, &Limits::sane_defaults())?.expect("it is not interlaced");
    let mut pixels = Vec::new();
    let transparent = rows.read(|row| {
        pixels.extend_from_slice(row);
        ControlFlow::Continue(())
    })?;
    Ok((pixels, transparent))
}

/// What the general decoder makes of it, in the channels of rows.
fn expected(bytes: &[u8]) -> (Vec<u8>, bool) {
    let picture = decode(bytes, &Limits::sane_defaults()).unwrap().picture;
    match picture.layout {
        Layout::Gray => (picture.samples.iter().step_by(3).copied().collect(), false),
        layout if layout.has_alpha() => {
            let transparent = picture
                .samples
                .iter()
                .skip(3)
                .step_by(4)
                .any(|alpha| *alpha < 255);
            let multiply = |sample: u8, alpha: u8| {
                let product = u32::from(sample) * u32::from(alpha);
                u8::try_from((product + 127) / 255).unwrap()
            };
            let pixels =
                picture
                    .samples
                    .as_chunks()
                    .0
                    .iter()
                    .flat_map(|[red, green, blue, alpha]| {
                        [
                            multiply(*red, *alpha),
                            multiply(*green, *alpha),
                            multiply(*blue, *alpha),
                            *alpha,
                        ]
                    });
            (pixels.collect(), transparent)
        }
        _ => (picture.samples, false),
    }
}

#[test]
fn rows_are_what_the_general_decoder_reads_of_every_kind() {
    for (index, kind) in (0..).zip(kinds()) {
        for (width, height) in [(1, 1), (5, 3), (41, 27), (67, 8)] {
            let bytes = png(&kind, width, height, index);
            let what = format!("{kind:?} {width}x{height}");
            for cpu in Cpu::available() {
                assert!(
                    read(cpu, &bytes).unwrap() == expected(&bytes),
                    "{what} {cpu:?}"
                );
            }
        }
    }
}

#[test]
fn rows_of_several_batches_join() {
    let kind = Kind {
        colour: ColorType::Rgb,
        depth: BitDepth::Eight,
        keyed: false,
        filter: Filter::Adaptive,
        compression: Compression::Fast,
    };
    let bytes = png(&kind, 1500, 203, 5);
    assert!(read(Cpu::detect(), &bytes).unwrap() == expected(&bytes));
}

#[test]
fn a_sink_that_has_enough_gets_no_more() {
    let kind = kinds().next().unwrap();
    let bytes = png(&kind, 9, 40, 3);
    let rows = rows(Cpu::Portable, &bytes, &Limits::sane_defaults())
        .unwrap()
        .unwrap();
    let mut count = 0;
    let enough = rows.read(|_| {
        count += 1;
        if count < 7 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    assert_eq!((enough, count), (Ok(false), 7));
}

#[test]
fn an_interlaced_picture_is_left_to_the_general_decoder() {
    let kind = kinds().next().unwrap();
    let mut bytes = png(&kind, 9, 9, 3);
    bytes[28] = 1;
    let checksum = crc32fast::hash(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    assert!(
        rows(Cpu::Portable, &bytes, &Limits::sane_defaults())
            .unwrap()
            .is_none()
    );
}

#[test]
fn pixels_with_a_wrong_checksum_are_corrupt() {
    let kind = kinds().next().unwrap();
    let mut bytes = png(&kind, 41, 27, 3);
    let checksum = bytes.len() - 12 - 1;
    bytes[checksum] ^= 1;
    let error = read(Cpu::Portable, &bytes).expect_err("corrupt");
    assert!(error.to_string().contains("checksum"), "{error}");
}

#[test]
fn pixels_that_end_too_early_are_corrupt() {
    let kind = kinds().next().unwrap();
    let mut bytes = png(&kind, 41, 27, 3);
    // One row more than there is.
    bytes[23] += 1;
    let checksum = crc32fast::hash(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    assert!(read(Cpu::Portable, &bytes).is_err());
}

proptest! {
    #[test]
    fn mutated_files_never_panic(index in 0..60usize, at in 0..400usize, bit in 0..8u32, seed: u32) {
        let kind = kinds().nth(index).unwrap();
        let mut bytes = png(&kind, 19, 11, seed);
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        for cpu in Cpu::available() {
            let rows = rows(cpu, &bytes, &Limits { max_memory_bytes: 1 << 24, ..Limits::sane_defaults() });
            if let Ok(Some(rows)) = rows {
                let _ = rows.read(|_| ControlFlow::Continue(()));
            }
        }
    }
}
