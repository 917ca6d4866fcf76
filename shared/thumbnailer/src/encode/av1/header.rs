//! What stands in front of the tiles: the sequence header and the frame's (5.5 and 5.9 of the standard).

use super::tiles::Tiles;

/// What the decoder is told to do, beside the sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) monochrome: bool,
    /// The quantiser's index for luma's AC coefficients.
    pub(super) quantiser: u8,
    /// What chroma's index differs by, DC and AC.
    pub(super) chroma_delta: [i8; 2],
    /// The levels of luma's and chroma's quantiser matrices.
    pub(super) matrices: Option<[u8; 2]>,
    pub(super) filters: Filters,
}

/// What the decoder does to the picture when it has all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Filters {
    /// Of luma's vertical edges, its horizontal ones, and the two chroma planes': 0 to 63.
    pub(super) deblocking: [u8; 4],
    pub(super) sharpness: u8,
}

/// Bits, the highest of each field first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) {
        for place in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = (value >> place & 1) as u8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= bit << (7 - self.used % 8);
            }
            self.used += 1;
        }
    }

    fn flag(&mut self, flag: bool) {
        self.put(flag.into(), 1);
    }

    fn signed(&mut self, value: i8, count: u32) {
        self.put(u32::from(value.cast_unsigned()), count);
    }
}

/// The sequence header: profile 0, eight bits, one still picture, full range, BT.601 matrix on sRGB's primaries.
pub(super) fn sequence(frame: &Frame) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0, 3);
    bits.flag(true); // still_picture
    bits.flag(true); // reduced_still_picture_header
    bits.put(31, 5); // any level: only a decoder that knows its limits cares for one
    bits.put(15, 4);
    bits.put(15, 4);
    bits.put(frame.width as u32 - 1, 16);
    bits.put(frame.height as u32 - 1, 16);
    bits.flag(false); // superblocks of 64
    bits.flag(false); // enable_filter_intra
    bits.flag(true); // enable_intra_edge_filter
    bits.flag(false); // enable_superres
    bits.flag(false); // enable_cdef
    bits.flag(false); // enable_restoration
    bits.flag(false); // high_bitdepth
    bits.flag(frame.monochrome);
    bits.flag(!frame.monochrome); // color_description_present_flag
    if !frame.monochrome {
        bits.put(1, 8);
        bits.put(13, 8);
        bits.put(6, 8);
    }
    bits.flag(true); // full range
    if !frame.monochrome {
        bits.put(0, 2); // where chroma lies is unknown
        bits.flag(false); // separate_uv_delta_q
    }
    bits.flag(false); // film_grain_params_present
    bits.flag(true); // the trailing one
    bits.bytes
}

/// The frame's header up to the byte that the tiles begin at, the tile group's header among it.
pub(super) fn frame(frame: &Frame, tiles: &Tiles) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.flag(false); // disable_cdf_update
    bits.flag(false); // allow_screen_content_tools
    bits.flag(false); // render_and_frame_size_different
    tiles.describe(|value, count| bits.put(value, count));
    quantisation(&mut bits, frame);
    bits.flag(false); // segmentation_enabled
    bits.flag(false); // delta_q_present
    filters(&mut bits, frame);
    bits.flag(false); // tx_mode_select: as large as their blocks
    bits.flag(false); // reduced_tx_set
    bits.put(0, (8 - bits.used % 8) % 8);
    if tiles.count() > 1 {
        bits.put(0, 8); // tile_start_and_end_present_flag
    }
    bits.bytes
}

fn quantisation(bits: &mut Bits, frame: &Frame) {
    bits.put(frame.quantiser.into(), 8);
    let mut delta = |value: i8| {
        bits.flag(value != 0);
        if value != 0 {
            bits.signed(value, 7);
        }
    };
    delta(0);
    if !frame.monochrome {
        delta(frame.chroma_delta[0]);
        delta(frame.chroma_delta[1]);
    }
    bits.flag(frame.matrices.is_some());
    if let Some([luma, chroma]) = frame.matrices {
        bits.put(luma.into(), 4);
        bits.put(chroma.into(), 4);
    }
}

fn filters(bits: &mut Bits, frame: &Frame) {
    let [vertical, horizontal, first, second] = frame.filters.deblocking;
    bits.put(vertical.into(), 6);
    bits.put(horizontal.into(), 6);
    if !frame.monochrome && (vertical > 0 || horizontal > 0) {
        bits.put(first.into(), 6);
        bits.put(second.into(), 6);
    }
    bits.put(frame.filters.sharpness.into(), 3);
    bits.flag(false); // loop_filter_delta_enabled
}

/// An open bitstream unit with its size.
pub(super) fn unit(kind: u8, payload: &[&[u8]], into: &mut Vec<u8>) {
    into.push(kind << 3 | 2);
    let mut size: usize = payload.iter().map(|part| part.len()).sum();
    while size > 0x7f {
        into.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    into.push(size as u8);
    for part in payload {
        into.extend_from_slice(part);
    }
}
