/// Quantisers of luma at quality 50, in natural order: ITU-T T.81, table K.1.
pub(super) const LUMA: [u8; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, //
    12, 12, 14, 19, 26, 58, 60, 55, //
    14, 13, 16, 24, 40, 57, 69, 56, //
    14, 17, 22, 29, 51, 87, 80, 62, //
    18, 22, 37, 56, 68, 109, 103, 77, //
    24, 35, 55, 64, 81, 104, 113, 92, //
    49, 64, 78, 87, 103, 121, 120, 101, //
    72, 92, 95, 98, 112, 100, 103, 99,
];

/// Quantisers of chroma at quality 50, in natural order: ITU-T T.81, table K.2.
pub(super) const CHROMA: [u8; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, //
    18, 21, 26, 66, 99, 99, 99, 99, //
    24, 26, 56, 99, 99, 99, 99, 99, //
    47, 66, 99, 99, 99, 99, 99, 99, //
    99, 99, 99, 99, 99, 99, 99, 99, //
    99, 99, 99, 99, 99, 99, 99, 99, //
    99, 99, 99, 99, 99, 99, 99, 99, //
    99, 99, 99, 99, 99, 99, 99, 99,
];

/// Where each coefficient of the zig-zag order lies in natural (row-major) order: ITU-T T.81, figure A.6.
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, //
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28, //
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, //
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// A table of quantisers, and what divides by them without a division.
///
/// The forward DCT gives coefficients times 8, so the divisor of quantiser `q` is `8q`, and a coefficient of magnitude
/// `x` becomes `floor(n / 8q)` with `n = x + 4q`: rounded, halves away from zero. Let `8q <= 2^l`, `l` as small as
/// possible, and `r = ceil(2^(15+l) / 8q)`, which fits 16 bits. Then `floor(n * r / 2^(15+l))` is exact as long as
/// `n * (r * 8q - 2^(15+l)) < 2^(15+l)`, and since the bracket is below `8q <= 2^l`, as long as `n <= 2^15`: `x` is at
/// most `2^13` and a little. The shift by `15 + l` is taken in two steps, as two upper halves of 16-bit products,
/// since 16-bit lanes with a shift each exist on few processors.
#[derive(Debug, Clone)]
pub(super) struct Quantiser {
    /// `q`, in natural order, as the file says it.
    pub(super) values: [u8; 64],
    /// `4q`: half of the divisor.
    pub(super) bias: [[u16; 8]; 8],
    /// `r`.
    pub(super) reciprocal: [[u16; 8]; 8],
    /// `2^(17-l)`: the upper half of a product with it is a shift by `l - 1`.
    pub(super) scale: [[u16; 8]; 8],
}

impl Quantiser {
    /// The quantisers of a quality from 1 to 100, from those at 50: libjpeg's rule, held to what baseline allows.
    pub(super) fn new(at_fifty: &[u8; 64], quality: u8) -> Self {
        let quality = u32::from(quality.clamp(1, 100));
        let per_cent = if quality < 50 {
            5000 / quality
        } else {
            200 - 2 * quality
        };
        let mut quantiser = Self {
            values: [1; 64],
            bias: [[0; 8]; 8],
            reciprocal: [[0; 8]; 8],
            scale: [[0; 8]; 8],
        };
        for (index, &base) in at_fifty.iter().enumerate() {
            let value = ((u32::from(base) * per_cent + 50) / 100).clamp(1, 255);
            let divisor = 8 * value;
            let bits = divisor.next_power_of_two().trailing_zeros();
            let (row, column) = (index / 8, index % 8);
            quantiser.values[index] = low_byte(value);
            quantiser.bias[row][column] = low_half(divisor / 2);
            quantiser.reciprocal[row][column] = low_half((1_u32 << (15 + bits)).div_ceil(divisor));
            quantiser.scale[row][column] = low_half(1 << (17 - bits));
        }
        quantiser
    }
}

/// The low 8 bits.
fn low_byte(value: u32) -> u8 {
    value.to_le_bytes()[0]
}

/// The low 16 bits.
fn low_half(value: u32) -> u16 {
    let [first, second, ..] = value.to_le_bytes();
    u16::from_le_bytes([first, second])
}

/// The high 16 bits.
#[inline]
pub(super) fn high_half(value: u32) -> u16 {
    low_half(value >> 16)
}
