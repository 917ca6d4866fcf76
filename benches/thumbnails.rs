//! The pixel pipeline on photo-like images: decode, resize, encode, and the whole.
//!
//! Throughput is in elements per second, and an element is a pixel: of the source for decode,
//! resize and whole, of the thumbnail for encode. So `Melem/s` reads as megapixels per second.
//! `cargo bench -p flotilla-benches -- decode/jpeg` runs a part.
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
use thumbnailer::{ImageFormat, Limits, OutputFormat, Plan, Size, stages, thumbnails};

/// A phone's photo and a small one, in pixels.
const SOURCES: [(u32, u32); 2] = [(4032, 3024), (1280, 960)];

const SIZES: [u32; 4] = [128, 256, 512, 1024];

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

fn benches(criterion: &mut Criterion) {
    let sources = sources();
    let limits = Limits::sane_defaults();
    let plan = Plan::default();

    let mut decode = group(criterion, "decode");
    for source in &sources {
        decode.throughput(Throughput::Elements(source.pixels));
        decode.bench_function(&source.name, |bencher| {
            bencher.iter_with_large_drop(|| stages::decode(&source.bytes, &plan, &limits).unwrap());
        });
    }
    decode.finish();

    let source = &sources[0];
    let mut frame = stages::decode(&source.bytes, &plan, &limits).unwrap();
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
                bencher.iter(|| thumbnails(black_box(&source.bytes), &plan, &limits).unwrap());
            });
        }
    }
    whole.finish();
}

criterion_group!(thumbnails_of_photos, benches);
criterion_main!(thumbnails_of_photos);
