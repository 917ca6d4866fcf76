//! Limits hold on the header, before decoding.

use fixtures::encode::{self, JpegOptions};
use thumbnailer::{Limits, Plan, Size, inspect, thumbnails};

fn source() -> Vec<u8> {
    encode::jpeg(&fixtures::photo(64, 48, 4), &JpegOptions::default())
}

#[test]
fn every_limit_is_checked_on_the_header() {
    let source = source();
    let header = inspect(&source, &Limits::sane_defaults()).unwrap();
    let input = u64::try_from(source.len()).unwrap();
    let roomy = Limits::sane_defaults();
    let table = [
        (
            "pixels",
            Limits {
                max_pixels: 64 * 48 - 1,
                ..roomy
            },
        ),
        (
            "input bytes",
            Limits {
                max_input_bytes: input - 1,
                ..roomy
            },
        ),
        (
            "pixels on a side",
            Limits {
                max_dimension: 63,
                ..roomy
            },
        ),
        (
            "bytes of memory",
            Limits {
                max_memory_bytes: header.memory_bytes - 1,
                ..roomy
            },
        ),
    ];
    for (what, limits) in table {
        let error = inspect(&source, &limits).expect_err(what);
        assert_eq!(error.kind(), "limit");
        assert!(error.to_string().contains(what), "{error}");
    }
    let exact = Limits {
        max_pixels: 64 * 48,
        max_input_bytes: input,
        max_dimension: 64,
        max_frames: 1,
        max_memory_bytes: header.memory_bytes,
    };
    assert_eq!(inspect(&source, &exact), Ok(header));
}

#[test]
fn a_thumbnail_far_larger_than_its_source_counts_as_memory() {
    let plan = Plan {
        sizes: vec![Size::square(Size::MAX_SIDE)],
        upscale: true,
        ..Plan::default()
    };
    let photo = fixtures::photo(64, 48, 4);
    for source in [
        source(),
        encode::png(&photo),
        encode::webp_lossy(&photo, 80.0),
        encode::bmp(&photo),
    ] {
        let error = thumbnails(&source, &plan, &Limits::sane_defaults()).expect_err("too large");
        assert_eq!(error.kind(), "limit");
    }
}

#[test]
fn the_estimate_grows_with_the_passes_of_a_progressive_image() {
    let photo = fixtures::photo(640, 480, 4);
    let memory = |progressive| {
        let options = JpegOptions {
            progressive,
            ..JpegOptions::default()
        };
        let bytes = encode::jpeg(&photo, &options);
        inspect(&bytes, &Limits::sane_defaults())
            .unwrap()
            .memory_bytes
    };
    assert!(memory(true) > memory(false) + 640 * 480);
}
