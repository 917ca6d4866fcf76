//! How far a JPEG is shrunk while it is decoded, before the filter.

use crate::jpeg::BlockSide;

/// How many times finer than the target the luma must be when it is decoded to blocks of this side.
///
/// What is lost against decoding every sample: SSIMULACRA2 points after JPEG at quality 80, mean and worst of up to
/// four photos of 6 to 24 megapixels, at targets of 100 to 1100 pixels. The loss before encoding is three to six times
/// that. 1/8 is the mean of a block, which blurs more than the cut-off of the larger transforms: it needs to be finer.
///
/// | ratio | 1 | 1.25 | 1.5 | 1.75 | 2 | 2.5 |
/// |---|---|---|---|---|---|---|
/// | 1/8 | 4.0, 6.0 | 2.5, 4.4 | 1.4, 3.1 | 0.6, 1.2 | 0.4, 0.9 | 0.0, 0.0 |
/// | 1/4 | 1.4, 1.4 | 1.3, 2.4 | 0.5, 1.0 | 0.2, 0.4 | 0.1, 0.5 | 0.1, 0.1 |
/// | 1/2 | - | 0.2 | 0.1 | 0.1 | 0.1, 0.1 | 0.0, 0.0 |
///
/// Chosen so that the mean loss stays below half a point.
fn least_luma_ratio(side: BlockSide) -> f64 {
    match side {
        BlockSide::One => 1.9,
        BlockSide::Two => 1.6,
        BlockSide::Four => 1.25,
        BlockSide::Eight => 0.0,
    }
}

/// How many times finer than its own target the chroma must be, at any side: slightly less than one, so that thumbnails
/// of half and a quarter of 1024 pixels from 4032 do with the next smaller side.
///
/// What is lost against decoding every chroma sample: as for the luma, mean and worst of three photos and all three
/// sides, which hardly differ. After JPEG at quality 80 in 4:2:0, the ratio is that to the halved chroma; before
/// encoding, in 4:4:4, that to the full one.
///
/// | ratio | 0.5 | 0.75 | 1 | 1.25 | 1.5 | 2 |
/// |---|---|---|---|---|---|---|
/// | after, 4:2:0 | 0.6, 0.8 | 0.3, 0.5 | 0.1, 0.4 | 0.0, 0.2 | 0.0, 0.4 | 0.0, 0.4 |
/// | before, 4:4:4 | 2.1, 4.0 | 1.0, 1.4 | 0.3, 0.6 | - | - | - |
const LEAST_CHROMA_RATIO: f64 = 0.9;

/// The smallest side that the luma may be decoded to. `ratio` is full-size samples of the component to a sample of its
/// target, of that axis of which it is less.
pub(crate) fn luma_side(ratio: f64) -> BlockSide {
    side(ratio, least_luma_ratio)
}

/// The smallest side that a chroma plane may be decoded to: `ratio` as for the luma, with the samples of the chroma as
/// the file has them and its own target, which has half the luma's width and height in a thumbnail of 4:2:0.
pub(crate) fn chroma_side(ratio: f64) -> BlockSide {
    side(ratio, |_| LEAST_CHROMA_RATIO)
}

fn side(ratio: f64, least: fn(BlockSide) -> f64) -> BlockSide {
    // Sizes are whole numbers, so a ratio that was meant to be exact may be a little less.
    const TOLERANCE: f64 = 0.01;
    let sides = [
        (BlockSide::One, 8.0),
        (BlockSide::Two, 4.0),
        (BlockSide::Four, 2.0),
    ];
    let enough = sides
        .into_iter()
        .find(|&(side, shrunk)| ratio / shrunk >= least(side) - TOLERANCE);
    enough.map_or(BlockSide::Eight, |(side, _)| side)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_of_twelve_megapixels_is_shrunk_as_far_as_its_thumbnails_allow() {
        let side = |target: f64| luma_side(4032.0 / target);
        assert_eq!(side(128.0), BlockSide::One);
        assert_eq!(side(256.0), BlockSide::One);
        assert_eq!(side(300.0), BlockSide::Two);
        assert_eq!(side(512.0), BlockSide::Two);
        assert_eq!(side(1024.0), BlockSide::Four);
        assert_eq!(side(2016.0), BlockSide::Eight);
        assert_eq!(side(8000.0), BlockSide::Eight);
    }

    #[test]
    fn chroma_is_shrunk_further_than_luma() {
        let side = |target: f64| chroma_side(2016.0 / (target / 2.0));
        assert_eq!(side(256.0), BlockSide::One);
        assert_eq!(side(512.0), BlockSide::One);
        assert_eq!(side(1024.0), BlockSide::Two);
    }
}
