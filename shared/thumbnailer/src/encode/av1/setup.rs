//! What is decided once for a picture.

use super::Picture;
use super::header::{Filters, Frame};
use super::quantise::{Steps, ac_step, dc_step};
use crate::cpu::Cpu;

/// Of a whole picture.
pub(super) struct Setup {
    pub(super) cpu: Cpu,
    pub(super) frame: Frame,
    /// Luma's and chroma's.
    pub(super) quantisers: [Quantiser; 2],
    /// What a 512th of a bit may cost, in 128ths of squared sample differences times 64.
    pub(super) lambda: u64,
    /// What a 512th of a bit may cost, in 512ths of a sum of transformed differences.
    pub(super) lambda_rough: u64,
}

/// Of luma or of chroma.
pub(super) struct Quantiser {
    pub(super) steps: Steps,
    /// DC and AC.
    pub(super) values: [i32; 2],
}

impl Quantiser {
    fn new(dc: u8, ac: u8) -> Self {
        Self {
            steps: Steps::new(dc, ac),
            values: [dc_step(dc), ac_step(ac)],
        }
    }
}

impl Setup {
    pub(super) fn new(cpu: Cpu, picture: &Picture<'_>, quantiser: u8) -> Self {
        let chroma_delta = [0, 0];
        let chroma = chroma_delta.map(|delta: i8| quantiser.saturating_add_signed(delta));
        let step = ac_step(quantiser) as u64;
        Self {
            cpu,
            frame: Frame {
                width: picture.luma.width,
                height: picture.luma.height,
                monochrome: picture.chroma.is_none(),
                quantiser,
                chroma_delta,
                filters: filters(quantiser),
            },
            quantisers: [
                Quantiser::new(quantiser, quantiser),
                Quantiser::new(chroma[0], chroma[1]),
            ],
            lambda: (step * step * 29 / 1000).max(1),
            lambda_rough: (step / 8).max(1),
        }
    }
}

fn filters(_quantiser: u8) -> Filters {
    Filters {
        deblocking: [0; 4],
        sharpness: 0,
        damping: 3,
        directional: [[0; 2]; 2],
    }
}
