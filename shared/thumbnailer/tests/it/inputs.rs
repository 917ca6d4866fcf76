//! Every kind of input becomes the same picture.

use std::io::Cursor;

use fixtures::encode::{self, JpegColour, JpegOptions, Sampling};
use image::codecs::png::PngDecoder;
use image::{DynamicImage, RgbImage};
use thumbnailer::{ImageFormat, Limits, inspect};

use crate::golden::{assert_near, photo, reference, thumbnail};

fn jpeg(options: JpegOptions) -> Vec<u8> {
    encode::jpeg(
        &photo(),
        &JpegOptions {
            quality: 92,
            ..options
        },
    )
}

fn small() -> RgbImage {
    reference(&photo(), 100, 75)
}

/// The photo as its gray PNG has it: what is gray of a colour is the fixture's choice.
fn gray() -> RgbImage {
    let png = PngDecoder::new(Cursor::new(encode::png_gray(&photo()))).unwrap();
    DynamicImage::from_decoder(png).unwrap().into_rgb8()
}

#[test]
fn every_subsampling_of_jpeg_is_read() {
    for sampling in Sampling::ALL {
        for progressive in [false, true] {
            for restart_interval in [None, Some(3)] {
                let bytes = jpeg(JpegOptions {
                    sampling,
                    progressive,
                    restart_interval,
                    ..JpegOptions::default()
                });
                let name = format!(
                    "{sampling:?}, progressive {progressive}, restarts {restart_interval:?}"
                );
                assert_near(&name, &thumbnail(&bytes), &small(), 2.6);
            }
        }
    }
}

#[test]
fn a_jpeg_of_one_scan_for_each_component_is_read() {
    let bytes = jpeg(JpegOptions {
        optimised: true,
        ..JpegOptions::default()
    });
    assert_near("optimised", &thumbnail(&bytes), &small(), 2.5);
}

#[test]
fn every_colour_model_of_jpeg_is_read() {
    for colour in [JpegColour::Cmyk, JpegColour::Ycck, JpegColour::Rgb] {
        for progressive in [false, true] {
            let bytes = jpeg(JpegOptions {
                colour,
                progressive,
                ..JpegOptions::default()
            });
            let name = format!("{colour:?}, progressive {progressive}");
            assert_near(&name, &thumbnail(&bytes), &small(), 3.5);
        }
    }
    let bytes = jpeg(JpegOptions {
        colour: JpegColour::Gray,
        ..JpegOptions::default()
    });
    assert_near(
        "gray",
        &thumbnail(&bytes),
        &reference(&gray(), 100, 75),
        2.0,
    );
}

#[test]
fn every_kind_of_png_is_read() {
    let photo = photo();
    let table = [
        ("8 bits", encode::png(&photo), 0.7),
        ("16 bits", encode::png_16bit(&photo), 0.9),
        ("interlaced", encode::png_interlaced(&photo), 0.7),
        ("palette", encode::png_palette(&photo), 6.0),
    ];
    for (name, bytes, tolerance) in table {
        assert_near(name, &thumbnail(&bytes), &small(), tolerance);
    }
    let bytes = encode::png_gray(&photo);
    assert_near(
        "gray",
        &thumbnail(&bytes),
        &reference(&gray(), 100, 75),
        1.5,
    );
}

#[test]
fn every_other_type_is_read() {
    let photo = photo();
    let rgba = DynamicImage::from(photo.clone()).into_rgba8();
    let table = [
        (ImageFormat::WebP, encode::webp_lossy(&photo, 90.0), 3.0),
        (ImageFormat::WebP, encode::webp_lossless(&rgba), 0.7),
        (ImageFormat::Gif, encode::gif_still(&photo), 5.0),
        (ImageFormat::Avif, encode::avif(&photo, 90.0), 3.0),
        (ImageFormat::Bmp, encode::bmp(&photo), 0.7),
        (ImageFormat::Tiff, encode::tiff(&photo), 0.7),
    ];
    for (format, bytes, tolerance) in table {
        let header = inspect(&bytes, &Limits::sane_defaults()).unwrap();
        assert_eq!(header.format, format);
        assert_eq!((header.width, header.height), (333, 251));
        assert_near(&format.to_string(), &thumbnail(&bytes), &small(), tolerance);
    }
}

#[test]
fn the_smallest_images_are_read() {
    for (width, height) in [(1, 1), (1, 9), (17, 2), (8, 8)] {
        let photo = fixtures::photo(width, height, 3);
        let rgba = DynamicImage::from(photo.clone()).into_rgba8();
        for bytes in [
            encode::jpeg(&photo, &JpegOptions::default()),
            encode::png(&photo),
            encode::webp_lossless(&rgba),
            encode::webp_lossy(&photo, 90.0),
            encode::gif_still(&photo),
            encode::avif(&photo, 80.0),
            encode::bmp(&photo),
            encode::tiff(&photo),
        ] {
            assert_eq!(thumbnail(&bytes).dimensions(), (width, height));
        }
    }
}
