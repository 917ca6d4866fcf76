//! Streams against another's decoder: every sample has to come out as the encoder has seen it.

use proptest::prelude::*;
use re_rav1d::dav1d::{Decoder, PixelLayout, PlanarImageComponent as Component, Settings};

use super::header::Filters;
use super::setup::Setup;
use super::{Picture, encode, encode_frame};
use crate::cpu::Cpu;
use crate::planes::Plane;

const UNFILTERED: Filters = Filters {
    deblocking: [0; 4],
    sharpness: 0,
};

/// Numbers that look like chance, from a seed.
fn noise(seed: u32) -> impl FnMut() -> u32 {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    }
}

#[derive(Debug, Clone, Copy)]
enum Content {
    Noise,
    Gradient,
    Flat,
    Edges,
    Mixed,
}

const CONTENTS: [Content; 5] = [
    Content::Noise,
    Content::Gradient,
    Content::Flat,
    Content::Edges,
    Content::Mixed,
];

fn plane(width: usize, height: usize, content: Content, seed: u32) -> Plane {
    let mut next = noise(seed);
    let slope = [next() % 7, next() % 5];
    let mut samples = Vec::with_capacity(width * height);
    for y in 0..height as u32 {
        for x in 0..width as u32 {
            let gradient = (x * slope[0] + y * slope[1] + 2 * seed) / 2;
            samples.push(match content {
                Content::Noise => next() >> 24,
                Content::Gradient => gradient,
                Content::Flat => seed * 37,
                Content::Edges => 220 * ((x * slope[1] + y * 3) / 11 % 2) + next() % 8,
                Content::Mixed => {
                    let chance = if (x / 24 + y / 24) % 2 == 0 {
                        next() % 40
                    } else {
                        0
                    };
                    (gradient / 3 + chance + 90 * (x / 13 % 2)).min(255)
                }
            } as u8);
        }
    }
    Plane {
        width,
        height,
        samples,
    }
}

fn planes(width: usize, height: usize, colour: bool, content: Content, seed: u32) -> Vec<Plane> {
    let chroma = (width.div_ceil(2), height.div_ceil(2));
    let mut planes = vec![plane(width, height, content, seed)];
    if colour {
        planes.push(plane(chroma.0, chroma.1, content, seed + 1));
        planes.push(plane(chroma.0, chroma.1, content, seed + 2));
    }
    planes
}

fn picture(planes: &[Plane]) -> Picture<'_> {
    Picture {
        luma: &planes[0],
        chroma: planes.get(1).zip(planes.get(2)).map(|(u, v)| [u, v]),
    }
}

/// What rav1d makes of a stream.
fn decode(stream: &[u8]) -> Vec<Plane> {
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    let mut decoder = Decoder::with_settings(&settings).expect("a decoder");
    decoder
        .send_data(stream.to_vec(), None, None, None)
        .expect("a stream that is read");
    let picture = decoder.get_picture().expect("a picture");
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let mut components = vec![(Component::Y, width, height)];
    if picture.pixel_layout() != PixelLayout::I400 {
        let (width, height) = (width.div_ceil(2), height.div_ceil(2));
        components.extend([Component::U, Component::V].map(|component| (component, width, height)));
    }
    components
        .into_iter()
        .map(|(component, width, height)| {
            let stride = picture.stride(component) as usize;
            let plane = picture.plane(component);
            let rows = plane.chunks(stride).take(height);
            Plane {
                width,
                height,
                samples: rows.flat_map(|row| row[..width].to_vec()).collect(),
            }
        })
        .collect()
}

/// Encodes without filters and compares.
fn check(width: usize, height: usize, colour: bool, content: Content, quantiser: u8) {
    let planes = planes(width, height, colour, content, u32::from(quantiser) % 5);
    let picture = picture(&planes);
    let mut setup = Setup::new(Cpu::detect(), &picture, quantiser);
    setup.frame.filters = UNFILTERED;
    let (stream, canvases) = encode_frame(&setup, &picture);
    let decoded = decode(&stream);
    assert_eq!(decoded.len(), planes.len());
    for (index, (plane, canvas)) in decoded.iter().zip(&canvases).enumerate() {
        for (y, row) in plane.samples.chunks(plane.width).enumerate() {
            let expected = &canvas.samples[y * canvas.stride..][..plane.width];
            assert_eq!(
                row, expected,
                "row {y} of plane {index}: {width}x{height}, {content:?}, quantiser {quantiser}, colour {colour}"
            );
        }
    }
}

#[test]
fn a_decoder_sees_what_the_encoder_has_seen() {
    for content in CONTENTS {
        for (width, height) in [(64, 64), (128, 128), (200, 136), (65, 1), (1, 70)] {
            for quantiser in [1, 40, 100, 180, 255] {
                check(width, height, true, content, quantiser);
                check(width, height, false, content, quantiser);
            }
        }
    }
}

#[test]
fn a_picture_may_end_anywhere() {
    let mut quantiser = 3u8;
    for width in (1..=70).step_by(3) {
        for height in (1..=70).step_by(7) {
            quantiser = quantiser.wrapping_add(29).max(1);
            let content = CONTENTS[usize::from(quantiser) % CONTENTS.len()];
            check(width, height, true, content, quantiser);
            check(height, width, width % 2 == 0, content, quantiser);
        }
    }
}

#[test]
fn a_wide_picture_comes_in_tiles() {
    check(4097, 70, true, Content::Mixed, 120);
    check(4500, 2100, true, Content::Gradient, 220);
}

#[test]
fn every_processor_gives_the_same_stream() {
    for content in CONTENTS {
        let planes = planes(150, 90, true, content, 3);
        let picture = picture(&planes);
        let expected = encode(Cpu::Portable, &picture, 100);
        for cpu in Cpu::available() {
            assert_eq!(encode(cpu, &picture, 100), expected, "{cpu:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_picture_is_decoded_otherwise(
        width in 1usize..150,
        height in 1usize..150,
        quantiser in 1u8..,
        colour: bool,
        content in 0..CONTENTS.len(),
    ) {
        check(width, height, colour, CONTENTS[content], quantiser);
    }
}
