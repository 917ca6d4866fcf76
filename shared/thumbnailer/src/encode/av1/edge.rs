//! What blocks above and to the left of a superblock have said, which is the context of what comes next.

use super::coefficients::Context;
use super::predict::Mode;

/// Samples along a superblock's side.
pub(super) const SUPERBLOCK: usize = 64;

/// Units of 4 samples along it.
pub(super) const UNITS: usize = SUPERBLOCK / 4;

/// Along one side of a superblock, in units of 4 samples of luma.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) luma_mode: [u8; UNITS],
    /// In units of 4 samples of chroma.
    pub(super) chroma_mode: [u8; UNITS / 2],
    /// The logarithm of the block's side along this one, in units; what is outside seems as large as anything.
    pub(super) extent: [u8; UNITS],
    pub(super) skip: [u8; UNITS],
    /// [`super::coefficients::Outcome::told`] of each plane's transforms, in units of 4 samples of that plane.
    pub(super) told: [[u8; UNITS]; 3],
}

impl Edge {
    /// Where the picture or the tile ends.
    pub(super) const OUTSIDE: Self = Self {
        luma_mode: [Mode::Dc as u8; UNITS],
        chroma_mode: [Mode::Dc as u8; UNITS / 2],
        extent: [u8::MAX; UNITS],
        skip: [0; UNITS],
        told: [[0; UNITS]; 3],
    };

    /// Notes what a transform has to tell. What lies beyond the picture's end, `limit`, does not count.
    pub(super) fn tell(&mut self, plane: usize, from: usize, units: usize, limit: usize, told: u8) {
        for (unit, place) in self.told[plane][from..from + units].iter_mut().enumerate() {
            *place = if from + unit < limit { told } else { 0 };
        }
    }
}

/// Whether a mode is one of the smooth ones.
pub(super) fn is_smooth(mode: u8) -> bool {
    (Mode::Smooth as u8..=Mode::SmoothHorizontal as u8).contains(&mode)
}

/// The context of a transform that fills its block, of what the units above and to the left of it told.
pub(super) fn context(plane: usize, above: &[u8], left: &[u8]) -> Context {
    let any = |told: &[u8]| usize::from(told.iter().any(|&told| told != 0));
    let all_zero = if plane > 0 {
        7 + any(above) + any(left)
    } else {
        0
    };
    let balance: i32 = above
        .iter()
        .chain(left)
        .map(|told| match told >> 6 {
            0 => 0,
            1 => -1,
            _ => 1,
        })
        .sum();
    Context {
        all_zero,
        dc_sign: match balance.signum() {
            0 => 0,
            -1 => 1,
            _ => 2,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_end_does_not_count() {
        let mut edge = Edge::OUTSIDE;
        edge.tell(0, 2, 4, 4, 130);
        assert_eq!(edge.told[0][..8], [0, 0, 130, 130, 0, 0, 0, 0]);
    }

    #[test]
    fn signs_above_and_to_the_left_are_weighed_against_each_other() {
        let sign = |above: &[u8], left: &[u8]| context(0, above, left).dc_sign;
        assert_eq!(sign(&[0, 3], &[63]), 0);
        assert_eq!(sign(&[65, 65], &[129]), 1);
        assert_eq!(sign(&[65], &[129, 129]), 2);
        assert_eq!(sign(&[65], &[129]), 0);
    }

    #[test]
    fn chroma_asks_whether_there_is_anything() {
        let zero = |above: &[u8], left: &[u8]| context(2, above, left).all_zero;
        assert_eq!(zero(&[0], &[0]), 7);
        assert_eq!(zero(&[0], &[64]), 8);
        assert_eq!(zero(&[1], &[1]), 9);
        assert_eq!(context(0, &[1], &[1]).all_zero, 0);
    }
}
