//! Still WebP by libwebp, shrunk on the way: three times as fast as decoding it whole in Rust, and what is held of a
//! lossy picture is a few rows and the small one.
//!
//! Of a 12 megapixel photo, parsing the compressed symbols takes 7 of 10 parts of the time and averaging pixels one;
//! leaving out the filter or the upsampling of chroma saves nothing that could be measured.

use std::mem::MaybeUninit;

use libwebp_sys::{
    VP8StatusCode, WEBP_CSP_MODE, WebPBitstreamFeatures, WebPDecBuffer__bindgen_ty_1, WebPDecode,
    WebPDecoderConfig, WebPGetFeatures, WebPInitDecoderConfig, WebPRGBABuffer, WebPYUVABuffer,
};

use super::webp::corrupt;
use crate::ThumbnailError;
use crate::picture::{Layout, Picture};
use crate::planes::{Grid, Plane};

/// A picture in about the size that is needed.
#[derive(Debug)]
pub(crate) enum ScaledWebP {
    /// Of a lossy picture without alpha: luma and chroma as in JPEG (BT.601, full range), chroma halved both ways, each plane
    /// with how much of it the picture covers.
    Planes(Box<[(Plane, Grid); 3]>),
    /// Of any other: RGB, or RGBA with alpha not multiplied in.
    Pixels(Picture),
}

/// Bytes that [`scaled`] holds at most of a picture of `size`, its result included.
///
/// libwebp keeps four bytes for each pixel of a lossless picture and two for each of an alpha plane, and of a lossy one
/// some rows.
pub(crate) fn scaled_bytes(
    lossless: bool,
    alpha: bool,
    size: (u32, u32),
    least: (u32, u32),
) -> u64 {
    let bytes = |(width, height): (u32, u32), each: u64| {
        u64::from(width)
            .saturating_mul(height.into())
            .saturating_mul(each)
    };
    let held = match (lossless, alpha) {
        (true, _) => bytes(size, 4) + bytes(shrunk(size, least), 4),
        (false, true) => bytes(size, 2 + 4),
        (false, false) => bytes(shrunk(size, least), 2),
    };
    held.saturating_add(u64::from(size.0) * 256 + (1 << 20))
}

/// Decodes a still picture to no less than `least`, in pixels as stored; `None` when it is animated.
///
/// Averages where it shrinks, so `least` should be twice of what is resized from it. A 12 megapixel photo at 256 pixels
/// scores, in SSIMULACRA2 against Lanczos from the full size, 86.3 from a picture of just that size, 91.7 from 1.5
/// times, 94.7 from twice, and 96.5 from three times; the time is the same within 6 parts of a hundred. A lossy picture with alpha is not shrunk: libwebp would mix hidden colours into visible ones.
///
/// # Errors
///
/// When it is corrupt, or is not of the `size` that its container said.
pub(crate) fn scaled(
    image: &[u8],
    size: (u32, u32),
    least: (u32, u32),
) -> Result<Option<ScaledWebP>, ThumbnailError> {
    let features = features(image)?;
    if features.has_animation != 0 {
        return Ok(None);
    }
    let said = (
        u32::try_from(features.width),
        u32::try_from(features.height),
    );
    if said != (Ok(size.0), Ok(size.1)) {
        return Err(corrupt("its canvas and its frame differ in size"));
    }
    let (alpha, lossless) = (features.has_alpha != 0, features.format == 2);
    let target = if alpha && !lossless {
        size
    } else {
        shrunk(size, least)
    };
    if lossless || alpha {
        pixels(image, size, target, alpha).map(|picture| Some(ScaledWebP::Pixels(picture)))
    } else {
        planes(image, size, target).map(|planes| Some(ScaledWebP::Planes(Box::new(planes))))
    }
}

/// The size to decode to, even so that chroma is exactly half. Sides change by different fractions of a pixel; whoever
/// resizes takes the whole for the whole.
///
/// Not shrunk to more than a third of a side: there averaging takes longer than it takes our resizer to do with the
/// whole. Of 12 megapixels, to a quarter of a side 108 ms, to half 122, to three quarters 152, and whole 104.
fn shrunk((width, height): (u32, u32), least: (u32, u32)) -> (u32, u32) {
    let even = |least: u32| least.max(2).next_multiple_of(2);
    let target = (even(least.0), even(least.1));
    if target.0.saturating_mul(3) > width || target.1.saturating_mul(3) > height {
        return (width, height);
    }
    target
}

fn features(image: &[u8]) -> Result<WebPBitstreamFeatures, ThumbnailError> {
    let mut features = MaybeUninit::<WebPBitstreamFeatures>::zeroed();
    // SAFETY: the pointer and the length are of one slice, of which libwebp reads no more, and the features are plain
    // integers, for which zeros are valid too.
    #[expect(unsafe_code, reason = "libwebp is C")]
    let (status, features) = unsafe {
        let status = WebPGetFeatures(image.as_ptr(), image.len(), features.as_mut_ptr());
        (status, features.assume_init())
    };
    accepted(status)?;
    Ok(features)
}

fn planes(
    image: &[u8],
    (width, height): (u32, u32),
    (scaled_width, scaled_height): (u32, u32),
) -> Result<[(Plane, Grid); 3], ThumbnailError> {
    let plane = |width: u32, height: u32| Plane {
        width: width as usize,
        height: height as usize,
        samples: vec![0; width as usize * height as usize],
    };
    let (chroma_width, chroma_height) = (scaled_width.div_ceil(2), scaled_height.div_ceil(2));
    let mut luma = plane(scaled_width, scaled_height);
    let mut chroma = [
        plane(chroma_width, chroma_height),
        plane(chroma_width, chroma_height),
    ];
    let [blue, red] = &mut chroma;
    let output = WebPDecBuffer__bindgen_ty_1 {
        YUVA: WebPYUVABuffer {
            y: luma.samples.as_mut_ptr(),
            u: blue.samples.as_mut_ptr(),
            v: red.samples.as_mut_ptr(),
            a: std::ptr::null_mut(),
            y_stride: stride(scaled_width)?,
            u_stride: stride(chroma_width)?,
            v_stride: stride(chroma_width)?,
            a_stride: 0,
            y_size: luma.samples.len(),
            u_size: blue.samples.len(),
            v_size: red.samples.len(),
            a_size: 0,
        },
    };
    let scaling =
        ((scaled_width, scaled_height) != (width, height)).then_some((scaled_width, scaled_height));
    // SAFETY: each plane's pointer and size are of one vector, which outlives the call.
    #[expect(unsafe_code, reason = "libwebp is C")]
    unsafe {
        decode(image, WEBP_CSP_MODE::MODE_YUV, output, scaling)?;
    }
    full_range(&mut luma.samples, 16, LUMA_SCALE, 0);
    for plane in &mut chroma {
        full_range(&mut plane.samples, 128, CHROMA_SCALE, 128);
    }
    // Of an odd width half a column of chroma lies outside of the picture, and is scaled with the rest.
    let covered = |side: u32, samples: u32| {
        f64::from(side) / 2.0 / f64::from(side.div_ceil(2)) * f64::from(samples)
    };
    let grid = |plane: &Plane, extent_x, extent_y| Grid {
        width: plane.width,
        height: plane.height,
        extent_x,
        extent_y,
    };
    let [blue, red] = chroma;
    let luma_grid = grid(&luma, f64::from(scaled_width), f64::from(scaled_height));
    let chroma_grid = grid(
        &blue,
        covered(width, chroma_width),
        covered(height, chroma_height),
    );
    Ok([(luma, luma_grid), (blue, chroma_grid), (red, chroma_grid)])
}

/// 255 of 219 and of 224 levels, in 16 bits of fraction.
const LUMA_SCALE: i32 = 76_309;
const CHROMA_SCALE: i32 = 74_606;

/// Samples of BT.601's studio range, RFC 6386 section 9.2, to JPEG's.
fn full_range(samples: &mut [u8], from: i32, scale: i32, to: i32) {
    for sample in samples {
        let level = (((i32::from(*sample) - from) * scale + (1 << 15)) >> 16) + to;
        #[expect(clippy::cast_sign_loss, reason = "clamped to a byte")]
        let level = level.clamp(0, 255) as u8;
        *sample = level;
    }
}

fn pixels(
    image: &[u8],
    size: (u32, u32),
    (width, height): (u32, u32),
    alpha: bool,
) -> Result<Picture, ThumbnailError> {
    let (layout, mode) = if alpha {
        (Layout::Rgba, WEBP_CSP_MODE::MODE_RGBA)
    } else {
        (Layout::Rgb, WEBP_CSP_MODE::MODE_RGB)
    };
    let row = width as usize * layout.channels();
    let mut samples = vec![0; row * height as usize];
    let output = WebPDecBuffer__bindgen_ty_1 {
        RGBA: WebPRGBABuffer {
            rgba: samples.as_mut_ptr(),
            stride: i32::try_from(row).map_err(corrupt)?,
            size: samples.len(),
        },
    };
    let scaling = (size != (width, height)).then_some((width, height));
    // SAFETY: the pointer and the size are of one vector, which outlives the call.
    #[expect(unsafe_code, reason = "libwebp is C")]
    unsafe {
        decode(image, mode, output, scaling)?;
    }
    Ok(Picture {
        width,
        height,
        layout,
        samples,
    })
}

fn stride(width: u32) -> Result<i32, ThumbnailError> {
    i32::try_from(width).map_err(corrupt)
}

/// Decodes into memory of the caller.
///
/// # Safety
///
/// Each pointer of `output` that is not null is to as many bytes as the size beside it says, and they are not
/// borrowed meanwhile. libwebp itself refuses sizes and strides that are too small for the picture.
#[expect(unsafe_code, reason = "libwebp is C")]
unsafe fn decode(
    image: &[u8],
    mode: WEBP_CSP_MODE,
    output: WebPDecBuffer__bindgen_ty_1,
    scaling: Option<(u32, u32)>,
) -> Result<(), ThumbnailError> {
    let mut config = MaybeUninit::<WebPDecoderConfig>::zeroed();
    // SAFETY: the configuration is written by libwebp before it is used, and zeros are valid for it anyway.
    let mut config = unsafe {
        if !WebPInitDecoderConfig(config.as_mut_ptr()) {
            return Err(corrupt("libwebp has another version than its header"));
        }
        config.assume_init()
    };
    if let Some((width, height)) = scaling {
        config.options.use_scaling = 1;
        config.options.scaled_width = stride(width)?;
        config.options.scaled_height = stride(height)?;
    }
    config.output.colorspace = mode;
    config.output.u = output;
    config.output.is_external_memory = 1;
    // SAFETY: the image's pointer and length are of one slice; the output is the caller's promise. With external
    // memory libwebp keeps none of its own in the configuration: there is nothing to free.
    let status = unsafe { WebPDecode(image.as_ptr(), image.len(), &raw mut config) };
    accepted(status)
}

fn accepted(status: VP8StatusCode) -> Result<(), ThumbnailError> {
    match status {
        VP8StatusCode::VP8_STATUS_OK => Ok(()),
        VP8StatusCode::VP8_STATUS_NOT_ENOUGH_DATA | VP8StatusCode::VP8_STATUS_SUSPENDED => {
            Err(corrupt("it is truncated: its frame ends too early"))
        }
        status => Err(corrupt(format!("libwebp says {status:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_shrunk_to_an_even_size_or_not_at_all() {
        assert_eq!(shrunk((4032, 3024), (512, 383)), (512, 384));
        assert_eq!(shrunk((4032, 3024), (1344, 1008)), (1344, 1008));
        assert_eq!(shrunk((4032, 3024), (1345, 1008)), (4032, 3024));
        assert_eq!(shrunk((4032, 3024), (0, 0)), (2, 2));
        assert_eq!(shrunk((1, 900), (1, 3)), (1, 900));
    }

    #[test]
    fn studio_range_is_spread_to_full_range() {
        let mut luma = [0, 16, 17, 126, 235, 255];
        full_range(&mut luma, 16, LUMA_SCALE, 0);
        assert_eq!(luma, [0, 0, 1, 128, 255, 255]);
        let mut chroma = [0, 16, 128, 240, 255];
        full_range(&mut chroma, 128, CHROMA_SCALE, 128);
        assert_eq!(chroma, [0, 0, 128, 255, 255]);
    }

    /// A photo as libwebp writes it, and what each way of reading it gives.
    fn written(width: u32, height: u32, alpha: bool, lossless: bool) -> Vec<u8> {
        let channels = if alpha { 4 } else { 3 };
        let pixels: Vec<u8> = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .flat_map(|(x, y)| [x * 255 / width, y * 255 / height, 90, 255 - x * 100 / width])
            .map(|level| u8::try_from(level).unwrap())
            .collect();
        let pixels: Vec<u8> = pixels
            .as_chunks::<4>()
            .0
            .iter()
            .flat_map(|pixel| &pixel[..channels])
            .copied()
            .collect();
        let layout = if alpha {
            webp::PixelLayout::Rgba
        } else {
            webp::PixelLayout::Rgb
        };
        webp::Encoder::new(&pixels, layout, width, height)
            .encode_simple(lossless, 90.0)
            .unwrap()
            .to_vec()
    }

    #[test]
    fn a_lossy_picture_is_planes_of_the_same_colours() {
        for size in [(96, 64), (95, 63)] {
            let image = written(size.0, size.1, false, false);
            let ScaledWebP::Planes(planes) = scaled(&image, size, (24, 16)).unwrap().unwrap()
            else {
                panic!("a lossy picture is planes");
            };
            let [(luma, _), (blue, grid), (red, _)] = *planes;
            assert_eq!(
                (luma.width, luma.height, blue.width, blue.height),
                (24, 16, 12, 8)
            );
            assert!(grid.extent_x > 11.8 && grid.extent_x <= 12.0, "{grid:?}");
            // In the middle it is half red and half green, and a third blue.
            let at = |plane: &Plane| {
                i32::from(plane.samples[plane.height / 2 * plane.width + plane.width / 2])
            };
            assert!((at(&luma) - 126).abs() < 8, "{}", at(&luma));
            assert!((at(&blue) - 107).abs() < 8, "{}", at(&blue));
            assert!((at(&red) - 128).abs() < 8, "{}", at(&red));
        }
    }

    #[test]
    fn other_pictures_are_pixels() {
        for (alpha, lossless, side) in [(false, true, 24), (true, true, 24), (true, false, 96)] {
            let image = written(96, 64, alpha, lossless);
            let ScaledWebP::Pixels(picture) = scaled(&image, (96, 64), (24, 16)).unwrap().unwrap()
            else {
                panic!("alpha {alpha}, lossless {lossless}");
            };
            assert_eq!((picture.width, picture.layout.has_alpha()), (side, alpha));
            let channels = picture.layout.channels();
            let middle =
                (picture.height as usize / 2 * side as usize + side as usize / 2) * channels;
            for (sample, expected) in picture.samples[middle..]
                .iter()
                .zip([128u8, 128, 90, 204])
                .take(channels)
            {
                assert!(
                    sample.abs_diff(expected) < 10,
                    "{sample} {expected} {alpha} {lossless}"
                );
            }
        }
    }

    #[test]
    fn a_frame_of_another_size_or_cut_short_is_corrupt() {
        let image = written(96, 64, false, false);
        assert!(scaled(&image, (97, 64), (24, 16)).is_err());
        for end in [30, image.len() / 2, image.len() - 2] {
            assert!(scaled(&image[..end], (96, 64), (24, 16)).is_err(), "{end}");
        }
    }

    proptest::proptest! {
        #[test]
        fn mutated_files_never_panic(at: usize, bit in 0..8u32, alpha: bool, lossless: bool) {
            let mut image = written(33, 17, alpha, lossless);
            let at = at % image.len();
            image[at] ^= 1 << bit;
            let _ = scaled(&image, (33, 17), (8, 8));
        }
    }
}
