use jpeg_decoder::Decoder;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chroma {
    None,
    Full,
    Half,
    Quarter,
}

impl Chroma {
    const ALL: [Self; 4] = [Self::None, Self::Full, Self::Half, Self::Quarter];

    /// Width and height of a chroma plane beside luma of `width` x `height`.
    fn size(self, width: usize, height: usize) -> (usize, usize) {
        match self {
            Self::None => (0, 0),
            Self::Full => (width, height),
            Self::Half => (width.div_ceil(2), height),
            Self::Quarter => (width.div_ceil(2), height.div_ceil(2)),
        }
    }
}

fn plane(width: usize, height: usize, sample: impl Fn(usize, usize) -> u8) -> Plane {
    let samples = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .map(|(x, y)| sample(x, y))
        .collect();
    Plane {
        width,
        height,
        samples,
    }
}

/// A smooth picture with a little texture.
fn photo(width: usize, height: usize, phase: usize) -> Plane {
    plane(width, height, |x, y| {
        let texture = (x * 7 + y * 13 + phase) % 5;
        let slope = (3 * x + 2 * y + 40 * phase) % 400;
        u8::try_from(20 + slope.abs_diff(200) + texture).unwrap()
    })
}

fn noise(width: usize, height: usize, seed: usize) -> Plane {
    plane(width, height, |x, y| {
        let mixed = (x + y * width + seed * 7919).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed.to_be_bytes()[1]
    })
}

fn planes(
    width: usize,
    height: usize,
    chroma: Chroma,
    draw: fn(usize, usize, usize) -> Plane,
) -> (Plane, Option<[Plane; 2]>) {
    let (half_width, half_height) = chroma.size(width, height);
    let pair = (chroma != Chroma::None).then(|| {
        [
            draw(half_width, half_height, 1),
            draw(half_width, half_height, 2),
        ]
    });
    (draw(width, height, 0), pair)
}

fn encode(
    cpu: Cpu,
    (luma, chroma): &(Plane, Option<[Plane; 2]>),
    quality: u8,
    tables: HuffmanTables,
) -> Vec<u8> {
    let chroma = chroma.as_ref().map(|[blue, red]| [blue, red]);
    Encoder::new(cpu)
        .encode(luma, chroma, quality, tables)
        .unwrap()
}

/// Luma as another decoder sees it. That one gives RGB for a file in colour, whose brightness is luma but for what is
/// cut off at black and white.
fn luma(jpeg: &[u8]) -> Vec<u8> {
    let mut decoder = Decoder::new(jpeg);
    let pixels = decoder.decode().unwrap();
    if decoder.info().unwrap().pixel_format == jpeg_decoder::PixelFormat::L8 {
        return pixels;
    }
    let brightness = |&[red, green, blue]: &[u8; 3]| {
        let sum = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
        u8::try_from((sum + 500) / 1000).unwrap()
    };
    pixels.as_chunks().0.iter().map(brightness).collect()
}

fn gray(plane: &Plane) -> (Plane, Option<[Plane; 2]>) {
    (plane.clone(), None)
}

/// The entropy-coded segment of a file without restarts.
fn entropy(jpeg: &[u8]) -> &[u8] {
    let scan = jpeg
        .windows(2)
        .position(|pair| pair == [0xff, 0xda])
        .unwrap();
    let length = usize::from(u16::from_be_bytes([jpeg[scan + 2], jpeg[scan + 3]]));
    &jpeg[scan + 2 + length..jpeg.len() - 2]
}

#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn every_size_decodes_to_what_went_in() {
    for side in 1..=40 {
        for (width, height) in [(side, 41 - side), (side, 17), (9, side)] {
            for chroma in Chroma::ALL {
                for (quality, tolerance) in
                    [(1, 255), (10, 110), (50, 24), (80, 12), (95, 5), (100, 3)]
                {
                    let drawn = planes(width, height, chroma, photo);
                    // Neutral: chroma is about how the planes interleave, and would only be cut off by RGB.
                    let neutral = drawn.1.as_ref().map(|pair| {
                        pair.each_ref().map(|plane| Plane {
                            samples: vec![128; plane.samples.len()],
                            ..plane.clone()
                        })
                    });
                    for tables in [HuffmanTables::Optimised, HuffmanTables::Standard] {
                        let drawn = (drawn.0.clone(), neutral.clone());
                        let decoded = luma(&encode(Cpu::detect(), &drawn, quality, tables));
                        assert_eq!(decoded.len(), width * height);
                        let worst = decoded
                            .iter()
                            .zip(&drawn.0.samples)
                            .map(|(&out, &sample)| out.abs_diff(sample))
                            .max();
                        assert!(
                            worst <= Some(tolerance),
                            "{width} x {height} {chroma:?} at {quality}: {worst:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn both_kinds_of_tables_decode_to_the_same_pixels() {
    for chroma in Chroma::ALL {
        for quality in [1, 10, 50, 80, 95, 100] {
            let drawn = planes(37, 29, chroma, noise);
            let [optimised, standard] =
                [HuffmanTables::Optimised, HuffmanTables::Standard].map(|tables| {
                    let jpeg = encode(Cpu::detect(), &drawn, quality, tables);
                    (
                        Decoder::new(&jpeg[..]).decode().unwrap(),
                        entropy(&jpeg).len(),
                    )
                });
            assert_eq!(optimised.0, standard.0);
            assert!(optimised.1 <= standard.1);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn chroma_comes_back_in_its_place() {
    let luma = plane(64, 32, |_, _| 128);
    for chroma in [Chroma::Full, Chroma::Half, Chroma::Quarter] {
        let (width, height) = chroma.size(64, 32);
        let flat = plane(width, height, |_, _| 128);
        let left = plane(width, height, |x, _| if x < width / 2 { 160 } else { 128 });
        let red = encode(
            Cpu::detect(),
            &(luma.clone(), Some([flat, left])),
            95,
            HuffmanTables::Optimised,
        );
        let pixels = Decoder::new(&red[..]).decode().unwrap();
        let at = |x: usize, y: usize| &pixels[3 * (64 * y + x)..][..3];
        assert!(
            at(4, 16)[0] > 165 && at(4, 16)[1] < 110,
            "{chroma:?} {:?}",
            at(4, 16)
        );
        assert!(at(60, 16).iter().all(|&sample| sample.abs_diff(128) < 4));
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn coefficients_at_their_limits_survive() {
    type Draw = fn(usize, usize) -> u8;
    let extremes: [Draw; 6] = [
        |x, y| if (x + y) % 2 == 0 { 0 } else { 255 },
        |x, _| if x % 2 == 0 { 0 } else { 255 },
        |_, y| if y % 2 == 0 { 255 } else { 0 },
        |x, y| if (x / 4 + y / 4) % 2 == 0 { 0 } else { 255 },
        |x, y| if (x / 8 + y / 8) % 2 == 0 { 0 } else { 255 },
        |x, y| if x * y % 3 == 0 { 0 } else { 255 },
    ];
    // Each basis function, black where it is negative and white where it is not, and the other way round: no block has
    // a larger coefficient.
    let basis = plane(64, 128, |x, y| {
        let sign = |position: usize, frequency: usize| {
            let angle = (2 * position + 1) * frequency % 32;
            (9..=23).contains(&angle)
        };
        let negative = sign(x % 8, x / 8) != sign(y % 8, y / 8 % 8);
        if negative == (y < 64) { 0 } else { 255 }
    });
    let drawn = extremes.map(|draw| plane(40, 24, draw));
    for drawn in drawn.iter().chain([&basis]).map(gray) {
        for tables in [HuffmanTables::Optimised, HuffmanTables::Standard] {
            let jpeg = encode(Cpu::Portable, &drawn, 100, tables);
            for cpu in Cpu::available() {
                assert!(jpeg == encode(cpu, &drawn, 100, tables), "{cpu:?}");
            }
            let worst = luma(&jpeg)
                .iter()
                .zip(&drawn.0.samples)
                .map(|(&out, &sample)| out.abs_diff(sample))
                .max();
            assert!(worst <= Some(2), "{worst:?}");
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn a_picture_may_be_65535_wide_but_not_65536() {
    for (width, height) in [(65535, 1), (1, 65535)] {
        let jpeg = encode(
            Cpu::detect(),
            &gray(&photo(width, height, 0)),
            80,
            HuffmanTables::Optimised,
        );
        let mut decoder = Decoder::new(&jpeg[..]);
        decoder.read_info().unwrap();
        let info = decoder.info().unwrap();
        assert_eq!(
            (usize::from(info.width), usize::from(info.height)),
            (width, height)
        );
    }

    let mut encoder = Encoder::new(Cpu::detect());
    let wider = photo(65536, 1, 0);
    assert_eq!(
        encoder.encode(&wider, None, 80, HuffmanTables::Optimised),
        Err("a JPEG side is 1 to 65535 pixels, not 65536".to_owned())
    );
    let empty = Plane::default();
    assert_eq!(
        encoder.encode(&empty, None, 80, HuffmanTables::Optimised),
        Err("a JPEG side is 1 to 65535 pixels, not 0".to_owned())
    );
}

#[test]
fn planes_that_do_not_fit_are_refused() {
    let mut encoder = Encoder::new(Cpu::detect());
    let luma = photo(20, 20, 0);
    let mut refusal = |blue: &Plane, red: &Plane| {
        encoder
            .encode(&luma, Some([blue, red]), 80, HuffmanTables::Standard)
            .unwrap_err()
    };
    assert_eq!(
        refusal(&photo(10, 10, 0), &photo(10, 9, 0)),
        "the chroma planes differ in size"
    );
    assert_eq!(
        refusal(&photo(5, 5, 0), &photo(5, 5, 0)),
        "chroma of 5 x 5 does not fit luma of 20 x 20"
    );
    let mut short = photo(10, 10, 0);
    short.samples.pop();
    assert_eq!(
        refusal(&short, &photo(10, 10, 0)),
        "a plane does not have width times height samples"
    );
}

#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn an_encoder_forgets_the_picture_before() {
    let mut encoder = Encoder::new(Cpu::detect());
    let large = noise(100, 70, 3);
    for tables in [HuffmanTables::Standard, HuffmanTables::Optimised] {
        let small = planes(19, 21, Chroma::Quarter, photo);
        encoder
            .encode(&large, None, 100, HuffmanTables::Optimised)
            .unwrap();
        let chroma = small.1.as_ref().map(|[blue, red]| [blue, red]);
        let again = encoder.encode(&small.0, chroma, 80, tables).unwrap();
        assert!(again == encode(Cpu::detect(), &small, 80, tables));
    }
}

#[test]
fn a_quality_out_of_range_is_the_nearest_one() {
    let drawn = planes(19, 21, Chroma::Quarter, photo);
    let at = |quality| encode(Cpu::detect(), &drawn, quality, HuffmanTables::Standard);
    assert!(at(0) == at(1));
    assert!(at(255) == at(100));
    assert!(at(99) != at(100));
}

/// FNV-1a, 64 bits.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
#[cfg_attr(miri, ignore = "takes too long")]
fn the_bytes_are_those_of_libjpeg_turbo() {
    // Fingerprints of what libjpeg-turbo 2.1.5 makes of the same planes (`tjCompressFromYUVPlanes` with the accurate
    // DCT, with and without `TJ_OPTIMIZE`).
    let mut found = Vec::new();
    for (width, height) in [(1, 1), (16, 16), (37, 29), (131, 67)] {
        for chroma in Chroma::ALL {
            if width == 1 && chroma != Chroma::None && chroma != Chroma::Full {
                continue;
            }
            for draw in [photo, noise] {
                for quality in [1, 25, 80, 100] {
                    for tables in [HuffmanTables::Standard, HuffmanTables::Optimised] {
                        let drawn = planes(width, height, chroma, draw);
                        found.push(fingerprint(&encode(Cpu::detect(), &drawn, quality, tables)));
                    }
                }
            }
        }
    }
    let bytes: Vec<u8> = found.iter().flat_map(|hash| hash.to_be_bytes()).collect();
    assert_eq!(fingerprint(&bytes), 0x7e4c_8d08_08b5_33a0);
}

#[test]
fn the_smallest_files_are_equal_on_every_processor() {
    // Small enough for Miri.
    for (chroma, quality) in [(Chroma::None, 100), (Chroma::Quarter, 20)] {
        let drawn = planes(18, 9, chroma, noise);
        for tables in [HuffmanTables::Standard, HuffmanTables::Optimised] {
            let portable = encode(Cpu::Portable, &drawn, quality, tables);
            for cpu in Cpu::available() {
                assert!(portable == encode(cpu, &drawn, quality, tables), "{cpu:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    #[cfg_attr(miri, ignore = "takes too long")]
    fn every_processor_gives_the_same_bytes(
        width in 1_usize..150,
        height in 1_usize..40,
        quality in 1_u8..=100,
        which in 0_usize..4,
        contrast in prop::sample::select(vec![0_u8, 3, 40, 255]),
        seed in any::<u16>(),
        optimised in any::<bool>(),
    ) {
        let draw = |width: usize, height: usize, plane_seed: usize| {
            let mut drawn = noise(width, height, usize::from(seed) + plane_seed);
            for sample in &mut drawn.samples {
                // At full contrast only black and white.
                *sample = match contrast {
                    255 => if *sample < 128 { 0 } else { 255 },
                    _ => 100 + *sample % (contrast + 1),
                };
            }
            drawn
        };
        let chroma = Chroma::ALL[which];
        let (half_width, half_height) = chroma.size(width, height);
        let pair = (chroma != Chroma::None)
            .then(|| [draw(half_width, half_height, 1), draw(half_width, half_height, 2)]);
        let drawn = (draw(width, height, 0), pair);
        let tables = if optimised { HuffmanTables::Optimised } else { HuffmanTables::Standard };
        let portable = encode(Cpu::Portable, &drawn, quality, tables);
        prop_assert_eq!(luma(&portable).len(), width * height);
        for cpu in Cpu::available() {
            prop_assert!(portable == encode(cpu, &drawn, quality, tables), "{:?}", cpu);
        }
    }
}
