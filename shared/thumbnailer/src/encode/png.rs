use png::{BitDepth, ColorType, Compression, Encoder, Filter};

use crate::picture::Canvas;

/// Eight bits, fast compression: a thumbnail in PNG is wanted for its exactness, and the best
/// compression costs ten times as long for a tenth of the bytes.
pub(super) fn encode(canvas: &Canvas) -> Result<Vec<u8>, String> {
    let mut png = Vec::new();
    let mut encoder = Encoder::new(&mut png, canvas.width, canvas.height);
    encoder.set_color(if canvas.alpha {
        ColorType::Rgba
    } else {
        ColorType::Rgb
    });
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    encoder.set_filter(Filter::Adaptive);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer
        .write_image_data(&canvas.samples)
        .map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(png)
}
