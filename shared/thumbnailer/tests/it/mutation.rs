//! No bytes make the pipeline panic.

use std::sync::LazyLock;

use fixtures::encode::{self, JpegColour, JpegOptions};
use image::DynamicImage;
use proptest::prelude::*;
use thumbnailer::{Limits, OutputFormat, Plan, Size, inspect, thumbnails};

/// One small image of each kind.
static IMAGES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let photo = fixtures::photo(40, 30, 8);
    let rgba = DynamicImage::from(photo.clone()).into_rgba8();
    let jpeg = |options| encode::jpeg(&photo, &options);
    vec![
        jpeg(JpegOptions::default()),
        jpeg(JpegOptions {
            progressive: true,
            exif_orientation: Some(6),
            icc: Some(fixtures::icc::display_p3()),
            ..JpegOptions::default()
        }),
        jpeg(JpegOptions {
            colour: JpegColour::Ycck,
            optimised: true,
            ..JpegOptions::default()
        }),
        encode::png(&photo),
        encode::png_palette_transparent(&rgba),
        encode::png_interlaced(&photo),
        encode::png_tagged(&photo, Some(3), Some(&fixtures::icc::adobe_rgb())),
        encode::webp_lossless(&rgba),
        encode::webp_lossy_rgba(&rgba, 80.0),
        encode::webp_tagged(&photo, Some(8), Some(&fixtures::icc::srgb())),
        encode::webp_animated(&[rgba.clone(), rgba.clone()], 100),
        encode::gif(&[rgba.clone(), rgba.clone()], 100),
        encode::avif(&photo, 60.0),
        encode::bmp(&photo),
        encode::tiff_rgba(&rgba),
        encode::tiff(&photo),
    ]
});

/// Small, so that a mutated header cannot make a case take long.
fn limits() -> Limits {
    Limits {
        max_pixels: 1 << 16,
        max_memory_bytes: 64 << 20,
        ..Limits::sane_defaults()
    }
}

fn plan() -> Plan {
    Plan {
        sizes: vec![Size::square(16)],
        formats: vec![OutputFormat::Keep],
        ..Plan::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn mutated_images_are_made_or_refused(
        index in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = index.get(&IMAGES).clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let header = inspect(&bytes, &limits());
        let made = thumbnails(&bytes, &plan(), &limits());
        // What the header refuses is not decoded.
        if let Err(error) = header {
            prop_assert_eq!(made.err(), Some(error));
        }
    }

    #[test]
    fn any_bytes_behind_a_signature_are_made_or_refused(
        index in any::<prop::sample::Index>(),
        kept in 0usize..64,
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let image = index.get(&IMAGES);
        let bytes = [&image[..kept.min(image.len())], &bytes].concat();
        let _ = thumbnails(&bytes, &plan(), &limits());
    }
}
