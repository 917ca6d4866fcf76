//! Comparing thumbnails with what they should look like. Encoded bytes change from one version of
//! a codec to the next, so pictures are compared, with a tolerance.

use std::io::Cursor;

use image::codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::imageops::{FilterType, resize};
use image::{DynamicImage, RgbImage, RgbaImage};
use thumbnailer::{Fit, ImageFormat, Limits, OutputFormat, Plan, Size, Thumbnail, Thumbnails};

/// The picture that most tests begin with: odd on both sides, so that no block ends with it.
pub(crate) fn photo() -> RgbImage {
    fixtures::photo(333, 251, 1)
}

/// A plan for one PNG inside a box of `side` pixels: what comes out is what was computed.
pub(crate) fn exact_plan(side: u32) -> Plan {
    Plan {
        sizes: vec![Size::square(side)],
        fit: Fit::Inside,
        formats: vec![OutputFormat::Png],
        ..Plan::default()
    }
}

pub(crate) fn thumbnails(image: &[u8], plan: &Plan) -> Thumbnails {
    thumbnailer::thumbnails(image, plan, &Limits::sane_defaults()).unwrap()
}

/// The one PNG of 100 pixels that an image becomes.
pub(crate) fn thumbnail(image: &[u8]) -> RgbImage {
    let made = thumbnails(image, &exact_plan(100));
    assert_eq!(made.images.len(), 1);
    rgb(&made.images[0])
}

/// A picture made smaller by an implementation that is not the pipeline's.
pub(crate) fn reference(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    resize(picture, width, height, FilterType::Lanczos3)
}

pub(crate) fn rgb(thumbnail: &Thumbnail) -> RgbImage {
    decoded(thumbnail).into_rgb8()
}

pub(crate) fn rgba(thumbnail: &Thumbnail) -> RgbaImage {
    decoded(thumbnail).into_rgba8()
}

/// Reads a thumbnail, its first frame, back, and checks that it is of the size that it says.
pub(crate) fn decoded(thumbnail: &Thumbnail) -> DynamicImage {
    let bytes = Cursor::new(&thumbnail.bytes[..]);
    let picture = match thumbnail.format {
        ImageFormat::Jpeg => {
            let mut decoder = jpeg_decoder::Decoder::new(bytes);
            let samples = decoder.decode().unwrap();
            let info = decoder.info().unwrap();
            let (width, height) = (info.width.into(), info.height.into());
            RgbImage::from_raw(width, height, samples).unwrap().into()
        }
        ImageFormat::Png => DynamicImage::from_decoder(PngDecoder::new(bytes).unwrap()).unwrap(),
        ImageFormat::WebP => DynamicImage::from_decoder(WebPDecoder::new(bytes).unwrap()).unwrap(),
        ImageFormat::Gif => DynamicImage::from_decoder(GifDecoder::new(bytes).unwrap()).unwrap(),
        // Nobody else here reads it, so the pipeline reads its own: enlarged by nothing, to PNG.
        ImageFormat::Avif => {
            let side = thumbnail.width.max(thumbnail.height);
            decoded(&thumbnails(&thumbnail.bytes, &exact_plan(side)).images[0])
        }
        format => panic!("no {format} is read back"),
    };
    assert_eq!(
        (picture.width(), picture.height()),
        (thumbnail.width, thumbnail.height)
    );
    picture
}

/// Mean difference of two pictures, in levels of 255.
pub(crate) fn difference(left: &RgbImage, right: &RgbImage) -> f64 {
    assert_eq!(left.dimensions(), right.dimensions());
    let total: u64 = left
        .as_raw()
        .iter()
        .zip(right.as_raw())
        .map(|(left, right)| u64::from(left.abs_diff(*right)))
        .sum();
    f64::from(u32::try_from(total).unwrap())
        / f64::from(u32::try_from(left.as_raw().len()).unwrap())
}

/// Fails when two pictures differ by more than `tolerance` levels in the mean.
#[track_caller]
pub(crate) fn assert_near(name: &str, left: &RgbImage, right: &RgbImage, tolerance: f64) {
    let difference = difference(left, right);
    assert!(
        difference <= tolerance,
        "{name}: {difference:.2} levels off, {tolerance} allowed"
    );
}
