//! Files that mean harm, or look like it, and what becomes of each.

use fixtures::encode::{self, JpegOptions};
use image::DynamicImage;
use thumbnailer::{Limits, Plan, Size, ThumbnailError, thumbnails};

fn plan() -> Plan {
    Plan {
        sizes: vec![Size::square(32)],
        ..Plan::default()
    }
}

/// What refuses each file; those that hold a picture are left out.
const REFUSALS: &[(&str, &str)] = &[
    ("jpeg-magic-only", "corrupt"),
    ("jpeg-truncated-header", "corrupt"),
    ("jpeg-truncated", "corrupt"),
    ("jpeg-progressive-truncated", "corrupt"),
    ("jpeg-bomb", "limit"),
    ("jpeg-zero-width", "corrupt"),
    ("jpeg-zero-sampling", "corrupt"),
    ("jpeg-twelve-bits", "unsupported"),
    ("jpeg-arithmetic", "unsupported"),
    ("jpeg-without-frame", "corrupt"),
    ("jpeg-without-huffman-tables", "corrupt"),
    ("jpeg-segment-past-the-end", "corrupt"),
    ("png-magic-only", "corrupt"),
    ("png-truncated-header", "corrupt"),
    ("png-truncated", "corrupt"),
    ("png-bomb", "limit"),
    ("png-largest-header", "limit"),
    ("png-zero-width", "corrupt"),
    ("png-impossible-depth", "corrupt"),
    ("png-without-palette", "corrupt"),
    ("png-without-pixels", "corrupt"),
    ("png-garbage-pixels", "corrupt"),
    ("png-wrong-header-checksum", "corrupt"),
    ("png-chunk-past-the-end", "corrupt"),
    ("gif-magic-only", "corrupt"),
    ("gif-truncated", "corrupt"),
    ("gif-without-frames", "corrupt"),
    ("gif-bomb-canvas", "limit"),
    ("gif-frame-larger-than-canvas", "limit"),
    ("gif-frame-outside-canvas", "corrupt"),
    ("gif-zero-canvas", "corrupt"),
    ("webp-magic-only", "corrupt"),
    ("webp-truncated", "corrupt"),
    ("webp-lossless-truncated", "corrupt"),
    ("webp-bomb", "limit"),
    ("webp-bomb-canvas", "corrupt"),
    ("webp-canvas-larger-than-picture", "corrupt"),
    ("webp-unknown-codec", "corrupt"),
    ("tiff-magic-only", "corrupt"),
    ("tiff-truncated", "corrupt"),
    ("tiff-directory-out-of-range", "corrupt"),
    ("tiff-strip-out-of-range", "corrupt"),
    ("tiff-huge-strip", "corrupt"),
    ("tiff-bomb", "limit"),
    ("tiff-many-samples", "unsupported"),
    ("tiff-directory-loop", "corrupt"),
    ("bmp-magic-only", "unrecognised"),
    ("bmp-truncated", "corrupt"),
    ("bmp-bomb", "corrupt"),
    ("bmp-negative-width", "corrupt"),
    ("bmp-smallest-height", "corrupt"),
    ("heic", "unsupported"),
    ("heif-sequence", "unsupported"),
    ("heic-by-compatible-brand", "unsupported"),
    ("avif-type-only", "corrupt"),
    ("avif-truncated", "corrupt"),
    ("avif-endless-box", "corrupt"),
    ("avif-bomb", "limit"),
    ("box-of-no-length", "unrecognised"),
    ("jpeg-xl", "unsupported"),
    ("jpeg-xl-codestream", "unsupported"),
    ("jpeg-2000", "unsupported"),
    ("video", "unsupported"),
    ("empty", "empty"),
    ("one-byte", "unrecognised"),
    ("zeros", "unrecognised"),
    ("ones", "unrecognised"),
    ("text", "unrecognised"),
    ("svg", "unsupported"),
    ("svg-without-prolog", "unsupported"),
    ("html", "unrecognised"),
    ("zip", "unrecognised"),
    ("pdf", "unsupported"),
    ("photoshop", "unsupported"),
    ("windows-program", "unrecognised"),
    ("camera-raw", "unsupported"),
    ("icon", "unsupported"),
];

#[test]
fn every_hostile_file_meets_its_refusal() {
    let mut wrong = Vec::new();
    for file in fixtures::hostile::all() {
        let expected = REFUSALS.iter().find(|(name, _)| *name == file.name);
        let expected = expected.map_or(
            if file.holds_a_picture {
                "made"
            } else {
                "unlisted"
            },
            |(_, kind)| *kind,
        );
        let result = thumbnails(&file.bytes, &plan(), &Limits::sane_defaults());
        let kind = result
            .as_ref()
            .map_or_else(ThumbnailError::kind, |_| "made");
        if kind != expected {
            let error = result.err().map(|error| error.to_string());
            wrong.push(format!("{}: {kind}, not {expected}: {error:?}", file.name));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_refused_file_exists() {
    for (name, _) in REFUSALS {
        assert!(fixtures::hostile::named(name).is_some(), "{name}");
    }
}

#[test]
fn a_truncated_image_is_corrupt_wherever_it_ends() {
    let photo = fixtures::photo(96, 64, 6);
    let rgba = DynamicImage::from(photo.clone()).into_rgba8();
    let progressive = JpegOptions {
        progressive: true,
        ..JpegOptions::default()
    };
    let table = [
        (
            "baseline JPEG",
            encode::jpeg(&photo, &JpegOptions::default()),
        ),
        ("progressive JPEG", encode::jpeg(&photo, &progressive)),
        ("PNG", encode::png(&photo)),
        ("interlaced PNG", encode::png_interlaced(&photo)),
        ("lossy WebP", encode::webp_lossy(&photo, 80.0)),
        ("lossless WebP", encode::webp_lossless(&rgba)),
        (
            "animated WebP",
            encode::webp_animated(&[rgba.clone(), rgba], 100),
        ),
        ("AVIF", encode::avif(&photo, 60.0)),
        ("TIFF", encode::tiff(&photo)),
        ("BMP", encode::bmp(&photo)),
    ];
    for (name, whole) in table {
        let complete = thumbnails(&whole, &plan(), &Limits::sane_defaults()).unwrap();
        // From behind the longest signature up to the last byte but one.
        let ends = (18..whole.len()).step_by(whole.len() / 61 + 1);
        for end in ends.chain([whole.len() - 1]) {
            let result = thumbnails(&whole[..end], &plan(), &Limits::sane_defaults());
            // Of a JPEG no more is read than the thumbnail needs. There is nothing in between: with less it is
            // refused, and never made up from a part.
            if let Ok(made) = &result
                && name.ends_with("JPEG")
                && complete.source.bytes_read <= u64::try_from(end).unwrap()
            {
                assert_eq!(made.images, complete.images, "{name} ending at {end}");
                continue;
            }
            let kind = result.map_or_else(|error| error.kind(), |_| "made");
            assert_eq!(kind, "corrupt", "{name} ending at {end} of {}", whole.len());
        }
    }
}

#[test]
fn what_follows_the_end_of_an_image_is_not_read() {
    let photo = fixtures::photo(96, 64, 6);
    for mut bytes in [
        encode::jpeg(&photo, &JpegOptions::default()),
        encode::png(&photo),
        encode::gif_still(&photo),
        encode::webp_lossy(&photo, 80.0),
    ] {
        bytes.extend(b"\xff\xd8\xff\xc0 trailing bytes".repeat(20));
        let made = thumbnails(&bytes, &plan(), &Limits::sane_defaults());
        assert_eq!(made.map(|made| made.images.len()), Ok(1));
    }
}

#[test]
fn a_jpeg_of_very_many_scans_is_refused() {
    let photo = fixtures::photo(16, 16, 6);
    let progressive = JpegOptions {
        progressive: true,
        ..JpegOptions::default()
    };
    let whole = encode::jpeg(&photo, &progressive);
    let scans: Vec<usize> = whole
        .windows(2)
        .enumerate()
        .filter(|(_, window)| *window == [0xff, 0xda])
        .map(|(at, _)| at)
        .collect();
    // Before the last scan, which is needed, the one before it, many times.
    let last = scans[scans.len() - 1];
    let (head, tail) = whole.split_at(last);
    let scan = &head[scans[scans.len() - 2]..];
    let bytes = [head, &scan.repeat(300), tail].concat();
    let error = thumbnails(&bytes, &plan(), &Limits::sane_defaults()).expect_err("a bomb of time");
    assert_eq!(error.kind(), "limit");
}

#[test]
fn heic_is_refused_with_a_way_out() {
    let error = thumbnails(&encode::heic_header(), &plan(), &Limits::sane_defaults());
    let message = error.expect_err("HEIC").to_string();
    assert!(message.starts_with("HEIC is not supported: "), "{message}");
}
