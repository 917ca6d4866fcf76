//! Any bytes through the scaled JPEG decoder: every size, one to three threads, and all the same.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use thumbnailer::stages::Jpeg;
use thumbnailer::{Limits, inspect};

/// A header may ask for any size; larger pictures only take longer.
const MAX_PIXELS: u64 = 1 << 18;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let limits = Limits {
        max_pixels: MAX_PIXELS,
        ..Limits::sane_defaults()
    };
    if inspect(bytes, &limits).is_err() {
        return Corpus::Reject;
    }
    let Ok(mut jpeg) = Jpeg::new(bytes) else {
        return Corpus::Reject;
    };
    for eighths in [1, 2, 4, 8] {
        let alone = jpeg.skim(eighths, 1);
        for threads in [2, 3] {
            let shared = jpeg.skim(eighths, threads);
            assert_eq!(
                alone.is_ok(),
                shared.is_ok(),
                "{threads} threads at {eighths}/8"
            );
        }
    }
    Corpus::Keep
});
