//! AVIF still images: our own reader of the container, and rav1d, which is dav1d in Rust.

use re_rav1d::dav1d::pixel::YUVRange;
use re_rav1d::dav1d::{Decoder, PixelLayout, PlanarImageComponent as Component, Settings};

use super::avif_aperture::Aperture;
use super::avif_colour::{Planes, rgb};
use super::avif_container::{Coding, Container, ContainerError, Item};
use super::{Decoded, Facts};
use crate::picture::{Layout, Picture};
use crate::sniff::{CONVERT, unsupported};
use crate::{ImageFormat, Limits, ThumbnailError};

/// For each pixel: three planes of up to two bytes, as the decoder has them twice, the RGBA
/// picture, and the plane of alpha.
const DECODE_BYTES: u64 = 3 * 2 * 2 + 4 + 2;

pub(super) fn facts(image: &[u8]) -> Result<Facts, ThumbnailError> {
    let container = Container::read(image).map_err(refusal)?;
    let Item {
        width,
        height,
        aperture,
        orientation,
        ..
    } = container.picture;
    let pixels = u64::from(width) * u64::from(height);
    let (width, height) = aperture.map_or((width, height), |part| (part.width, part.height));
    Ok(Facts {
        width,
        height,
        orientation,
        alpha: container.alpha.is_some(),
        frames: 1,
        decode_bytes: pixels.saturating_mul(DECODE_BYTES),
    })
}

pub(super) fn decode(image: &[u8], limits: &Limits) -> Result<Decoded, ThumbnailError> {
    let Container { picture, alpha } = Container::read(image).map_err(refusal)?;
    let planes = planes(&picture, limits)?;
    let mut layout = Layout::Rgb;
    let mut samples = rgb(&planes, alpha.is_some());
    if let Some(alpha) = alpha {
        if (alpha.width, alpha.height) != (picture.width, picture.height) {
            return Err(corrupt("its transparency is of another size"));
        }
        let alpha = self::planes(&alpha, limits)?;
        for (pixel, alpha) in samples.chunks_exact_mut(4).zip(alpha.luma_levels()) {
            if let Some(last) = pixel.last_mut() {
                *last = alpha;
            }
        }
        layout = Layout::Rgba;
    }
    let whole = Picture {
        width: picture.width,
        height: picture.height,
        layout,
        samples,
    };
    Ok(Decoded {
        picture: match picture.aperture {
            Some(aperture) => cut(&whole, aperture),
            None => whole,
        },
        profile: picture
            .profile
            .map(<[u8]>::to_vec)
            .or_else(|| picture.coding.and_then(profile_of)),
    })
}

/// The part of a picture that is to be seen.
fn cut(whole: &Picture, aperture: Aperture) -> Picture {
    let Aperture {
        left,
        top,
        width,
        height,
    } = aperture;
    let channels = whole.layout.channels();
    let [left, top, columns, rows] = [left, top, width, height].map(|side| side as usize);
    let samples = whole
        .samples
        .chunks_exact((whole.width as usize * channels).max(1))
        .skip(top)
        .take(rows)
        .flat_map(|row| row.iter().skip(left * channels).take(columns * channels))
        .copied()
        .collect();
    Picture {
        width,
        height,
        layout: whole.layout,
        samples,
    }
}

/// The profile of a wide colour space that the file names by number.
fn profile_of(coding: Coding) -> Option<Vec<u8>> {
    let profile = match coding.primaries {
        9 => moxcms::ColorProfile::new_bt2020(),
        12 => moxcms::ColorProfile::new_display_p3(),
        _ => return None,
    };
    profile.encode().ok()
}

/// Decodes one picture of the file.
fn planes(item: &Item<'_>, limits: &Limits) -> Result<Planes, ThumbnailError> {
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    // Zero would be no limit.
    let max_pixels = u32::try_from(limits.max_pixels).unwrap_or(u32::MAX).max(1);
    settings.set_frame_size_limit(max_pixels);
    let mut decoder = Decoder::with_settings(&settings).map_err(corrupt)?;
    decoder
        .send_data(item.stream.to_vec(), None, None, None)
        .map_err(corrupt)?;
    let picture = decoder.get_picture().map_err(corrupt)?;
    if (picture.width(), picture.height()) != (item.width, item.height) {
        return Err(corrupt("its container and its picture differ in size"));
    }
    let layout = picture.pixel_layout();
    let chroma = match layout {
        PixelLayout::I400 => None,
        PixelLayout::I420 | PixelLayout::I422 | PixelLayout::I444 => Some([
            picture.plane(Component::U).to_vec(),
            picture.plane(Component::V).to_vec(),
        ]),
    };
    let coding = item.coding.unwrap_or_else(|| Coding {
        primaries: 2,
        matrix: picture.matrix_coefficients() as u16,
        full_range: picture.color_range() == YUVRange::Full,
    });
    Ok(Planes {
        width: item.width as usize,
        height: item.height as usize,
        luma: picture.plane(Component::Y).to_vec(),
        luma_stride: picture.stride(Component::Y) as usize,
        chroma,
        chroma_stride: picture.stride(Component::U) as usize,
        halved: match layout {
            PixelLayout::I420 => (true, true),
            PixelLayout::I422 => (true, false),
            PixelLayout::I400 | PixelLayout::I444 => (false, false),
        },
        bits: picture.bits_per_component().map_or(8, |bits| bits.0),
        coding,
    })
}

fn corrupt(reason: impl std::fmt::Display) -> ThumbnailError {
    ThumbnailError::corrupt(ImageFormat::Avif, reason)
}

fn refusal(error: ContainerError) -> ThumbnailError {
    match error {
        ContainerError::Corrupt(reason) => corrupt(reason),
        ContainerError::Derived => unsupported("AVIF in tiles or layers", CONVERT),
    }
}
