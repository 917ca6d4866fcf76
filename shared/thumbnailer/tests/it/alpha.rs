//! Transparency is kept where the type can, and flattened where it cannot.

use fixtures::encode;
use image::{Rgb, Rgba, RgbaImage};
use thumbnailer::{ImageFormat, OutputFormat, Plan, Size};

use crate::golden::{rgb, rgba, thumbnails};

const BACKGROUND: [u8; 3] = [200, 30, 120];

/// Transparent in the corners, opaque in the middle.
fn vignette() -> RgbaImage {
    fixtures::photo_with_alpha(333, 251, 2)
}

fn plan(formats: &[OutputFormat]) -> Plan {
    Plan {
        sizes: vec![Size::square(90)],
        formats: formats.to_vec(),
        background: thumbnailer::Rgb(BACKGROUND),
        ..Plan::default()
    }
}

#[test]
fn transparency_is_kept_by_png_webp_and_avif() {
    let sources = [
        ("PNG", encode::png_rgba(&vignette())),
        ("palette PNG", encode::png_palette_transparent(&vignette())),
        ("lossless WebP", encode::webp_lossless(&vignette())),
        ("lossy WebP", encode::webp_lossy_rgba(&vignette(), 90.0)),
        ("TIFF", encode::tiff_rgba(&vignette())),
    ];
    for (name, source) in sources {
        let made = thumbnails(
            &source,
            &plan(&[OutputFormat::Png, OutputFormat::WebP, OutputFormat::Avif]),
        );
        assert!(made.source.alpha, "{name}");
        for image in &made.images {
            let picture = rgba(image);
            let Rgba([.., corner]) = *picture.get_pixel(0, 0);
            let Rgba([.., middle]) = *picture.get_pixel(45, 34);
            assert!(corner < 16, "{name} to {}: {corner}", image.format);
            assert!(middle > 239, "{name} to {}: {middle}", image.format);
        }
    }
}

#[test]
fn jpeg_is_flattened_on_the_background() {
    let made = thumbnails(&encode::png_rgba(&vignette()), &plan(&[OutputFormat::Jpeg]));
    let Rgb(corner) = *rgb(&made.images[0]).get_pixel(0, 0);
    for (corner, background) in corner.iter().zip(BACKGROUND) {
        assert!(corner.abs_diff(background) <= 6, "{corner} {background}");
    }
}

#[test]
fn keep_writes_png_for_what_browsers_cannot_show_transparent() {
    let tiff = thumbnails(
        &encode::tiff_rgba(&vignette()),
        &plan(&[OutputFormat::Keep]),
    );
    assert_eq!(tiff.images[0].format, ImageFormat::Png);
    let bmp = encode::bmp(&crate::golden::photo());
    let bmp = thumbnails(&bmp, &plan(&[OutputFormat::Keep]));
    assert_eq!(bmp.images[0].format, ImageFormat::Jpeg);
}

#[test]
fn an_alpha_channel_without_a_transparent_pixel_is_no_transparency() {
    let opaque = image::DynamicImage::from(crate::golden::photo()).into_rgba8();
    let made = thumbnails(&encode::tiff_rgba(&opaque), &plan(&[OutputFormat::Keep]));
    assert!(!made.source.alpha);
    assert_eq!(made.images[0].format, ImageFormat::Jpeg);
}
