//! Quantisation, and what a decoder makes of it (7.12.2 and 7.12.3).

use super::super::transform::Size;
use super::for_processors;
use crate::cpu::Cpu;

/// The steps of DC coefficients of eight-bit pictures by quantiser index.
static DC_STEPS: [u16; 256] = [
    4, 8, 8, 9, 10, 11, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 23, 24, 25, 26, 26, 27,
    28, 29, 30, 31, 32, 32, 33, 34, 35, 36, 37, 38, 38, 39, 40, 41, 42, 43, 43, 44, 45, 46, 47, 48,
    48, 49, 50, 51, 52, 53, 53, 54, 55, 56, 57, 57, 58, 59, 60, 61, 62, 62, 63, 64, 65, 66, 66, 67,
    68, 69, 70, 70, 71, 72, 73, 74, 74, 75, 76, 77, 78, 78, 79, 80, 81, 81, 82, 83, 84, 85, 85, 87,
    88, 90, 92, 93, 95, 96, 98, 99, 101, 102, 104, 105, 107, 108, 110, 111, 113, 114, 116, 117,
    118, 120, 121, 123, 125, 127, 129, 131, 134, 136, 138, 140, 142, 144, 146, 148, 150, 152, 154,
    156, 158, 161, 164, 166, 169, 172, 174, 177, 180, 182, 185, 187, 190, 192, 195, 199, 202, 205,
    208, 211, 214, 217, 220, 223, 226, 230, 233, 237, 240, 243, 247, 250, 253, 257, 261, 265, 269,
    272, 276, 280, 284, 288, 292, 296, 300, 304, 309, 313, 317, 322, 326, 330, 335, 340, 344, 349,
    354, 359, 364, 369, 374, 379, 384, 389, 395, 400, 406, 411, 417, 423, 429, 435, 441, 447, 454,
    461, 467, 475, 482, 489, 497, 505, 513, 522, 530, 539, 549, 559, 569, 579, 590, 602, 614, 626,
    640, 654, 668, 684, 700, 717, 736, 755, 775, 796, 819, 843, 869, 896, 925, 955, 988, 1022,
    1058, 1098, 1139, 1184, 1232, 1282, 1336,
];

/// The steps of AC coefficients of eight-bit pictures by quantiser index.
static AC_STEPS: [u16; 256] = [
    4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
    31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54,
    55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78,
    79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101,
    102, 104, 106, 108, 110, 112, 114, 116, 118, 120, 122, 124, 126, 128, 130, 132, 134, 136, 138,
    140, 142, 144, 146, 148, 150, 152, 155, 158, 161, 164, 167, 170, 173, 176, 179, 182, 185, 188,
    191, 194, 197, 200, 203, 207, 211, 215, 219, 223, 227, 231, 235, 239, 243, 247, 251, 255, 260,
    265, 270, 275, 280, 285, 290, 295, 300, 305, 311, 317, 323, 329, 335, 341, 347, 353, 359, 366,
    373, 380, 387, 394, 401, 408, 416, 424, 432, 440, 448, 456, 465, 474, 483, 492, 501, 510, 520,
    530, 540, 550, 560, 571, 582, 593, 604, 615, 627, 639, 651, 663, 676, 689, 702, 715, 729, 743,
    757, 771, 786, 801, 816, 832, 848, 864, 881, 898, 915, 933, 951, 969, 988, 1007, 1026, 1046,
    1066, 1087, 1108, 1129, 1151, 1173, 1196, 1219, 1243, 1267, 1292, 1317, 1343, 1369, 1396, 1423,
    1451, 1479, 1508, 1537, 1567, 1597, 1628, 1660, 1692, 1725, 1759, 1793, 1828,
];

/// The step of DC coefficients.
pub(crate) fn dc_step(index: u8) -> i32 {
    DC_STEPS[usize::from(index)].into()
}

/// The step of AC coefficients.
pub(crate) fn ac_step(index: u8) -> i32 {
    AC_STEPS[usize::from(index)].into()
}

/// Bits that the levels of a size are finer than its coefficients: the standard's `dqDenom`.
const fn shift(size: Size) -> u32 {
    match size.width() * size.height() {
        ..=256 => 0,
        257..=1024 => 1,
        _ => 2,
    }
}

/// A plane's quantiser.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    /// Of the first coefficient.
    pub(crate) dc: i32,
    /// Of the others.
    pub(crate) ac: i32,
    dc_inverse: f32,
    ac_inverse: f32,
}

impl Steps {
    /// By quantiser indices.
    pub(crate) fn new(dc_index: u8, ac_index: u8) -> Self {
        let [dc, ac] = [
            DC_STEPS[usize::from(dc_index)],
            AC_STEPS[usize::from(ac_index)],
        ];
        Self {
            dc: dc.into(),
            ac: ac.into(),
            dc_inverse: f32::from(dc).recip(),
            ac_inverse: f32::from(ac).recip(),
        }
    }
}

/// What dequantised coefficients are clipped to.
const RANGE: std::ops::RangeInclusive<i32> = -(1 << 15)..=(1 << 15) - 1;

/// What a decoder makes of a level.
pub(crate) fn dequantise_one(size: Size, step: i32, level: i32) -> i32 {
    let product = i64::from(level) * i64::from(step);
    // Twenty-four bits.
    let magnitude = (product.abs() & 0x00ff_ffff) as i32 >> shift(size);
    let value = if level < 0 { -magnitude } else { magnitude };
    value.clamp(*RANGE.start(), *RANGE.end())
}

/// How coefficients become levels.
#[derive(Clone, Copy)]
struct Rule {
    step: i32,
    inverse: f32,
    /// Added to a magnitude before the division.
    rounding: i32,
    shift: u32,
}

impl Rule {
    fn new(step: i32, inverse: f32, rounding: u16, shift: u32) -> Self {
        Self {
            step,
            inverse,
            rounding: (step * i32::from(rounding)) >> 8,
            shift,
        }
    }

    /// The level and what a decoder makes of it.
    #[inline(always)]
    fn apply(self, coefficient: i32) -> [i32; 2] {
        // The last bit of floats near this one, 3 << 22, is one: what is below is rounded away.
        const INTEGER: f32 = 12_582_912.0;
        let magnitude = (coefficient.abs().min(*RANGE.end()) << self.shift) + self.rounding;
        // A half more than the magnitude is at least half a step's inverse from any whole quotient. That is more than the
        // error of the product of two floats, since magnitudes have less than nineteen bits; so the quotient is exact.
        let quotient = (magnitude as f32 + 0.5) * self.inverse - 0.5;
        let level = ((quotient + INTEGER).to_bits() & 0x003f_ffff).cast_signed();
        let sign = coefficient >> 31;
        let value = ((level * self.step) >> self.shift).min(*RANGE.end() - sign);
        [(level ^ sign) - sign, (value ^ sign) - sign]
    }
}

/// See [`quantise`].
#[inline(always)]
fn quantise_any(
    size: Size,
    steps: &Steps,
    rounding: [u16; 2],
    coefficients: &[i32],
    order: &[u16],
    levels: &mut [i32],
    dequantised: &mut [i32],
) -> usize {
    let shift = shift(size);
    let dc = Rule::new(steps.dc, steps.dc_inverse, rounding[0], shift);
    let ac = Rule::new(steps.ac, steps.ac_inverse, rounding[1], shift);
    let mut ends = [0_i32; 16];
    let rows = coefficients.as_chunks::<16>().0.iter();
    let rows = rows.zip(order.as_chunks::<16>().0);
    let rows = rows.zip(levels.as_chunks_mut::<16>().0);
    let rows = rows.zip(dequantised.as_chunks_mut::<16>().0);
    for (((coefficients, order), levels), dequantised) in rows {
        for lane in 0..16 {
            let [level, value] = ac.apply(coefficients[lane]);
            levels[lane] = level;
            dequantised[lane] = value;
            let end = if level == 0 {
                0
            } else {
                i32::from(order[lane]) + 1
            };
            ends[lane] = ends[lane].max(end);
        }
    }
    let end = ends.into_iter().max().unwrap_or(0);
    let [level, value] = dc.apply(coefficients[0]);
    levels[0] = level;
    dequantised[0] = value;
    // The first coefficient is the first in every order, so it only decides if it is alone.
    let end = if end <= 1 { i32::from(level != 0) } else { end };
    usize::try_from(end).unwrap_or(0)
}

for_processors! {
    /// Divides coefficients by the steps, and says what a decoder makes of the quotients.
    ///
    /// `rounding` is what is added to magnitudes before the division, for the first and for the others, in 256ths of a
    /// step. `order` says at which place of the scan a coefficient is; the first must be first. Returns how many
    /// coefficients the scan has up to the last that is not zero.
    fn quantise(
        size: Size,
        steps: &Steps,
        rounding: [u16; 2],
        coefficients: &[i32],
        order: &[u16],
        levels: &mut [i32],
        dequantised: &mut [i32],
    ) -> usize = quantise_any;
}
