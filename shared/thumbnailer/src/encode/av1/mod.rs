//! AV1, as far as one still picture of eight bits needs it: intra prediction, transforms, and an arithmetic coder whose
//! probabilities follow what is coded. Everything is by the AV1 bitstream specification of the Alliance for Open Media, whose sections
//! comments name.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::inline_always,
    reason = "sides, levels and rates are far below what their types hold; kernels become part of what calls them"
)]

mod block;
mod cdf;
mod coefficients;
mod edge;
mod header;
mod predict;
mod processors;
mod quantise;
mod range;
mod rates;
mod scan;
mod search;
mod setup;
mod tile;
mod tiles;
mod transform;

#[cfg(test)]
mod tests;

use crate::cpu::Cpu;
use crate::planes::Plane;

use setup::Setup;
use tile::Canvas;
use tiles::Tiles;

/// The longest side that a picture may have.
pub(crate) const LONGEST: usize = 65536;

/// What is encoded: sides of 1 to [`LONGEST`] samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Picture<'a> {
    pub(crate) luma: &'a Plane,
    /// Of half luma's sides, rounded up; without them the picture is monochrome.
    pub(crate) chroma: Option<[&'a Plane; 2]>,
}

impl Picture<'_> {
    fn planes(&self) -> impl Iterator<Item = &Plane> {
        std::iter::once(self.luma).chain(self.chroma.iter().flatten().copied())
    }
}

/// A key frame with its sequence header, as an item of a HEIF file has it, for a quantiser from 1 to 255.
pub(crate) fn encode(cpu: Cpu, picture: &Picture<'_>, quantiser: u8) -> Vec<u8> {
    encode_frame(&Setup::new(cpu, picture, quantiser.max(1)), picture).0
}

/// The stream, and the planes as a decoder has them before it filters.
fn encode_frame(setup: &Setup, picture: &Picture<'_>) -> (Vec<u8>, Vec<Canvas>) {
    let tiles = Tiles::new(picture.luma.width, picture.luma.height);
    let mut canvases: Vec<_> = picture.planes().map(Canvas::new).collect();
    let mut payload = Vec::new();
    let count = tiles.count();
    for (index, tile) in tiles.iter().enumerate() {
        let bytes = tile::encode(setup, picture, &mut canvases, tile);
        if index + 1 < count {
            payload.extend_from_slice(&(bytes.len() as u32 - 1).to_le_bytes());
        }
        payload.extend_from_slice(&bytes);
    }
    let frame = &setup.frame;
    let mut stream = Vec::with_capacity(payload.len() + 64);
    header::unit(1, &[&header::sequence(frame)], &mut stream);
    header::unit(6, &[&header::frame(frame, &tiles), &payload], &mut stream);
    (stream, canvases)
}
