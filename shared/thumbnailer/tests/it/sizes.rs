//! The sizes of a plan, from one decode.

use fixtures::encode::{self, JpegOptions};
use thumbnailer::{Fit, Plan, Size, Thumbnail};

use crate::golden::thumbnails;

fn source() -> Vec<u8> {
    encode::jpeg(&fixtures::photo(400, 300, 4), &JpegOptions::default())
}

fn made(sizes: &[&str], fit: Fit, upscale: bool) -> Vec<Thumbnail> {
    let plan = Plan {
        sizes: sizes.iter().map(|size| size.parse().unwrap()).collect(),
        fit,
        upscale,
        ..Plan::default()
    };
    thumbnails(&source(), &plan).images
}

fn dimensions(images: &[Thumbnail]) -> Vec<(u32, u32)> {
    images
        .iter()
        .map(|image| (image.width, image.height))
        .collect()
}

#[test]
fn every_size_is_made_in_the_order_of_the_plan() {
    let images = made(&["200", "64x64", "100x", "x30"], Fit::Inside, false);
    assert_eq!(
        dimensions(&images),
        [(200, 150), (64, 48), (100, 75), (40, 30)]
    );
    let sizes: Vec<Size> = images.iter().map(|image| image.size).collect();
    assert_eq!(sizes[1], Size::square(64));
}

#[test]
fn a_size_asked_for_twice_is_made_once() {
    assert_eq!(made(&["64", "64x64"], Fit::Inside, false).len(), 1);
}

#[test]
fn sizes_that_come_out_equal_share_their_bytes() {
    let images = made(&["512", "1024"], Fit::Inside, false);
    assert_eq!(dimensions(&images), [(400, 300), (400, 300)]);
    assert_eq!(images[0].bytes.as_ptr(), images[1].bytes.as_ptr());
}

#[test]
fn cover_and_exact_fill_the_box() {
    assert_eq!(dimensions(&made(&["50x90"], Fit::Cover, false)), [(50, 90)]);
    assert_eq!(dimensions(&made(&["50x90"], Fit::Exact, false)), [(50, 90)]);
}

#[test]
fn nothing_is_enlarged_unless_told() {
    assert_eq!(
        dimensions(&made(&["800"], Fit::Inside, false)),
        [(400, 300)]
    );
    assert_eq!(dimensions(&made(&["800"], Fit::Inside, true)), [(800, 600)]);
}
