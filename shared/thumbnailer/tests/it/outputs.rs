//! Every type is written, and reads back as the picture it was made of.

use fixtures::encode::{self, JpegOptions};
use thumbnailer::{ImageFormat, OutputFormat, Plan, Quality, Size};

use crate::golden::{assert_near, photo, reference, rgb, thumbnails};

fn source() -> Vec<u8> {
    let options = JpegOptions {
        quality: 95,
        ..JpegOptions::default()
    };
    encode::jpeg(&photo(), &options)
}

fn plan(formats: &[OutputFormat]) -> Plan {
    Plan {
        sizes: vec![Size::square(100)],
        formats: formats.to_vec(),
        ..Plan::default()
    }
}

#[test]
fn every_type_reads_back_as_the_picture() {
    let made = thumbnails(
        &source(),
        &plan(&[
            OutputFormat::Jpeg,
            OutputFormat::WebP,
            OutputFormat::Png,
            OutputFormat::Avif,
        ]),
    );
    let expected = reference(&photo(), 100, 75);
    let formats: Vec<_> = made.images.iter().map(|image| image.format).collect();
    assert_eq!(
        formats,
        [
            ImageFormat::Jpeg,
            ImageFormat::WebP,
            ImageFormat::Png,
            ImageFormat::Avif,
        ]
    );
    for image in &made.images {
        assert_near(&image.format.to_string(), &rgb(image), &expected, 5.0);
    }
}

#[test]
fn lower_quality_takes_fewer_bytes() {
    for format in [OutputFormat::Jpeg, OutputFormat::WebP, OutputFormat::Avif] {
        let bytes = |quality: &str| {
            let plan = Plan {
                quality: quality.parse::<Quality>().unwrap(),
                ..plan(&[format])
            };
            thumbnails(&source(), &plan).images[0].bytes.len()
        };
        assert!(bytes("40") < bytes("90"), "{format}");
    }
}

#[test]
fn keep_beside_the_source_type_is_one_thumbnail() {
    let made = thumbnails(&source(), &plan(&[OutputFormat::Keep, OutputFormat::Jpeg]));
    assert_eq!(made.images.len(), 1);
    assert_eq!(made.images[0].format, ImageFormat::Jpeg);
}

#[test]
fn the_same_bytes_and_plan_give_the_same_thumbnails() {
    let plan = plan(&[OutputFormat::Keep, OutputFormat::WebP]);
    assert_eq!(thumbnails(&source(), &plan), thumbnails(&source(), &plan));
}

#[test]
fn the_placeholder_is_a_thumbhash_of_the_aspect_of_the_photo() {
    use base64::Engine;
    let made = thumbnails(&source(), &plan(&[OutputFormat::Keep]));
    let hash = base64::engine::general_purpose::STANDARD
        .decode(made.placeholder)
        .unwrap();
    let ratio = thumbhash::thumb_hash_to_approximate_aspect_ratio(&hash).unwrap();
    assert!((ratio - 333.0 / 251.0).abs() < 0.2, "{ratio}");
}
