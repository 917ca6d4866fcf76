//! The estimate by which an image is refused is not below what its thumbnails take. A binary of its own, since it counts
//! every allocation. What libwebp takes is not counted: it does not come from Rust's allocator.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Cursor;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use fixtures::encode::{self, JpegColour, JpegOptions, Sampling};
use image::{DynamicImage, ImageFormat, RgbImage, RgbaImage};
use thumbnailer::{Limits, OutputFormat, Plan, Size, inspect, thumbnails};

/// Bytes that are in use, and the most that have been since it was last reset.
struct Counted {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Counted {
    fn add(&self, bytes: usize) {
        let now = self.now.fetch_add(bytes, Relaxed) + bytes;
        self.most.fetch_max(now, Relaxed);
    }

    fn remove(&self, bytes: usize) {
        self.now.fetch_sub(bytes, Relaxed);
    }
}

// SAFETY: all memory comes from the system's allocator, which is called with what this one is called with.
#[expect(unsafe_code, reason = "an allocator is unsafe to implement")]
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.add(layout.size());
        // SAFETY: the caller keeps to the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.add(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        self.remove(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both are there while the one is copied to the other.
        self.add(size);
        // SAFETY: as above.
        let moved = unsafe { System.realloc(memory, layout, size) };
        self.remove(layout.size());
        moved
    }
}

#[global_allocator]
static COUNTED: Counted = Counted {
    now: AtomicUsize::new(0),
    most: AtomicUsize::new(0),
};

/// As wide and high as makes the resizing of a whole picture show beside the picture.
const SIDE: u32 = 3000;

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let photo = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        image::Rgb([x, y, x ^ y].map(|value| value.to_be_bytes()[3]))
    });
    let clear = RgbaImage::from_pixel(SIDE, SIDE, image::Rgba([10, 20, 30, 128]));
    let written = |picture: DynamicImage, format| {
        let mut file = Cursor::new(Vec::new());
        picture.write_to(&mut file, format).unwrap();
        file.into_inner()
    };
    let jpeg = |progressive, sampling, colour| {
        let options = JpegOptions {
            progressive,
            sampling,
            colour,
            ..JpegOptions::default()
        };
        encode::jpeg(&photo, &options)
    };
    vec![
        ("BMP", encode::bmp(&photo)),
        (
            "BMP with alpha",
            written(clear.clone().into(), ImageFormat::Bmp),
        ),
        ("TIFF", encode::tiff(&photo)),
        ("TIFF with alpha", encode::tiff_rgba(&clear)),
        ("PNG", encode::png(&photo)),
        ("PNG with alpha", encode::png_rgba(&clear)),
        ("PNG, interlaced", encode::png_interlaced(&photo)),
        ("GIF", encode::gif_still(&photo)),
        ("JPEG", jpeg(false, Sampling::F420, JpegColour::YCbCr)),
        (
            "JPEG, progressive",
            jpeg(true, Sampling::F444, JpegColour::YCbCr),
        ),
        (
            "JPEG of inks",
            jpeg(false, Sampling::F444, JpegColour::Cmyk),
        ),
    ]
}

#[test]
fn no_image_takes_more_memory_than_its_estimate() {
    let plan = Plan {
        sizes: [256, 1024].map(Size::square).to_vec(),
        formats: vec![OutputFormat::Jpeg],
        ..Plan::default()
    };
    for (what, file) in files() {
        let estimate = inspect(&file, &Limits::sane_defaults())
            .unwrap()
            .memory_bytes;
        let before = COUNTED.now.load(Relaxed);
        COUNTED.most.store(before, Relaxed);
        thumbnails(&file, &plan, &Limits::sane_defaults()).unwrap();
        let taken = COUNTED.most.load(Relaxed) - before + file.len();
        assert!(
            taken as u64 <= estimate,
            "{what}: {taken} bytes taken, {estimate} estimated"
        );
    }
}
