use ravif::{Encoder, Img, RGB8, RGBA8};

use crate::Plan;
use crate::picture::Canvas;

/// ravif's scale of 1 (best) to 10. At 10 a thumbnail reads back 5.5 levels off, over the 5 that the tests hold each type to.
const SPEED: u8 = 8;

pub(super) fn encode(canvas: &Canvas, plan: &Plan) -> Result<Vec<u8>, String> {
    let quality = f32::from(plan.quality.avif);
    let encoder = Encoder::new()
        .with_quality(quality)
        .with_alpha_quality(quality)
        .with_speed(SPEED)
        // Photos in one batch already share the processor.
        .with_num_threads(Some(1));
    let (width, height) = (canvas.width as usize, canvas.height as usize);
    let encoded = if canvas.alpha {
        let pixels: Vec<RGBA8> = canvas
            .samples
            .chunks_exact(4)
            .filter_map(|pixel| <[u8; 4]>::try_from(pixel).ok())
            .map(|[r, g, b, a]| RGBA8 { r, g, b, a })
            .collect();
        encoder.encode_rgba(Img::new(&pixels, width, height))
    } else {
        let pixels: Vec<RGB8> = canvas
            .samples
            .chunks_exact(3)
            .filter_map(|pixel| <[u8; 3]>::try_from(pixel).ok())
            .map(|[r, g, b]| RGB8 { r, g, b })
            .collect();
        encoder.encode_rgb(Img::new(&pixels, width, height))
    };
    encoded
        .map(|image| image.avif_file)
        .map_err(|error| error.to_string())
}
