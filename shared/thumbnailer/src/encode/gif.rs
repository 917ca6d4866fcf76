use gif::{DisposalMethod, Encoder, Frame, Repeat};

use crate::picture::Canvas;

/// `NeuQuant`'s sampling: every tenth pixel trains the palette, as `gif` itself chooses.
const SPEED: i32 = 10;

/// GIF has no half transparency: below this alpha a pixel is none.
const OPAQUE_FROM: u8 = 128;

pub(super) fn encode(canvas: &Canvas) -> Result<Vec<u8>, String> {
    let mut animation = GifAnimation::new(canvas.width, canvas.height, None)?;
    animation.push(canvas, 0)?;
    animation.finish()
}

/// An animated GIF in the making; every frame shows the whole picture.
pub(crate) struct GifAnimation {
    encoder: Encoder<Vec<u8>>,
    width: u16,
    height: u16,
}

impl GifAnimation {
    /// `loops` times to play, 0 for ever; `None` for a still image.
    pub(crate) fn new(width: u32, height: u32, loops: Option<u16>) -> Result<Self, String> {
        let too_large = |_| "a GIF side is at most 65535 pixels".to_owned();
        let width = u16::try_from(width).map_err(too_large)?;
        let height = u16::try_from(height).map_err(too_large)?;
        let mut encoder =
            Encoder::new(Vec::new(), width, height, &[]).map_err(|error| error.to_string())?;
        if let Some(loops) = loops {
            let repeat = match loops {
                0 => Repeat::Infinite,
                times => Repeat::Finite(times),
            };
            encoder
                .set_repeat(repeat)
                .map_err(|error| error.to_string())?;
        }
        Ok(Self {
            encoder,
            width,
            height,
        })
    }

    pub(crate) fn push(&mut self, canvas: &Canvas, delay_ms: u32) -> Result<(), String> {
        let mut pixels = canvas.rgba();
        let mut transparent = false;
        for pixel in pixels.chunks_exact_mut(4) {
            if pixel.last().is_some_and(|alpha| *alpha < OPAQUE_FROM) {
                transparent = true;
                pixel.fill(0);
            } else if let Some(alpha) = pixel.last_mut() {
                *alpha = 255;
            }
        }
        let mut frame = Frame::from_rgba_speed(self.width, self.height, &mut pixels, SPEED);
        // GIF counts in hundredths of a second.
        frame.delay = u16::try_from((delay_ms + 5) / 10).unwrap_or(u16::MAX);
        frame.dispose = if transparent {
            // Else the frame before would show through the holes of the next.
            DisposalMethod::Background
        } else {
            DisposalMethod::Keep
        };
        self.encoder
            .write_frame(&frame)
            .map_err(|error| error.to_string())
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, String> {
        self.encoder.into_inner().map_err(|error| error.to_string())
    }
}
