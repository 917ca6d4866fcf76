//! The distributions of every symbol that a still picture uses, as they are where a tile begins.

mod coarse;
mod fine;
mod modes;

use super::range::Distribution;

/// Everything but coefficients.
#[derive(Clone)]
pub(super) struct Modes {
    pub(super) skip: [Distribution<2>; 3],
    pub(super) luma_mode: [[Distribution<13>; 5]; 5],
    pub(super) chroma_mode: [Distribution<13>; 13],
    pub(super) chroma_mode_from_luma: [Distribution<14>; 13],
    pub(super) angle_delta: [Distribution<7>; 8],
    pub(super) partition_8: [Distribution<4>; 4],
    /// Of blocks of 16, 32 and 64.
    pub(super) partition: [[Distribution<10>; 4]; 3],
    /// Of transforms of 4 and 8.
    pub(super) transform_kind_of_7: [[Distribution<7>; 13]; 2],
    /// Of transforms of 4, 8 and 16.
    pub(super) transform_kind_of_5: [[Distribution<5>; 13]; 3],
    pub(super) alpha_signs: Distribution<8>,
    pub(super) alpha: [Distribution<16>; 6],
}

impl Modes {
    pub(super) fn new() -> Self {
        let mut list = List(&modes::MODES);
        let from = &mut list;
        Self {
            skip: from.row(),
            luma_mode: from.rows(),
            chroma_mode: from.row(),
            chroma_mode_from_luma: from.row(),
            angle_delta: from.row(),
            partition_8: from.row(),
            partition: from.rows(),
            transform_kind_of_7: from.rows(),
            transform_kind_of_5: from.rows(),
            alpha_signs: from.next(),
            alpha: from.row(),
        }
    }
}

/// Of coefficients. Where there are five they are by the size of the transform, where there are two for luma and chroma.
#[derive(Clone)]
pub(super) struct Coefficients {
    pub(super) all_zero: [[Distribution<2>; 13]; 5],
    pub(super) end_16: [[Distribution<5>; 2]; 2],
    pub(super) end_32: [[Distribution<6>; 2]; 2],
    pub(super) end_64: [[Distribution<7>; 2]; 2],
    pub(super) end_128: [[Distribution<8>; 2]; 2],
    pub(super) end_256: [[Distribution<9>; 2]; 2],
    pub(super) end_512: [Distribution<10>; 2],
    pub(super) end_1024: [Distribution<11>; 2],
    pub(super) end_extra: [[[Distribution<2>; 9]; 2]; 5],
    pub(super) dc_sign: [[Distribution<2>; 3]; 2],
    pub(super) base_last: [[[Distribution<3>; 4]; 2]; 5],
    pub(super) base: [[[Distribution<4>; 42]; 2]; 5],
    pub(super) range: [[[Distribution<4>; 21]; 2]; 5],
}

impl Coefficients {
    /// As they begin for a quantiser.
    pub(super) fn new(quantiser: u8) -> Self {
        let mut list = List(match quantiser {
            0..=20 => &fine::FINEST,
            21..=60 => &fine::FINE,
            61..=120 => &coarse::COARSE,
            _ => &coarse::COARSEST,
        });
        let from = &mut list;
        Self {
            all_zero: from.rows(),
            end_16: from.rows(),
            end_32: from.rows(),
            end_64: from.rows(),
            end_128: from.rows(),
            end_256: from.rows(),
            end_512: from.row(),
            end_1024: from.row(),
            end_extra: from.tables(),
            dc_sign: from.rows(),
            base_last: from.tables(),
            base: from.tables(),
            range: from.tables(),
        }
    }
}

/// Cumulative probabilities one after the other.
struct List(&'static [u16]);

impl List {
    fn next<const N: usize>(&mut self) -> Distribution<N> {
        let (values, rest) = self.0.split_at(N - 1);
        self.0 = rest;
        std::array::from_fn(|place| values.get(place).map_or(0, |value| 32768 - value))
    }

    fn row<const N: usize, const A: usize>(&mut self) -> [Distribution<N>; A] {
        std::array::from_fn(|_| self.next())
    }

    fn rows<const N: usize, const A: usize, const B: usize>(
        &mut self,
    ) -> [[Distribution<N>; A]; B] {
        std::array::from_fn(|_| self.row())
    }

    fn tables<const N: usize, const A: usize, const B: usize, const C: usize>(
        &mut self,
    ) -> [[[Distribution<N>; A]; B]; C] {
        std::array::from_fn(|_| self.rows())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_hold_what_is_read_and_no_more() {
        let modes = size_of::<Modes>() / 2;
        let symbols = 3 + 25 + 13 + 13 + 8 + 4 + 12 + 26 + 39 + 1 + 6;
        assert_eq!(modes::MODES.len(), modes - symbols);
        let coefficients = size_of::<Coefficients>() / 2;
        let symbols = 65 + 4 * 5 + 2 * 2 + 90 + 6 + 40 + 420 + 210;
        for list in [
            &fine::FINEST,
            &fine::FINE,
            &coarse::COARSE,
            &coarse::COARSEST,
        ] {
            assert_eq!(list.len(), coefficients - symbols);
        }
    }

    #[test]
    fn a_distribution_only_falls() {
        let coefficients = Coefficients::new(100);
        for [first, second, third, _] in coefficients.base.into_iter().flatten().flatten() {
            assert!(32768 > first && first >= second && second >= third);
        }
    }
}
