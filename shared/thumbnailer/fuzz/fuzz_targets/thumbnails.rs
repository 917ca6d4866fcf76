//! Any bytes through the whole pipeline: an error or thumbnails within their boxes.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use thumbnailer::{Fit, ImageFormat, Limits, OutputFormat, Plan, Size, inspect, thumbnails};

/// Small enough that an image takes milliseconds.
const LIMITS: Limits = Limits {
    max_pixels: 1 << 16,
    max_input_bytes: 1 << 20,
    max_dimension: 65_535,
    max_frames: 4,
    max_memory_bytes: 256 << 20,
};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(header) = inspect(bytes, &LIMITS) else {
        return Corpus::Reject;
    };
    // The coder of AV1 takes longer for one thumbnail than all the rest for a hundred.
    if header.format == ImageFormat::Avif {
        return Corpus::Reject;
    }
    let plan = Plan {
        sizes: vec![Size::square(9), Size::square(33), Size::square(64)],
        fit: if bytes.len() % 2 == 0 {
            Fit::Inside
        } else {
            Fit::Cover
        },
        formats: vec![OutputFormat::Keep, OutputFormat::Jpeg],
        upscale: bytes.len() % 3 == 0,
        linear_light: bytes.len() % 5 == 0,
        ..Plan::default()
    };
    if let Ok(made) = thumbnails(bytes, &plan, &LIMITS) {
        for image in &made.images {
            assert!(image.width <= 64 && image.height <= 64 && !image.bytes.is_empty());
        }
    }
    Corpus::Keep
});
