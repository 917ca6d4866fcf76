//! The ways from the bytes of an image to its thumbnails that are better than decoding all of it first.

mod jpeg;
mod pixels;
mod planes;
mod png;
mod webp;

pub(crate) use jpeg::usual_decode_bytes;
pub(crate) use pixels::PixelRows;

use std::num::NonZero;

use crate::animation::Target;
use crate::cpu::Cpu;
use crate::fit::Placement;
use crate::levels::Span;
use crate::orientation::Orientation;
use crate::placeholder::MAX_SIDE;
use crate::resample::Pool;
use crate::thumbnails::Made;
use crate::{
    Fit, Header, ImageFormat, Input, Limits, Plan, Size, ThumbnailError, Thumbnails, jpeg_encode,
};

/// What is kept between images, and what works on them with it.
pub(crate) struct Engine {
    pub(crate) threads: NonZero<usize>,
    cpu: Cpu,
    pool: Pool,
    jpeg: crate::jpeg::Decoder,
    encoder: jpeg_encode::Encoder,
}

impl Engine {
    pub(crate) fn new(threads: NonZero<usize>) -> Self {
        let cpu = Cpu::detect();
        Self {
            threads,
            cpu,
            pool: Pool::default(),
            jpeg: crate::jpeg::Decoder::new(cpu),
            encoder: jpeg_encode::Encoder::new(cpu),
        }
    }

    /// `None` when the image is one for the general way, which also has the words for what is wrong with it.
    pub(crate) fn thumbnails(
        &mut self,
        format: ImageFormat,
        input: &mut dyn Input,
        plan: &Plan,
        limits: &Limits,
    ) -> Result<Option<Thumbnails>, ThumbnailError> {
        match format {
            ImageFormat::Jpeg => self.jpeg(input, plan, limits),
            ImageFormat::Png => self.png(input.from(0, usize::MAX)?, plan, limits),
            ImageFormat::WebP => self.webp(input.from(0, usize::MAX)?, plan, limits),
            _ => Ok(None),
        }
    }
}

/// A place in the picture as displayed, on the axes of the picture as stored.
fn spans(header: &Header, placement: Placement) -> (Span, Span) {
    let orientation = Orientation::from_exif(header.orientation);
    let stored = if orientation.swaps_axes() {
        placement.transposed()
    } else {
        placement
    };
    let (mirror_x, mirror_y) = orientation.mirrors();
    (
        Span::centred(
            stored.crop_width,
            f64::from(header.width),
            stored.width,
            mirror_x,
        ),
        Span::centred(
            stored.crop_height,
            f64::from(header.height),
            stored.height,
            mirror_y,
        ),
    )
}

/// Where the picture goes that the placeholder is made of.
fn preview(header: &Header) -> Placement {
    let (width, height) = header.displayed();
    Fit::Inside.place(width, height, Size::square(MAX_SIDE), false)
}

/// Makes each target once: sizes and formats of a plan may come to the same.
fn each(
    targets: &[(Size, Target)],
    mut make: impl FnMut(usize, &Target) -> Result<Vec<u8>, ThumbnailError>,
) -> Result<Vec<Made>, ThumbnailError> {
    let mut made: Vec<Made> = Vec::with_capacity(targets.len());
    for (index, (_, target)) in targets.iter().enumerate() {
        if made.iter().all(|made| made.target != *target) {
            made.push(Made {
                target: *target,
                frames: 1,
                bytes: make(index, target)?.into(),
            });
        }
    }
    Ok(made)
}

/// Pixels of the largest thumbnail.
fn largest(targets: &[(Size, Target)]) -> u64 {
    targets
        .iter()
        .map(|(_, target)| u64::from(target.placement.width) * u64::from(target.placement.height))
        .max()
        .unwrap_or(0)
}

/// Bytes that the targets of the largest thumbnail take: the resized samples, the sRGB ones, the upright ones, the
/// encoder's own.
fn target_bytes(targets: &[(Size, Target)]) -> u64 {
    largest(targets).saturating_mul(16)
}
