use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use crate::Plan;
use crate::picture::Canvas;

/// Baseline, 4:2:0, one interleaved scan: what every viewer shows.
///
/// Optimised Huffman tables would save 1 to 8 % of the bytes. This encoder then writes a scan for each
/// component, which takes 60 % more time and which not every decoder reads right.
pub(super) fn encode(canvas: &Canvas, plan: &Plan) -> Result<Vec<u8>, String> {
    let too_large = |_| "a JPEG side is at most 65535 pixels".to_owned();
    let width = u16::try_from(canvas.width).map_err(too_large)?;
    let height = u16::try_from(canvas.height).map_err(too_large)?;
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, plan.quality.jpeg);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    // The default takes one pixel of four for its neighbours' colour, which shows on edges.
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    let flattened;
    let samples = if canvas.alpha {
        flattened = canvas.flattened(plan.background.0);
        &flattened
    } else {
        &canvas.samples
    };
    encoder
        .encode(samples, width, height, ColorType::Rgb)
        .map_err(|error| error.to_string())?;
    Ok(jpeg)
}
