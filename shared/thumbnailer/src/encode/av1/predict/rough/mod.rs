//! How near predictions come, without making them one by one.

#[cfg(target_arch = "x86_64")]
mod x86;

use super::super::quantise::satd;
use super::{Edges, LONGEST, Mode, predict};
use crate::cpu::Cpu;

/// The modes that [`rough`] knows: those with edges as they are.
pub(crate) const ROUGH: u16 = bit(Mode::Dc)
    | bit(Mode::Vertical)
    | bit(Mode::Horizontal)
    | bit(Mode::Smooth)
    | bit(Mode::SmoothVertical)
    | bit(Mode::SmoothHorizontal)
    | bit(Mode::Paeth);

/// A mode in a set of modes.
const fn bit(mode: Mode) -> u16 {
    1 << mode as u16
}

/// The [`satd`] of several predictions of a block, each at its mode's number in `out`. `wanted` is a set of modes, a bit
/// for each number, of those in [`ROUGH`]; what is in `out` for other modes means nothing.
///
/// # Panics
///
/// If `source` is not of the block's size.
pub(crate) fn rough(
    cpu: Cpu,
    edges: &Edges,
    source: &[u8],
    width: usize,
    height: usize,
    wanted: u16,
    out: &mut [u32; 13],
) {
    assert_eq!(source.len(), width * height);
    // Larger blocks gain nothing: there the calls are few, and AVX-512 does more at once.
    #[cfg(target_arch = "x86_64")]
    if cpu != Cpu::Portable {
        match (width, source.as_chunks(), source.as_chunks()) {
            (4, ([source], []), _) => return x86::rough_four(edges, source, out),
            (8, _, ([source], [])) => return x86::rough_eight(edges, source, out),
            (16, ..) if height >= 8 => return x86::rough_sixteen(edges, source, wanted, out),
            _ => {}
        }
    }
    let mut prediction = [0; LONGEST * LONGEST];
    let prediction = &mut prediction[..source.len()];
    for mode in Mode::ALL {
        if wanted & ROUGH & bit(mode) != 0 {
            predict(cpu, mode, 0, false, edges, width, height, prediction);
            out[mode as usize] = satd(cpu, source, prediction, width, height);
        }
    }
}
