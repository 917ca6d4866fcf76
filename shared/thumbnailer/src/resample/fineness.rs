//! How fine samples must be that a target is made from, along the axis where they are less fine: every ratio is chosen
//! by what it costs in SSIMULACRA2 points against a target made from the whole picture.

use crate::jpeg::BlockSide;

/// How many times finer than its target a luma plane must be that is decoded to blocks of this side.
///
/// The cost after JPEG at quality 80, mean and worst of up to four photos of 6 to 24 megapixels, at targets of 100 to
/// 1100 pixels; before encoding it is three to six times that. 1/8 is the mean of a block, which blurs more than the
/// cut-off of the larger transforms: it needs to be finer.
///
/// | ratio | 1 | 1.25 | 1.5 | 1.75 | 2 | 2.5 |
/// |---|---|---|---|---|---|---|
/// | 1/8 | 4.0, 6.0 | 2.5, 4.4 | 1.4, 3.1 | 0.6, 1.2 | 0.4, 0.9 | 0.0, 0.0 |
/// | 1/4 | 1.4, 1.4 | 1.3, 2.4 | 0.5, 1.0 | 0.2, 0.4 | 0.1, 0.5 | 0.1, 0.1 |
/// | 1/2 | - | 0.2 | 0.1 | 0.1 | 0.1, 0.1 | 0.0, 0.0 |
///
/// Chosen so that the mean stays below half a point.
pub(crate) const fn least_luma_ratio(side: BlockSide) -> f64 {
    match side {
        BlockSide::One => 1.9,
        BlockSide::Two => 1.6,
        BlockSide::Four => 1.25,
        BlockSide::Eight => 0.0,
    }
}

/// How many times finer than its own target a chroma plane must be, whatever its side: slightly less than one, so that
/// thumbnails of 512 and 1024 pixels from 4032 do with the next smaller side.
///
/// The cost as for the luma, of three photos and all sides together, which hardly differ. After JPEG at quality 80 the
/// target is halved chroma, before encoding it is that of 4:4:4.
///
/// | ratio | 0.5 | 0.75 | 1 | 1.25 | 1.5 | 2 |
/// |---|---|---|---|---|---|---|
/// | after, 4:2:0 | 0.6, 0.8 | 0.3, 0.5 | 0.1, 0.4 | 0.0, 0.2 | 0.0, 0.4 | 0.0, 0.4 |
/// | before, 4:4:4 | 2.1, 4.0 | 1.0, 1.4 | 0.2, 0.6 | - | - | - |
pub(crate) const LEAST_CHROMA_RATIO: f64 = 0.9;

/// How many times finer a target must be for a smaller one to be made from it, rather than from the rows.
///
/// The cost for three photos of 6 to 12 megapixels at 128, 256 and 512 pixels, mean and worst, before encoding and
/// after JPEG at quality 80 (where chance gives and takes 0.4):
///
/// | ratio | 1.05 | 1.25 | 1.5 | 1.75 | 2 | 3 |
/// |---|---|---|---|---|---|---|
/// | before | 3.4, 6.6 | 0.9, 1.9 | 0.2, 0.4 | 0.0, 0.2 | 0.0, 0.1 | 0.0, 0.1 |
/// | after | 0.4, 1.8 | -0.1, 0.2 | -0.2, 0.4 | 0.0, 0.3 | -0.1, 0.4 | 0.0, 0.2 |
///
/// Slightly less than 1.5, as sizes are whole numbers.
pub(crate) const LEAST_PYRAMID_RATIO: f64 = 1.49;
