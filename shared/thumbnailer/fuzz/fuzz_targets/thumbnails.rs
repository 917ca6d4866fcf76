//! Any bytes through the whole pipeline: an error, or thumbnails within their boxes; and the same when the bytes come one
//! by one.

#![no_main]

use std::num::NonZero;

use libfuzzer_sys::{Corpus, fuzz_target};
use thumbnailer::{
    Fit, ImageFormat, Input, InputError, Limits, OutputFormat, Plan, Size, Thumbnailer, inspect,
    thumbnails,
};

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
    // Under the sanitizer a decoder of AV1 takes a second to start: its container is read each time, its picture seldom.
    if header.format == ImageFormat::Avif && bytes.len() % 16 != 0 {
        return Corpus::Keep;
    }
    // And encoding AV1 takes longer than all the rest.
    let kept = match header.format {
        ImageFormat::Avif => OutputFormat::Png,
        _ => OutputFormat::Keep,
    };
    let plan = Plan {
        sizes: vec![Size::square(9), Size::square(33), Size::square(64)],
        fit: if bytes.len() % 2 == 0 {
            Fit::Inside
        } else {
            Fit::Cover
        },
        formats: vec![kept, OutputFormat::Jpeg],
        upscale: bytes.len() % 3 == 0,
        linear_light: bytes.len() % 5 == 0,
        ..Plan::default()
    };
    let made = thumbnails(bytes, &plan, &LIMITS);
    if let Ok(made) = &made {
        for image in &made.images {
            assert!(image.width <= 64 && image.height <= 64 && !image.bytes.is_empty());
        }
        let (width, height) = header.displayed();
        assert_eq!((made.source.width, made.source.height), (width, height));
        assert!(made.source.bytes_read <= bytes.len() as u64);
    }
    if header.format == ImageFormat::Jpeg {
        let mut slow = Trickle { bytes, there: 0 };
        let mut thumbnailer = Thumbnailer::new().threads(NonZero::<usize>::MIN.saturating_add(1));
        let again = thumbnailer.thumbnails(&mut slow, &plan, &LIMITS);
        let again = again.map(|made| (made.images, made.placeholder));
        let made = made.map(|made| (made.images, made.placeholder));
        assert_eq!(made.is_ok(), again.is_ok(), "{made:?} is not {again:?}");
        assert!(made.ok() == again.ok(), "another picture as it trickles in");
    }
    Corpus::Keep
});

/// An image that is still arriving: each look gives a few bytes more than are asked for.
struct Trickle<'a> {
    bytes: &'a [u8],
    there: usize,
}

impl Input for Trickle<'_> {
    fn from(&mut self, offset: usize, want: usize) -> Result<&[u8], InputError> {
        let wanted = offset.saturating_add(want).saturating_add(7);
        self.there = self.there.max(wanted.min(self.bytes.len()));
        Ok(self.bytes.get(offset..self.there).unwrap_or_default())
    }

    fn whole(&self) -> Option<&[u8]> {
        (self.there == self.bytes.len()).then_some(self.bytes)
    }
}
