//! The pixel pipeline on photo-like images, step by step and whole.
//!
//! Throughput is in elements per second, and an element is a pixel: of the source for decode, resize and whole, of the
//! thumbnail for encode, a sample for the inverse transform. So `Melem/s` reads as megapixels per second. The group
//! `entropy` is in bytes of the file per second instead.
//! `cargo bench -p flotilla-benches -- entropy` runs a part; `benches/versus/run` measures against other libraries.
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot set itself up has failed"
)]

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use fixtures::encode::{self, JpegOptions};
use thumbnailer::{ImageFormat, Limits, OutputFormat, Plan, Size, Thumbnailer, stages};

/// A phone's photo and a small one, in pixels.
const SOURCES: [(u32, u32); 2] = [(4032, 3024), (1280, 960)];

const SIZES: [u32; 4] = [128, 256, 512, 1024];

/// The scales that a JPEG is decoded at.
const EIGHTHS: [u8; 4] = [1, 2, 4, 8];

/// One encoded photo.
struct Source {
    name: String,
    bytes: Vec<u8>,
    pixels: u64,
}

fn sources() -> Vec<Source> {
    SOURCES
        .iter()
        .flat_map(|(width, height)| {
            let photo = fixtures::photo(*width, *height, 1);
            let progressive = JpegOptions {
                progressive: true,
                ..JpegOptions::default()
            };
            let encoded = [
                ("jpeg", encode::jpeg(&photo, &JpegOptions::default())),
                ("jpeg-progressive", encode::jpeg(&photo, &progressive)),
                ("png", encode::png(&photo)),
                ("webp", encode::webp_lossy(&photo, 80.0)),
            ];
            let pixels = u64::from(*width) * u64::from(*height);
            encoded.map(|(format, bytes)| Source {
                name: format!("{format}/{width}x{height}"),
                bytes,
                pixels,
            })
        })
        .collect()
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    group
}

/// The steps of the scaled decoder, the planar resampler and the encoder, on a baseline and a progressive photo.
fn jpeg_steps(criterion: &mut Criterion, photo: &Source, progressive: &Source) {
    let mut entropy = group(criterion, "entropy");
    for source in [photo, progressive] {
        let bytes = u64::try_from(source.bytes.len()).unwrap();
        entropy.throughput(Throughput::Bytes(bytes));
        let mut jpeg = stages::Jpeg::new(&source.bytes).unwrap();
        for eighths in EIGHTHS {
            let id = BenchmarkId::new(&source.name, format!("{eighths} of 8"));
            entropy.bench_function(id, |bencher| {
                bencher.iter(|| jpeg.skim(eighths, 1).unwrap());
            });
        }
    }
    let mut jpeg = stages::Jpeg::new(&photo.bytes).unwrap();
    entropy.throughput(Throughput::Bytes(u64::try_from(photo.bytes.len()).unwrap()));
    for threads in [1, 2] {
        entropy.bench_function(BenchmarkId::new("threads", threads), |bencher| {
            bencher.iter(|| jpeg.skim(1, threads).unwrap());
        });
    }
    entropy.finish();

    let mut inverse = group(criterion, "inverse");
    for eighths in EIGHTHS {
        let mut blocks = stages::Blocks::new(4_096, eighths);
        inverse.throughput(Throughput::Elements(blocks.samples()));
        inverse.bench_function(BenchmarkId::from_parameter(eighths), |bencher| {
            bencher.iter(|| blocks.inverse());
        });
    }
    inverse.finish();

    let mut planar = group(criterion, "planes");
    for (eighths, side) in [(1, 256), (2, 512), (4, 1024)] {
        let planes = jpeg.planes(eighths).unwrap();
        planar.throughput(Throughput::Elements(planes.count()));
        planar.bench_function(BenchmarkId::new("resize", side), |bencher| {
            bencher.iter(|| jpeg.resize(&planes, side, side * 3 / 4));
        });
        let small = jpeg.resize(&planes, side, side * 3 / 4);
        planar.throughput(Throughput::Elements(u64::from(side * (side * 3 / 4))));
        for (tables, optimised) in [("optimised", true), ("standard", false)] {
            let id = BenchmarkId::new(format!("encode-{tables}"), side);
            planar.bench_function(id, |bencher| {
                bencher.iter(|| jpeg.encode(&small, 80, optimised).unwrap());
            });
        }
    }
    planar.finish();
}

fn benches(criterion: &mut Criterion) {
    let sources = sources();
    let limits = Limits::sane_defaults();
    let plan = Plan::default();

    let mut decode = group(criterion, "decode");
    for source in &sources {
        decode.throughput(Throughput::Elements(source.pixels));
        decode.bench_function(&source.name, |bencher| {
            bencher.iter_with_large_drop(|| stages::decode(&source.bytes, &limits).unwrap());
        });
    }
    decode.finish();

    jpeg_steps(criterion, &sources[0], &sources[1]);

    let source = &sources[0];
    let mut frame = stages::decode(&source.bytes, &limits).unwrap();
    let mut resize = group(criterion, "resize");
    resize.throughput(Throughput::Elements(source.pixels));
    for side in SIZES {
        resize.bench_function(BenchmarkId::from_parameter(side), |bencher| {
            bencher.iter(|| stages::resize(&mut frame, Size::square(side), &plan).unwrap());
        });
    }
    resize.finish();

    let mut encode = group(criterion, "encode");
    for side in SIZES {
        let pixels = stages::resize(&mut frame, Size::square(side), &plan).unwrap();
        encode.throughput(Throughput::Elements(pixels.count()));
        for format in [
            ImageFormat::Jpeg,
            ImageFormat::WebP,
            ImageFormat::Png,
            ImageFormat::Avif,
        ] {
            // Seconds a picture, and nobody lists photos that large in it.
            if format == ImageFormat::Avif && side > 512 {
                continue;
            }
            encode.bench_function(BenchmarkId::new(format.extension(), side), |bencher| {
                bencher.iter(|| stages::encode(black_box(&pixels), format, &plan).unwrap());
            });
        }
    }
    encode.finish();

    let mut whole = group(criterion, "whole");
    for source in &sources {
        whole.throughput(Throughput::Elements(source.pixels));
        for (name, sizes) in [("256", &[256][..]), ("four-sizes", &SIZES[..])] {
            let plan = Plan {
                sizes: sizes.iter().copied().map(Size::square).collect(),
                formats: vec![OutputFormat::Jpeg],
                ..Plan::default()
            };
            whole.bench_function(BenchmarkId::new(&source.name, name), |bencher| {
                let mut thumbnailer = Thumbnailer::new();
                bencher.iter(|| {
                    let mut image = black_box(&source.bytes[..]);
                    thumbnailer.thumbnails(&mut image, &plan, &limits).unwrap()
                });
            });
        }
    }
    whole.finish();
}

criterion_group!(thumbnails_of_photos, benches);
criterion_main!(thumbnails_of_photos);
