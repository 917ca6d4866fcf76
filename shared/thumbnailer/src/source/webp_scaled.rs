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
    /// Of a lossy picture without alpha: Y'CbCr by BT.601 in studio range (16 to 235 and 16 to 240), chroma halved both
    /// ways, each plane with how much of it the picture covers.
    Planes(Box<[(Plane, Grid); 3]>),
    /// Of any other: RGB, or RGBA with alpha not multiplied in.
    Pixels(Picture),
}

/// Bytes that [`scaled`] holds at most for a picture of `width` by `height`, its result included.
///
/// libwebp keeps four bytes for each pixel of a lossless picture and one for each of an alpha plane, which it
/// inflates whole, and of a lossy one some rows.
pub(crate) fn scaled_bytes(
    lossless: bool,
    alpha: bool,
    width: u32,
    height: u32,
    scaled: (u32, u32),
) -> u64 {
    let pixels = u64::from(width) * u64::from(height);
    let held = match (lossless, alpha) {
        (true, _) => pixels.saturating_mul(4),
        // Lossy with alpha is never shrunk on the way.
        (false, true) => pixels.saturating_mul(5),
        (false, false) => 0,
    };
    let target = match (lossless, alpha) {
        (false, true) => pixels,
        _ => u64::from(scaled.0) * u64::from(scaled.1),
    };
    held.saturating_add(target.saturating_mul(4))
        .saturating_add(u64::from(width) * 256 + (1 << 20))
}

/// Decodes a still picture to no less than `least`, in pixels as stored; `None` when it is animated.
///
/// Averages where it shrinks, so `least` should be twice of what is resized from it, and then Lanczos after it scores
/// as from the full size. A lossy picture with alpha is not shrunk: libwebp would mix hidden colours into visible ones.
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

/// The size to decode to: the whole divided by the greatest number that leaves `least` both ways, rounded up to even
/// so that chroma is exactly half. Sides change by different fractions of a pixel; whoever resizes takes the whole
/// for the whole.
fn shrunk((width, height): (u32, u32), least: (u32, u32)) -> (u32, u32) {
    let divisor = (width / least.0.max(1)).min(height / least.1.max(1));
    if divisor < 2 {
        return (width, height);
    }
    let side = |side: u32| side.div_ceil(divisor).next_multiple_of(2).min(side);
    (side(width), side(height))
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
    fn a_picture_is_divided_as_long_as_the_least_size_is_left() {
        assert_eq!(shrunk((4032, 3024), (512, 384)), (576, 432));
        assert_eq!(shrunk((4032, 3024), (2017, 1)), (4032, 3024));
        assert_eq!(shrunk((4032, 3024), (2016, 1512)), (2016, 1512));
        assert_eq!(shrunk((301, 33), (100, 11)), (102, 12));
        assert_eq!(shrunk((1, 900), (1, 3)), (1, 900));
    }
}
