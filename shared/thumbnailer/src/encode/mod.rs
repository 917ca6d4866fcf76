//! Writing thumbnails. No encoder is handed metadata, so none is written.

mod av1;
mod avif;
mod gif;
mod jpeg;
mod png;
mod webp;
mod webp_container;

pub(crate) use gif::GifAnimation;
pub(crate) use webp::WebPAnimation;

use crate::picture::Canvas;
use crate::{ImageFormat, Plan, ThumbnailError};

/// Encodes one still thumbnail.
pub(crate) fn encode(
    canvas: &Canvas,
    format: ImageFormat,
    plan: &Plan,
) -> Result<Vec<u8>, ThumbnailError> {
    let encoded = match format {
        ImageFormat::Jpeg => jpeg::encode(canvas, plan),
        ImageFormat::Png => png::encode(canvas),
        ImageFormat::WebP => webp::encode(canvas, plan),
        ImageFormat::Gif => gif::encode(canvas),
        ImageFormat::Avif => avif::encode(canvas, plan),
        // `OutputFormat::resolve` never names these.
        ImageFormat::Tiff | ImageFormat::Bmp => Err("no thumbnails are written in it".to_owned()),
    };
    encoded.map_err(|reason| refusal(canvas.width, canvas.height, format, reason))
}

pub(crate) fn refusal(
    width: u32,
    height: u32,
    format: ImageFormat,
    reason: String,
) -> ThumbnailError {
    ThumbnailError::Encode {
        format,
        width,
        height,
        reason,
    }
}
