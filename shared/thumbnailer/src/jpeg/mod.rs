//! A JPEG decoder that makes small pictures: straight to planes at 1/8, 1/4, 1/2 or full size, without the coefficients
//! that such a size does not need.

pub(crate) mod baseline;
pub(crate) mod bits;
// Miri calls no C.
#[cfg(all(test, not(miri)))]
mod comparison;
mod decoder;
mod error;
pub(crate) mod header;
pub(crate) mod huffman;
pub(crate) mod inverse;
pub(crate) mod progressive;
mod side;
pub(crate) mod unstuff;

pub(crate) use decoder::Decoder;
pub(crate) use error::JpegError;
pub(crate) use header::{Colour, Header};
pub(crate) use progressive::progressive_bytes;
pub(crate) use side::BlockSide;

/// Where the coefficient of each zig-zag index is in a row-major block: T.81, figure A.6.
pub(crate) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// What a decoding took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Read {
    /// How many bytes of the file were needed, from its start.
    pub(crate) bytes: usize,
}
