//! Decoded AV1 planes to red, green and blue: ITU-T H.273 section 8.3, in whole numbers.

use super::avif_container::Coding;

/// Fractional bits of the coefficients.
const FRACTION: u32 = 14;

/// The planes of one picture. Samples of more than eight bits take two bytes, the low one first.
pub(super) struct Planes {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) luma: Vec<u8>,
    /// Bytes from row to row.
    pub(super) luma_stride: usize,
    /// Blue and red difference, unless the picture is gray.
    pub(super) chroma: Option<[Vec<u8>; 2]>,
    /// Bytes from row to row.
    pub(super) chroma_stride: usize,
    /// Whether the differences have half the columns, and half the rows.
    pub(super) halved: (bool, bool),
    /// Bits of a sample: 8, 10 or 12.
    pub(super) bits: usize,
    pub(super) coding: Coding,
}

impl Planes {
    /// The first plane in eight bits, from black to white, as the transparency of another picture.
    pub(super) fn luma_levels(&self) -> impl Iterator<Item = u8> {
        let scale = Scale::new(self);
        (0..self.height).flat_map(move |y| {
            (0..self.width)
                .map(move |x| level(scale.luma(self.sample(&self.luma, self.luma_stride, x, y))))
        })
    }

    fn sample(&self, plane: &[u8], stride: usize, x: usize, y: usize) -> i32 {
        // The decoder checked the planes; what is missing all the same is black.
        if self.bits == 8 {
            return plane
                .get(y * stride + x)
                .copied()
                .unwrap_or_default()
                .into();
        }
        let bytes = plane
            .get(y * stride + 2 * x..)
            .and_then(<[u8]>::first_chunk);
        bytes.map_or(0, |bytes| u16::from_le_bytes(*bytes)).into()
    }

    fn chroma(&self, plane: &[u8], x: usize, y: usize) -> i32 {
        let (half_x, half_y) = self.halved;
        self.sample(
            plane,
            self.chroma_stride,
            x >> u8::from(half_x),
            y >> u8::from(half_y),
        )
    }
}

/// RGB samples, or RGBA ones that are opaque, of the picture's own primaries and curve. Each pixel
/// takes the nearest colour difference: thumbnails average over them anyway.
pub(super) fn rgb(planes: &Planes, alpha: bool) -> Vec<u8> {
    let scale = Scale::new(planes);
    let matrix = Matrix::of(planes.coding.matrix);
    let mut samples = Vec::with_capacity(planes.width * planes.height * if alpha { 4 } else { 3 });
    for y in 0..planes.height {
        for x in 0..planes.width {
            let luma = planes.sample(&planes.luma, planes.luma_stride, x, y);
            let colour = match &planes.chroma {
                None => [scale.luma(luma); 3],
                Some([blue, red]) => {
                    let (blue, red) = (planes.chroma(blue, x, y), planes.chroma(red, x, y));
                    match matrix {
                        // Green, blue and red are stored as they are.
                        Matrix::Identity => [red, luma, blue].map(|sample| scale.luma(sample)),
                        Matrix::Differences {
                            red_share,
                            blue_share,
                        } => scale.colour(luma, blue, red, red_share, blue_share),
                    }
                }
            };
            samples.extend(colour.map(level));
            if alpha {
                samples.push(255);
            }
        }
    }
    samples
}

/// Shares of red and blue in luminance, in [`FRACTION`] bits.
#[derive(Clone, Copy)]
enum Matrix {
    Identity,
    Differences { red_share: i32, blue_share: i32 },
}

impl Matrix {
    /// The matrix of a number; BT.601 when the number says nothing or nothing we know, as
    /// decoders in browsers do.
    fn of(number: u16) -> Self {
        let shares = |red_share, blue_share| Self::Differences {
            red_share,
            blue_share,
        };
        match number {
            0 => Self::Identity,
            // 0.2126 and 0.0722
            1 => shares(3483, 1183),
            // 0.2627 and 0.0593
            9 | 10 => shares(4304, 972),
            // 0.299 and 0.114
            _ => shares(4899, 1868),
        }
    }
}

/// From samples of any depth and range to levels of 255, in [`FRACTION`] bits.
#[derive(Clone, Copy)]
struct Scale {
    black: i32,
    luma: i32,
    middle: i32,
    chroma: i32,
}

impl Scale {
    fn new(planes: &Planes) -> Self {
        // 8, 10 or 12 bits: everything fits 32 bits many times over.
        let more_bits = planes.bits.clamp(8, 12) - 8;
        let (black, luma_range, chroma_range) = if planes.coding.full_range {
            let most = (256 << more_bits) - 1;
            (0, most, most)
        } else {
            (16 << more_bits, 219 << more_bits, 224 << more_bits)
        };
        let one = 255 << FRACTION;
        Self {
            black,
            luma: one / luma_range,
            middle: 128 << more_bits,
            chroma: one / chroma_range,
        }
    }

    fn luma(self, sample: i32) -> i32 {
        (sample - self.black) * self.luma
    }

    fn colour(self, luma: i32, blue: i32, red: i32, red_share: i32, blue_share: i32) -> [i32; 3] {
        const ONE: i64 = 1 << FRACTION;
        let luma = i64::from(self.luma(luma));
        let difference = |sample: i32, share: i32| {
            // The difference of a colour and luminance is stored divided by its own range.
            2 * (ONE - i64::from(share)) * i64::from((sample - self.middle) * self.chroma) / ONE
        };
        let red_difference = difference(red, red_share);
        let blue_difference = difference(blue, blue_share);
        let green_share = ONE - i64::from(red_share) - i64::from(blue_share);
        let green_difference = -(i64::from(red_share) * red_difference
            + i64::from(blue_share) * blue_difference)
            / green_share;
        [red_difference, green_difference, blue_difference]
            .map(|difference| i32::try_from(luma + difference).unwrap_or(0))
    }
}

/// A level in [`FRACTION`] bits as a byte, rounded to nearest.
fn level(value: i32) -> u8 {
    let rounded = (value + (1 << (FRACTION - 1))) >> FRACTION;
    u8::try_from(rounded.clamp(0, 255)).unwrap_or(255)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(samples: [u16; 3], bits: usize, matrix: u16, full_range: bool) -> [u8; 3] {
        let plane = |sample: u16| match bits {
            8 => vec![u8::try_from(sample).unwrap()],
            _ => sample.to_le_bytes().to_vec(),
        };
        let [luma, blue, red] = samples;
        let planes = Planes {
            width: 1,
            height: 1,
            luma: plane(luma),
            luma_stride: 2,
            chroma: Some([plane(blue), plane(red)]),
            chroma_stride: 2,
            halved: (true, true),
            bits,
            coding: Coding {
                primaries: 1,
                matrix,
                full_range,
            },
        };
        rgb(&planes, false).try_into().unwrap()
    }

    #[test]
    fn the_ends_of_either_range_are_black_and_white() {
        assert_eq!(pixel([0, 128, 128], 8, 6, true), [0; 3]);
        assert_eq!(pixel([255, 128, 128], 8, 6, true), [255; 3]);
        assert_eq!(pixel([16, 128, 128], 8, 1, false), [0; 3]);
        assert_eq!(pixel([235, 128, 128], 8, 1, false), [255; 3]);
        assert_eq!(pixel([1023, 512, 512], 10, 9, true), [255; 3]);
        assert_eq!(pixel([3760, 2048, 2048], 12, 9, false), [255; 3]);
    }

    #[test]
    fn primaries_come_back_from_their_differences() {
        // JFIF's own: red is (76, 85, 255) in BT.601, full range.
        assert_eq!(pixel([76, 85, 255], 8, 6, true), [254, 0, 0]);
        // BT.709 limited: blue is (32, 240, 118).
        assert_eq!(pixel([32, 240, 118], 8, 1, false), [1, 0, 255]);
        assert_eq!(pixel([10, 20, 30], 8, 0, true), [30, 10, 20]);
    }
}
