//! All eight orientations end up the same picture.

use fixtures::encode::{self, JpegOptions};
use image::RgbImage;
use image::imageops::{flip_horizontal, flip_vertical, rotate90, rotate180, rotate270};
use thumbnailer::{Fit, Plan};

use crate::golden::{assert_near, exact_plan, photo, reference, rgb, thumbnails};

/// The picture as a camera stores it that says `orientation`.
fn stored(picture: &RgbImage, orientation: u8) -> RgbImage {
    match orientation {
        2 => flip_horizontal(picture),
        3 => rotate180(picture),
        4 => flip_vertical(picture),
        5 => flip_horizontal(&rotate90(picture)),
        6 => rotate270(picture),
        7 => flip_vertical(&rotate90(picture)),
        8 => rotate90(picture),
        _ => picture.clone(),
    }
}

fn as_jpeg(picture: &RgbImage, orientation: u8) -> Vec<u8> {
    let options = JpegOptions {
        quality: 92,
        exif_orientation: Some(orientation),
        ..JpegOptions::default()
    };
    encode::jpeg(picture, &options)
}

type Encode = fn(&RgbImage, u8) -> Vec<u8>;

const FORMATS: [(&str, Encode); 4] = [
    ("JPEG", as_jpeg),
    ("PNG", |picture, orientation| {
        encode::png_tagged(picture, Some(orientation), None)
    }),
    ("WebP", |picture, orientation| {
        encode::webp_tagged(picture, Some(orientation), None)
    }),
    ("TIFF", encode::tiff_oriented),
];

#[test]
fn every_orientation_of_every_format_is_shown_upright() {
    let upright = reference(&photo(), 100, 75);
    for (format, encode) in FORMATS {
        for orientation in 1..=8 {
            let bytes = encode(&stored(&photo(), orientation), orientation);
            let made = thumbnails(&bytes, &exact_plan(100));
            let name = format!("{format} {orientation}");
            assert_eq!(
                (made.source.width, made.source.height),
                (333, 251),
                "{name}"
            );
            assert_eq!(made.source.orientation, orientation, "{name}");
            assert_near(&name, &rgb(&made.images[0]), &upright, 4.0);
        }
    }
}

#[test]
fn the_part_that_cover_cuts_is_the_displayed_one() {
    let plan = Plan {
        sizes: vec!["40x90".parse().unwrap()],
        fit: Fit::Cover,
        ..exact_plan(1)
    };
    let upright = rgb(&thumbnails(&as_jpeg(&photo(), 1), &plan).images[0]);
    assert_eq!(upright.dimensions(), (40, 90));
    for orientation in 2..=8 {
        let bytes = as_jpeg(&stored(&photo(), orientation), orientation);
        let turned = rgb(&thumbnails(&bytes, &plan).images[0]);
        assert_near(&orientation.to_string(), &turned, &upright, 4.0);
    }
}
