/// Side of what one 8x8 block of coefficients becomes; the scale of the component is side/8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum BlockSide {
    /// One sample, the mean of the block: 1/8.
    One = 1,
    /// 2x2 samples: 1/4.
    Two = 2,
    /// 4x4 samples: 1/2.
    Four = 4,
    /// Every sample.
    Eight = 8,
}

impl BlockSide {
    /// Samples in a row, and rows.
    pub(crate) const fn samples(self) -> usize {
        self as usize
    }

    /// The last coefficient, in zig-zag order, that the smaller transform takes: what follows is skipped.
    pub(crate) const fn last_index(self) -> usize {
        match self {
            Self::One => 0,
            Self::Two => 4,
            Self::Four => 24,
            Self::Eight => 63,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jpeg::ZIGZAG;

    #[test]
    fn the_last_index_is_that_of_the_lowest_right_coefficient() {
        for side in [
            BlockSide::One,
            BlockSide::Two,
            BlockSide::Four,
            BlockSide::Eight,
        ] {
            let wanted = |&&natural: &&u8| {
                usize::from(natural % 8) < side.samples()
                    && usize::from(natural / 8) < side.samples()
            };
            let last = ZIGZAG.iter().rposition(|natural| wanted(&natural)).unwrap();
            assert_eq!(side.last_index(), last);
        }
    }
}
