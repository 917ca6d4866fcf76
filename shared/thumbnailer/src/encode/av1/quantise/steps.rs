//! Quantisation, and what a decoder makes of it (7.12.2 and 7.12.3).

use super::super::transform::Size;
#[cfg(target_arch = "x86_64")]
use super::x86;
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
pub(super) fn dc_step(index: u8) -> i32 {
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

/// What the coefficients of one size of transform are divided by, row by row.
#[derive(Debug)]
struct Positions {
    steps: Vec<i32>,
    inverses: Vec<f32>,
    /// How much a difference counts, squared, by 1024: as little as its step is larger than others'.
    importance: Vec<i32>,
}

/// A plane's quantiser.
#[derive(Debug)]
pub(crate) struct Steps {
    sizes: [Positions; Size::ALL.len()],
}

/// The weight of a coefficient with a step of the quantiser's own.
const PLAIN: u8 = 32;

impl Steps {
    /// By quantiser indices, and by the weights of a size's coefficients: how much larger their steps are, by 32nds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "steps have less than seventeen bits"
    )]
    pub(crate) fn new(dc_index: u8, ac_index: u8, weights: impl Fn(Size) -> Vec<u8>) -> Self {
        let (dc, ac) = (dc_step(dc_index), ac_step(ac_index));
        let sizes = Size::ALL.map(|size| {
            let mut weights = weights(size);
            weights.resize(size.coded_width() * size.coded_height(), PLAIN);
            let steps: Vec<i32> = weights
                .iter()
                .enumerate()
                .map(|(position, weight)| {
                    let step = if position == 0 { dc } else { ac };
                    ((step * i32::from(*weight) + 16) >> 5).max(1)
                })
                .collect();
            let squared = weights.iter().map(|weight| i32::from(*weight).pow(2));
            Positions {
                inverses: steps.iter().map(|step| (*step as f32).recip()).collect(),
                importance: squared.map(|squared| (1 << 20) / squared.max(1)).collect(),
                steps,
            }
        });
        Self { sizes }
    }

    /// The steps of a size's coefficients, row by row.
    pub(crate) fn of(&self, size: Size) -> &[i32] {
        &self.sizes[size as usize].steps
    }
}

/// What dequantised coefficients are clipped to.
const RANGE: std::ops::RangeInclusive<i32> = -(1 << 15)..=(1 << 15) - 1;

/// What is quantised, and to where a decoder's values go. All slices are of the same length.
pub(super) struct Job<'a> {
    pub(super) steps: &'a [i32],
    pub(super) inverses: &'a [f32],
    pub(super) importance: &'a [i32],
    /// What is added to magnitudes before the division, for the first and for the others, in 256ths of a step.
    pub(super) rounding: [i32; 2],
    /// Bits that levels are finer than coefficients.
    pub(super) shift: u32,
    pub(super) coefficients: &'a [i32],
    pub(super) order: &'a [u16],
    pub(super) dequantised: &'a mut [i32],
}

/// What a block's levels amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measure {
    /// How many coefficients the scan has up to the last level that is not zero.
    pub(crate) end: usize,
    /// The sum of the squares of what quantisation changes, each as a part of its weight in 32nds.
    pub(crate) error: u64,
    /// How many levels are not zero.
    pub(crate) ones: u32,
    /// How many are more than one.
    pub(crate) twos: u32,
    /// The sum of their magnitudes, each at most 15.
    pub(crate) sum: u32,
}

/// Quantises. `MEASURE` tells whether to measure everything but [`Measure::end`], or to keep the levels.
fn run<const MEASURE: bool>(cpu: Cpu, job: Job<'_>, levels: &mut [i32]) -> Measure {
    match cpu {
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx2 => x86::levels_avx2::<MEASURE>(job, levels),
        #[cfg(target_arch = "x86_64")]
        Cpu::Avx512 => x86::levels_avx512::<MEASURE>(job, levels),
        _ => run_portable::<MEASURE>(job, levels),
    }
}

/// See [`run`].
fn run_portable<const MEASURE: bool>(job: Job<'_>, levels: &mut [i32]) -> Measure {
    let mut measure = Measure {
        end: 0,
        error: 0,
        ones: 0,
        twos: 0,
        sum: 0,
    };
    let [mut rounding, others] = job.rounding;
    let mut levels = levels.iter_mut();
    let positions = job.steps.iter().zip(job.inverses).zip(job.importance);
    let places = job.coefficients.iter().zip(job.order).zip(job.dequantised);
    let places = places.zip(positions);
    for (((coefficient, order), dequantised), ((step, inverse), importance)) in places {
        let sign = coefficient >> 31;
        let magnitude = coefficient.abs().min(*RANGE.end());
        let finer = (magnitude << job.shift) + ((step * rounding) >> 8);
        let level = quotient(finer, *inverse);
        let value = ((level * step) >> job.shift).min(*RANGE.end() - sign);
        *dequantised = (value ^ sign) - sign;
        if level != 0 {
            measure.end = measure.end.max(usize::from(*order) + 1);
        }
        if MEASURE {
            let change = (magnitude - value).unsigned_abs();
            // Steps, weights and importance are such that this stays below 2^32.
            let error = change
                .wrapping_pow(2)
                .wrapping_mul(importance.cast_unsigned());
            measure.error += u64::from(error >> 10);
            measure.ones += u32::from(level >= 1);
            measure.twos += u32::from(level >= 2);
            measure.sum += level.min(15).cast_unsigned();
        } else if let Some(place) = levels.next() {
            *place = (level ^ sign) - sign;
        }
        rounding = others;
    }
    measure
}

/// How often a step fits.
#[inline]
#[expect(
    clippy::cast_precision_loss,
    reason = "magnitudes have less than nineteen bits"
)]
fn quotient(magnitude: i32, inverse: f32) -> i32 {
    // The last bit of floats near this one, 3 << 22, is one: what is below is rounded away.
    const INTEGER: f32 = 12_582_912.0;
    // A half more than the magnitude is at least half a step's inverse from any whole quotient. That is more than the
    // error of the product of two floats, so the quotient is exact.
    let quotient = (magnitude as f32 + 0.5) * inverse - 0.5;
    ((quotient + INTEGER).to_bits() & 0x003f_ffff).cast_signed()
}

/// A block to quantise: see [`quantise`].
fn job<'a>(
    size: Size,
    steps: &'a Steps,
    rounding: [u16; 2],
    coefficients: &'a [i32],
    order: &'a [u16],
    dequantised: &'a mut [i32],
) -> Job<'a> {
    let positions = &steps.sizes[size as usize];
    let length = positions.steps.len();
    assert!(
        coefficients.len() == length && order.len() == length && dequantised.len() == length,
        "slices are of the block's size"
    );
    Job {
        steps: &positions.steps,
        inverses: &positions.inverses,
        importance: &positions.importance,
        rounding: rounding.map(|rounding| i32::from(rounding.min(256))),
        shift: shift(size),
        coefficients,
        order,
        dequantised,
    }
}

/// Divides coefficients by the steps, and says what a decoder makes of the quotients.
///
/// `rounding` is what is added to magnitudes before the division, for the first and for the others, in 256ths of a step
/// (at most one step). `order` says at which place of the scan a coefficient is. Returns how many coefficients the scan has
/// up to the last that is not zero.
///
/// # Panics
///
/// If a slice is not as long as the size says.
#[expect(clippy::too_many_arguments, reason = "a block's buffers")]
pub(crate) fn quantise(
    cpu: Cpu,
    size: Size,
    steps: &Steps,
    rounding: [u16; 2],
    coefficients: &[i32],
    order: &[u16],
    levels: &mut [i32],
    dequantised: &mut [i32],
) -> usize {
    assert_eq!(levels.len(), coefficients.len());
    let job = job(size, steps, rounding, coefficients, order, dequantised);
    run::<false>(cpu, job, levels).end
}

/// What [`quantise`] would make of coefficients, without the levels themselves.
///
/// # Panics
///
/// If a slice is not as long as the size says.
pub(crate) fn measure(
    cpu: Cpu,
    size: Size,
    steps: &Steps,
    rounding: [u16; 2],
    coefficients: &[i32],
    order: &[u16],
    dequantised: &mut [i32],
) -> Measure {
    let job = job(size, steps, rounding, coefficients, order, dequantised);
    run::<true>(cpu, job, &mut [])
}
