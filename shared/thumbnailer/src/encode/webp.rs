use webp::{Encoder, PixelLayout, WebPConfig, WebPMemory};

use super::webp_container::{Container, Part};
use crate::Plan;
use crate::picture::Canvas;

/// The greatest side, RFC 9649 section 2.5.
const MAX_SIDE: u32 = 16_383;

/// Lossy, by libwebp with its own defaults (method 4).
///
/// A photo of 256, 512 and 1024 pixels at quality 80 on one core, in ms, kB and SSIMULACRA2:
///
/// | method | 256 | 512 | 1024 |
/// |---|---|---|---|
/// | 0 | 1.9, 17.1, 80.6 | 6.8, 63.6, 79.0 | 31, 223, 77.8 |
/// | 1 | 2.3, 16.8, 80.7 | 8.6, 62.7, 78.9 | 31, 221, 77.9 |
/// | 2 | 2.7, 16.0, 81.0 | 9.9, 60.8, 79.3 | 37, 215, 78.9 |
/// | 3 | 5.2, 15.8, 81.6 | 20, 60.0, 80.3 | 75, 211, 80.0 |
/// | 4 (this one) | 5.2, 15.8, 81.7 | 20, 60.1, 80.3 | 76, 211, 79.9 |
/// | 5 | 6.3, 15.6, 81.6 | 24, 59.5, 80.2 | 90, 207, 79.8 |
/// | 6 | 16, 15.4, 81.3 | 63, 58.7, 80.2 | 237, 204, 79.8 |
///
/// Method 2 would halve the time, and costs up to a point of the score and 2 % more bytes; a thumbnail is fetched many
/// times more often than it is made, and sharp's default is method 4 too.
pub(super) fn encode(canvas: &Canvas, plan: &Plan) -> Result<Vec<u8>, String> {
    compress(canvas, plan).map(|webp| webp.to_vec())
}

fn compress(canvas: &Canvas, plan: &Plan) -> Result<WebPMemory, String> {
    if canvas.width.max(canvas.height) > MAX_SIDE {
        return Err(format!("a WebP side is at most {MAX_SIDE} pixels"));
    }
    let mut config =
        WebPConfig::new().map_err(|()| "libwebp refused its own defaults".to_owned())?;
    config.quality = f32::from(plan.quality.webp);
    let layout = if canvas.alpha {
        PixelLayout::Rgba
    } else {
        PixelLayout::Rgb
    };
    Encoder::new(&canvas.samples, layout, canvas.width, canvas.height)
        .encode_advanced(&config)
        .map_err(|error| format!("libwebp failed with {error:?}"))
}

/// An animated WebP in the making. Each frame is compressed when it comes and only its compressed
/// bytes are kept; a frame holds the part of the picture that changed.
pub(crate) struct WebPAnimation<'a> {
    container: Container,
    plan: &'a Plan,
    previous: Option<Canvas>,
}

impl<'a> WebPAnimation<'a> {
    /// `loops` times to play, 0 for ever.
    pub(crate) fn new(width: u32, height: u32, loops: u16, plan: &'a Plan) -> Self {
        Self {
            container: Container::new(width, height, loops),
            plan,
            previous: None,
        }
    }

    pub(crate) fn push(&mut self, canvas: Canvas, delay_ms: u32) -> Result<(), String> {
        let part = match &self.previous {
            Some(previous) => Part::changed(previous, &canvas),
            None => Part::whole(&canvas),
        };
        let compressed = compress(&part.cut(&canvas), self.plan)?;
        self.container.push(part, delay_ms, &compressed)?;
        self.previous = Some(canvas);
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, String> {
        self.container.finish()
    }
}
