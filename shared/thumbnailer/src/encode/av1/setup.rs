//! What is decided once for a picture.

use super::Picture;
use super::header::{Filters, Frame};
use super::quantise::{GENTLE, Matrices, STEEP, Steps, ac_step};
use super::transform::Size;
use crate::cpu::Cpu;

/// What chroma's quantiser is finer by, DC and AC: SSIMULACRA2 looks at it closely, and it takes few bits.
const CHROMA_DELTA: [i8; 2] = [-20, -12];

/// Of a whole picture.
pub(super) struct Setup {
    pub(super) cpu: Cpu,
    pub(super) frame: Frame,
    /// Luma's and chroma's.
    pub(super) quantisers: [Quantiser; 2],
    /// What a 512th of a bit may cost, in 128ths of squared sample differences times 64.
    pub(super) lambda: u64,
    /// The same where coefficients are weighed one by one, which the eye minds more.
    pub(super) lambda_last: u64,
    /// What a 512th of a bit may cost, in 512ths of a sum of transformed differences.
    pub(super) lambda_rough: u64,
}

/// Of luma or of chroma.
pub(super) struct Quantiser {
    pub(super) steps: Steps,
    /// How much a coefficient's difference counts, squared, by 1024, for each size of transform.
    importance: [Vec<u32>; Size::ALL.len()],
}

impl Quantiser {
    fn new([dc, ac]: [u8; 2], matrices: Option<&Matrices>, plane: usize) -> Self {
        let weights = |size: Size| match matrices {
            Some(matrices) => matrices.weights(plane, size),
            None => vec![32; size.coded_width() * size.coded_height()],
        };
        let importance = Size::ALL.map(|size| {
            let squared = weights(size)
                .into_iter()
                .map(|weight| u32::from(weight).pow(2));
            squared.map(|squared| (1 << 20) / squared).collect()
        });
        Self {
            steps: Steps::new(dc, ac, weights),
            importance,
        }
    }

    /// How much each coefficient's difference counts.
    pub(super) fn importance(&self, size: Size) -> &[u32] {
        &self.importance[size as usize]
    }
}

impl Setup {
    pub(super) fn new(cpu: Cpu, picture: &Picture<'_>, quantiser: u8) -> Self {
        let chroma = CHROMA_DELTA.map(|delta| quantiser.saturating_add_signed(delta));
        let matrices = matrices(quantiser);
        let step = u64::from(ac_step(quantiser).unsigned_abs());
        Self {
            cpu,
            frame: Frame {
                width: picture.luma.width,
                height: picture.luma.height,
                monochrome: picture.chroma.is_none(),
                quantiser,
                chroma_delta: CHROMA_DELTA,
                matrices: matrices.map(|matrices| matrices.levels),
                filters: filters(step),
            },
            quantisers: [
                Quantiser::new([quantiser; 2], matrices, 0),
                Quantiser::new(chroma, matrices, 1),
            ],
            lambda: (step * step / 50).max(1),
            lambda_last: (step * step / 70).max(1),
            lambda_rough: (step / 16).max(1),
        }
    }
}

/// At level 8 of the matrices the same score takes 9 % fewer bytes than without any, at level 4 it is 15 %. The steepest
/// there are would save three more, but would leave texture out that other measures miss. What should come out as it was
/// is left alone.
fn matrices(quantiser: u8) -> Option<&'static Matrices> {
    match quantiser {
        ..10 => None,
        10..26 => Some(&GENTLE),
        26.. => Some(&STEEP),
    }
}

/// A decoder smooths the edges of blocks a little, more the coarser the picture is. It does nothing else: its directional
/// filter makes no difference to the score.
fn filters(step: u64) -> Filters {
    let level = (step * 17).saturating_sub(400) / 512;
    Filters {
        deblocking: [level.min(63) as u8; 4],
        sharpness: 0,
    }
}
