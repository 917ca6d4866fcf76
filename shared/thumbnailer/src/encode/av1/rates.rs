//! What symbols cost under the distributions of the moment, in parts of a bit.

use super::cdf::Coefficients;
use super::range::Distribution;

/// One bit.
pub(super) const BIT: u32 = 512;

/// What a probability of (index + 1/2) / 512 costs.
static COSTS: [u16; 512] = costs();

/// Logarithms by repeated squaring: a constant has no floating-point ones.
const fn costs() -> [u16; 512] {
    let mut costs = [0; 512];
    let mut index = 0;
    while index < 512 {
        // The probability is value / 2^62 at first; each squaring brings down one bit of its logarithm.
        let mut value = (2 * index as u64 + 1) << 52;
        let mut cost = 0u32;
        while value < 1 << 61 {
            value <<= 1;
            cost += 1 << 16;
        }
        let mut part = 1 << 16;
        while part > 1 {
            part >>= 1;
            let square = ((value as u128 * value as u128) >> 62) as u64;
            if square < 1 << 61 {
                cost += part;
                value = square << 1;
            } else {
                value = square;
            }
        }
        costs[index] = ((cost + 64) >> 7) as u16;
        index += 1;
    }
    costs
}

/// What one symbol costs.
#[inline]
pub(super) fn cost<const N: usize>(symbol: usize, distribution: &Distribution<N>) -> u32 {
    let above = if symbol == 0 {
        1 << 15
    } else {
        u32::from(distribution[symbol - 1])
    };
    let below = if symbol == N - 1 {
        0
    } else {
        u32::from(distribution[symbol])
    };
    COSTS[((above - below) >> 6).min(511) as usize].into()
}

fn all<const N: usize>(distribution: &Distribution<N>) -> [u16; N] {
    std::array::from_fn(|symbol| cost(symbol, distribution) as u16)
}

/// Of coefficients, luma's and chroma's.
pub(super) struct Rates {
    pub(super) by_size: [[SizeRates; 2]; 5],
    /// By the logarithm of the count of coefficients less 4.
    end: [[[u16; 11]; 2]; 7],
    pub(super) dc_sign: [[[u16; 2]; 3]; 2],
}

/// Of the transforms of one size.
pub(super) struct SizeRates {
    pub(super) all_zero: [[u16; 2]; 13],
    pub(super) end_extra: [[u16; 2]; 9],
    pub(super) base_last: [[u16; 3]; 4],
    pub(super) base: [[u16; 4]; 42],
    /// Of levels from 3 to 15 and more, what comes behind the base.
    pub(super) range: [[u16; 13]; 21],
}

impl Rates {
    pub(super) fn new(from: &Coefficients) -> Self {
        let size = |size: usize, plane: usize| SizeRates {
            all_zero: from.all_zero[size].each_ref().map(all),
            end_extra: from.end_extra[size][plane].each_ref().map(all),
            base_last: from.base_last[size][plane].each_ref().map(all),
            base: from.base[size][plane].each_ref().map(all),
            range: from.range[size.min(3)][plane].map(range),
        };
        Self {
            by_size: std::array::from_fn(|index| [size(index, 0), size(index, 1)]),
            end: [
                from.end_16.each_ref().map(|planes| wide(&planes[0])),
                from.end_32.each_ref().map(|planes| wide(&planes[0])),
                from.end_64.each_ref().map(|planes| wide(&planes[0])),
                from.end_128.each_ref().map(|planes| wide(&planes[0])),
                from.end_256.each_ref().map(|planes| wide(&planes[0])),
                from.end_512.each_ref().map(wide),
                from.end_1024.each_ref().map(wide),
            ],
            dc_sign: from
                .dc_sign
                .each_ref()
                .map(|contexts| contexts.each_ref().map(all)),
        }
    }

    /// What it costs to say that `end` coefficients are coded, of 2^(4 + `count_log2`).
    #[inline]
    pub(super) fn end(&self, size: usize, plane: usize, count_log2: usize, end: usize) -> u32 {
        let class = end_class(end);
        let mut cost = u32::from(self.end[count_log2][plane][class]);
        if class >= 2 {
            let extra = (end - 1) >> (class - 2) & 1;
            cost += u32::from(self.by_size[size][plane].end_extra[class - 2][extra]);
            cost += (class as u32 - 2) * BIT;
        }
        cost
    }
}

/// 0 for an end of 1, 1 for 2, 2 for 3 and 4, 3 for 5 to 8, ...
#[inline]
pub(super) fn end_class(end: usize) -> usize {
    if end < 2 {
        0
    } else {
        (end - 1).ilog2() as usize + 1
    }
}

fn wide<const N: usize>(distribution: &Distribution<N>) -> [u16; 11] {
    std::array::from_fn(|symbol| {
        if symbol < N {
            cost(symbol, distribution) as u16
        } else {
            0
        }
    })
}

/// Up to four symbols of 0 to 3, where less than 3 is the last.
fn range(distribution: Distribution<4>) -> [u16; 13] {
    let costs = all(&distribution);
    std::array::from_fn(|above| {
        if above == 12 {
            costs[3] * 4
        } else {
            costs[3] * (above / 3) as u16 + costs[above % 3]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_the_logarithm_of_the_probability() {
        for (index, &cost) in (0u16..).zip(&COSTS) {
            let exact = -((f64::from(index) + 0.5) / 512.0).log2() * f64::from(BIT);
            assert!(
                (f64::from(cost) - exact).abs() <= 1.0,
                "{index}: {cost} {exact}"
            );
        }
    }

    #[test]
    fn an_end_costs_what_its_class_and_its_bits_do() {
        let classes: Vec<usize> = [1, 2, 3, 4, 5, 8, 9, 16, 17, 1024].map(end_class).to_vec();
        assert_eq!(classes, [0, 1, 2, 2, 3, 3, 4, 4, 5, 10]);
    }
}
