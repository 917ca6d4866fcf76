//! Colour profiles are converted to sRGB, and metadata stays behind.

use fixtures::encode::{self, JpegColour, JpegOptions};
use fixtures::icc;
use image::RgbImage;
use moxcms::{ColorProfile, Layout, TransformOptions};
use thumbnailer::{OutputFormat, Plan, Size};

use crate::golden::{assert_near, difference, photo, reference, thumbnail, thumbnails};

/// The photo's colours as numbers of another colour space.
fn photo_in(profile: &ColorProfile) -> RgbImage {
    let transform = ColorProfile::new_srgb()
        .create_transform_8bit(
            Layout::Rgb,
            profile,
            Layout::Rgb,
            TransformOptions::default(),
        )
        .unwrap();
    let photo = photo();
    let mut converted = RgbImage::new(photo.width(), photo.height());
    transform.transform(&photo, &mut converted).unwrap();
    converted
}

fn jpeg(picture: &RgbImage, icc: Vec<u8>) -> Vec<u8> {
    let options = JpegOptions {
        quality: 95,
        icc: Some(icc),
        ..JpegOptions::default()
    };
    encode::jpeg(picture, &options)
}

#[test]
fn a_wide_colour_space_becomes_srgb() {
    let expected = reference(&photo(), 100, 75);
    let table = [
        (
            "Display P3",
            ColorProfile::new_display_p3(),
            icc::display_p3(),
        ),
        ("Adobe RGB", ColorProfile::new_adobe_rgb(), icc::adobe_rgb()),
    ];
    for (name, space, profile) in table {
        let wide = photo_in(&space);
        // Else the test could not tell whether anything was converted.
        let unconverted = difference(&reference(&wide, 100, 75), &expected);
        assert!(unconverted > 2.5, "{name}: {unconverted}");
        assert_near(
            name,
            &thumbnail(&jpeg(&wide, profile.clone())),
            &expected,
            2.0,
        );
        let png = encode::png_tagged(&wide, None, Some(&profile));
        assert_near(name, &thumbnail(&png), &expected, 1.2);
        let webp = encode::webp_tagged(&wide, None, Some(&profile));
        assert_near(name, &thumbnail(&webp), &expected, 4.0);
    }
}

#[test]
fn a_gray_profile_is_applied_to_gray() {
    let options = JpegOptions {
        quality: 95,
        colour: JpegColour::Gray,
        icc: Some(icc::gray()),
        ..JpegOptions::default()
    };
    let made = thumbnail(&encode::jpeg(&photo(), &options));
    assert!(
        made.pixels()
            .all(|pixel| pixel.0[0].abs_diff(pixel.0[2]) <= 2)
    );
    // The same numbers without the profile, whose gamma of 2.2 is near sRGB's curve, not on it.
    let unmanaged = JpegOptions {
        icc: None,
        ..options
    };
    let unmanaged = thumbnail(&encode::jpeg(&photo(), &unmanaged));
    assert_near("gray", &made, &unmanaged, 5.0);
    assert!(difference(&made, &unmanaged) > 0.2);
}

#[test]
fn a_profile_for_other_samples_is_ignored() {
    let made = thumbnail(&jpeg(&photo(), icc::gray()));
    assert_near(
        "gray profile on colour",
        &made,
        &reference(&photo(), 100, 75),
        2.0,
    );
}

#[test]
fn metadata_stays_behind() {
    let options = JpegOptions {
        exif_orientation: Some(6),
        icc: Some(icc::display_p3()),
        ..JpegOptions::default()
    };
    let sources = [
        encode::jpeg(&photo(), &options),
        encode::png_tagged(&photo(), Some(6), Some(&icc::display_p3())),
        encode::webp_tagged(&photo(), Some(6), Some(&icc::display_p3())),
    ];
    let plan = Plan {
        sizes: vec![Size::square(64)],
        formats: vec![
            OutputFormat::Jpeg,
            OutputFormat::Png,
            OutputFormat::WebP,
            OutputFormat::Avif,
        ],
        ..Plan::default()
    };
    let marks: [&[u8]; 8] = [
        b"Exif",
        b"EXIF",
        b"eXIf",
        b"ICC_PROFILE",
        b"iCCP",
        b"ICCP",
        b"acsp",
        b"ns.adobe.com",
    ];
    let holds = |bytes: &[u8]| {
        marks
            .iter()
            .any(|mark| bytes.windows(mark.len()).any(|window| window == *mark))
    };
    for source in sources {
        assert!(holds(&source));
        for image in thumbnails(&source, &plan).images {
            assert!(!holds(&image.bytes), "{}", image.format);
        }
    }
}
