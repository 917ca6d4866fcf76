use avif_serialize::Aviffy;
use avif_serialize::constants::MatrixCoefficients as ContainerMatrix;
use rav1e::config::SpeedSettings;
use rav1e::prelude::{
    BlockSize, ChromaSampling, ColorDescription, ColorPrimaries, Config, Context, EncoderConfig,
    EncoderStatus, MatrixCoefficients, PartitionRange, PixelRange, Rational, SceneDetectionSpeed,
    TransferCharacteristics,
};

use crate::Plan;
use crate::cpu::Cpu;
use crate::picture::Canvas;
use crate::planes::Plane;
use crate::ycc;

/// Lossy, by rav1e, in eight bits with chroma halved, and what is written is a still picture and nothing else.
///
/// Time, size and SSIMULACRA2 of a photo of 256 and of 512 pixels, one core; libaom is sharp's at its effort 0. rav1e
/// here is portable Rust: its x86 assembly needs an assembler that is not everywhere. At equal scores it takes 6 to 8
/// times as long as libaom and 6 to 11 % more bytes, which no setting of it changes; libaom would need `CMake` to build.
///
/// | setting | 256: ms, bytes, score | 512: ms, bytes, score |
/// |---|---|---|
/// | ravif, speed 8, quality 60 (ten bits, whole chroma) | 117, 8636, 66.6 | 406, 32240, 63.0 |
/// | ravif, speed 9 | 55, 8923, 66.2 | 209, 33079, 62.8 |
/// | ravif, speed 10 | 30, 9213, 66.2 | 105, 34133, 63.1 |
/// | rav1e, speed 10 as it is, quantiser 120 | 44, 13525, 74.1 | 166, 50647, 71.5 |
/// | blocks of 8 only, no CDEF, few directions, quantiser 140 (this one) | 25, 9567, 68.8 | 96, 36359, 65.3 |
/// | the same, tuned for PSNR, quantiser 140 | 22, 11102, 72.0 | 85, 42022, 68.1 |
/// | the same for PSNR, blocks of 16 only, rates of the transform's domain, quantiser 140 | 14, 11813, 71.2 | 52, 43805, 68.2 |
/// | libaom, quality 50 | 3.9, 7027, 63.1 | 11.6, 26754, 59.9 |
/// | libaom, quality 60 | 4.2, 10180, 72.2 | 14.1, 39492, 71.3 |
pub(super) fn encode(canvas: &Canvas, plan: &Plan) -> Result<Vec<u8>, String> {
    let quantiser = quantiser(plan.quality.avif);
    let (width, height) = (canvas.width as usize, canvas.height as usize);
    let (rgb, alpha) = split(canvas);
    let planes = ycc::from_rgb(Cpu::detect(), &rgb, width, height, true);
    let colour = compress(width, height, ChromaSampling::Cs420, &planes, quantiser)?;
    let alpha = alpha
        .map(|alpha| compress(width, height, ChromaSampling::Cs400, &[alpha], quantiser))
        .transpose()?;
    Ok(Aviffy::new()
        .set_chroma_subsampling((true, true))
        .set_seq_profile(0)
        .set_matrix_coefficients(ContainerMatrix::Bt601)
        .to_vec(&colour, alpha.as_deref(), canvas.width, canvas.height, 8))
}

/// RGB, and alpha as a plane of its own.
fn split(canvas: &Canvas) -> (Vec<u8>, Option<Plane>) {
    if !canvas.alpha {
        return (canvas.samples.clone(), None);
    }
    let pixels = canvas.samples.as_chunks::<4>().0;
    let rgb = pixels
        .iter()
        .flat_map(|[red, green, blue, _]| [*red, *green, *blue])
        .collect();
    let alpha = Plane {
        width: canvas.width as usize,
        height: canvas.height as usize,
        samples: pixels.iter().map(|[.., alpha]| *alpha).collect(),
    };
    (rgb, Some(alpha))
}

/// AV1's quantiser index, 255 to 0, for a quality of 1 to 100: ravif's scale, less what fewer choices and halved chroma
/// lose, so that noise too comes back as near as it does there. A photo then scores three points more.
fn quantiser(quality: u8) -> u8 {
    let quality = f32::from(quality) / 100.0;
    let coarseness = if quality >= 0.82 {
        (1.0 - quality) * 2.6
    } else if quality > 0.25 {
        0.875 - quality / 2.0
    } else {
        1.0 - quality
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 255"
    )]
    let index = (coarseness * 255.0 - 12.0).round().clamp(0.0, 255.0) as u8;
    index
}

fn settings() -> SpeedSettings {
    let mut settings = SpeedSettings::from_preset(10);
    settings.rdo_lookahead_frames = 1;
    settings.scene_detection_mode = SceneDetectionSpeed::None;
    // Smaller than the preset's blocks of 32: better by 3 points at equal size, and no slower without a choice.
    settings.partition.partition_range =
        PartitionRange::new(BlockSize::BLOCK_8X8, BlockSize::BLOCK_8X8);
    // A third of the time for a quarter of a point.
    settings.cdef = false;
    settings.prediction.fine_directional_intra = false;
    settings
}

fn compress(
    width: usize,
    height: usize,
    chroma_sampling: ChromaSampling,
    planes: &[Plane],
    quantiser: u8,
) -> Result<Vec<u8>, String> {
    let colour = ColorDescription {
        color_primaries: ColorPrimaries::BT709,
        transfer_characteristics: TransferCharacteristics::SRGB,
        matrix_coefficients: MatrixCoefficients::BT601,
    };
    let config = EncoderConfig {
        width,
        height,
        time_base: Rational::new(1, 1),
        bit_depth: 8,
        chroma_sampling,
        pixel_range: PixelRange::Full,
        color_description: (chroma_sampling != ChromaSampling::Cs400).then_some(colour),
        still_picture: true,
        low_latency: true,
        min_key_frame_interval: 0,
        max_key_frame_interval: 0,
        quantizer: quantiser.into(),
        min_quantizer: quantiser,
        tiles: 1,
        speed_settings: settings(),
        ..EncoderConfig::default()
    };
    // Photos in one batch already share the processor.
    let mut context: Context<u8> = Config::new()
        .with_encoder_config(config)
        .with_threads(1)
        .new_context()
        .map_err(|error| error.to_string())?;
    let mut frame = context.new_frame();
    for (target, plane) in frame.planes.iter_mut().zip(planes) {
        target.copy_from_raw_u8(&plane.samples, plane.width, 1);
    }
    context
        .send_frame(frame)
        .map_err(|error| error.to_string())?;
    context.flush();
    let mut stream = Vec::new();
    loop {
        match context.receive_packet() {
            Ok(packet) => stream.extend(packet.data),
            Err(EncoderStatus::Encoded) => {}
            Err(EncoderStatus::LimitReached) => return Ok(stream),
            Err(error) => return Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_better_quality_never_quantises_more() {
        let indices: Vec<u8> = (1..=100).map(quantiser).collect();
        assert!(
            indices.is_sorted_by(|worse, better| worse >= better),
            "{indices:?}"
        );
        assert_eq!((indices[59], indices[99]), (135, 0));
    }
}
