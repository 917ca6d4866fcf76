use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::{ParsePlanError, Size};

/// How an image goes into the box of a size. Written in lower case.
///
/// A size with one side open is a box that is as long as need be on that side, so all three fits
/// keep the aspect of the image there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fit {
    /// The whole image, its aspect kept, no larger than the box.
    Inside,
    /// The box is filled; what stands out, evenly on two sides, is cut off.
    Cover,
    /// The whole image, stretched to the box.
    Exact,
}

impl fmt::Display for Fit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Inside => "inside",
            Self::Cover => "cover",
            Self::Exact => "exact",
        })
    }
}

impl FromStr for Fit {
    type Err = ParsePlanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "inside" => Ok(Self::Inside),
            "cover" => Ok(Self::Cover),
            "exact" => Ok(Self::Exact),
            _ => Err(ParsePlanError::new(
                "fit",
                text,
                "write inside, cover or exact",
            )),
        }
    }
}

impl Serialize for Fit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An open side is this long: WebP's greatest side, so that no output type refuses the result.
const OPEN_SIDE: u32 = 16_383;

/// Which part of an image becomes a thumbnail, and of what size. All in displayed orientation.
///
/// The part is always centred, so it needs only its extent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Placement {
    /// Width of the part of the source, in source pixels, perhaps fractional.
    pub(crate) crop_width: f64,
    /// Height of the part of the source, in source pixels, perhaps fractional.
    pub(crate) crop_height: f64,
    /// Width of the thumbnail in pixels.
    pub(crate) width: u32,
    /// Height of the thumbnail in pixels.
    pub(crate) height: u32,
}

impl Placement {
    /// The same placement with the axes swapped, for a source stored on its side.
    pub(crate) fn transposed(self) -> Self {
        Self {
            crop_width: self.crop_height,
            crop_height: self.crop_width,
            width: self.height,
            height: self.width,
        }
    }
}

impl Fit {
    /// Where an image of `width` by `height` pixels goes in a box of `size`.
    pub(crate) fn place(self, width: u32, height: u32, size: Size, upscale: bool) -> Placement {
        let whole = |(out_width, out_height)| Placement {
            crop_width: f64::from(width),
            crop_height: f64::from(height),
            width: out_width,
            height: out_height,
        };
        let fit = match (size.width, size.height) {
            (Some(_), Some(_)) => self,
            _ => Self::Inside,
        };
        let bounds = (
            size.width.unwrap_or(OPEN_SIDE),
            size.height.unwrap_or(OPEN_SIDE),
        );
        match fit {
            Self::Inside if !upscale && width <= bounds.0 && height <= bounds.1 => {
                whole((width, height))
            }
            Self::Inside => whole(scaled_into((width, height), bounds)),
            Self::Exact => whole(shrunk_to_source(bounds, (width, height), upscale)),
            Self::Cover => {
                let out = shrunk_to_source(bounds, (width, height), upscale);
                let (crop_width, crop_height) = centre_part((width, height), out);
                Placement {
                    crop_width,
                    crop_height,
                    width: out.0,
                    height: out.1,
                }
            }
        }
    }
}

/// `inner` scaled, up or down, until it touches `outer`, its aspect kept within a pixel.
fn scaled_into(inner: (u32, u32), outer: (u32, u32)) -> (u32, u32) {
    if wider(inner, outer) {
        (
            outer.0,
            proportional(inner.1, outer.0, inner.0).min(outer.1),
        )
    } else {
        (
            proportional(inner.0, outer.1, inner.1).min(outer.0),
            outer.1,
        )
    }
}

/// The box, or when it must not enlarge, the box made smaller until the source fills it.
fn shrunk_to_source(bounds: (u32, u32), source: (u32, u32), upscale: bool) -> (u32, u32) {
    if upscale || (bounds.0 <= source.0 && bounds.1 <= source.1) {
        return bounds;
    }
    scaled_into(bounds, source)
}

/// The largest part of `source` that has the aspect of `out`.
fn centre_part(source: (u32, u32), out: (u32, u32)) -> (f64, f64) {
    let (width, height) = (f64::from(source.0), f64::from(source.1));
    let aspect = f64::from(out.0) / f64::from(out.1);
    if wider(source, out) {
        ((height * aspect).min(width), height)
    } else {
        (width, (width / aspect).min(height))
    }
}

/// Whether `left` has at least the aspect of `right`.
fn wider(left: (u32, u32), right: (u32, u32)) -> bool {
    u64::from(left.0) * u64::from(right.1) >= u64::from(left.1) * u64::from(right.0)
}

/// `value * numerator / denominator`, rounded to nearest, at least 1.
fn proportional(value: u32, numerator: u32, denominator: u32) -> u32 {
    let denominator = u64::from(denominator.max(1));
    let rounded = (u64::from(value) * u64::from(numerator) + denominator / 2) / denominator;
    u32::try_from(rounded).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn placed(fit: Fit, source: (u32, u32), size: &str, upscale: bool) -> (u32, u32) {
        let size = size.parse().expect("a size");
        let placement = fit.place(source.0, source.1, size, upscale);
        (placement.width, placement.height)
    }

    #[test]
    fn inside_keeps_the_aspect_within_the_box() {
        assert_eq!(placed(Fit::Inside, (4032, 3024), "256", false), (256, 192));
        assert_eq!(placed(Fit::Inside, (3024, 4032), "256", false), (192, 256));
        assert_eq!(placed(Fit::Inside, (4032, 3024), "x240", false), (320, 240));
        assert_eq!(placed(Fit::Inside, (4032, 3024), "320x", false), (320, 240));
    }

    #[test]
    fn a_small_image_stays_small_unless_told() {
        assert_eq!(placed(Fit::Inside, (100, 50), "256", false), (100, 50));
        assert_eq!(placed(Fit::Inside, (100, 50), "256", true), (256, 128));
        assert_eq!(placed(Fit::Cover, (100, 50), "200x200", false), (50, 50));
        assert_eq!(placed(Fit::Cover, (100, 50), "200x200", true), (200, 200));
        assert_eq!(placed(Fit::Exact, (100, 50), "200x50", false), (100, 25));
        assert_eq!(placed(Fit::Exact, (100, 50), "200x50", true), (200, 50));
    }

    #[test]
    fn cover_cuts_evenly_what_stands_out() {
        let placement = Fit::Cover.place(400, 200, Size::square(100), false);
        let square = Placement {
            crop_width: 200.0,
            crop_height: 200.0,
            width: 100,
            height: 100,
        };
        assert_eq!(placement, square);
    }

    #[test]
    fn a_hair_is_at_least_one_pixel_wide() {
        assert_eq!(placed(Fit::Inside, (65_535, 1), "128", false), (128, 1));
        assert_eq!(placed(Fit::Inside, (1, 65_535), "128x", true), (1, 16_383));
    }

    fn any_size() -> impl Strategy<Value = Size> {
        (
            proptest::option::of(1..=Size::MAX_SIDE),
            proptest::option::of(1..=Size::MAX_SIDE),
        )
            .prop_filter("one side", |(width, height)| {
                width.is_some() || height.is_some()
            })
            .prop_map(|(width, height)| Size { width, height })
    }

    fn any_fit() -> impl Strategy<Value = Fit> {
        prop_oneof![Just(Fit::Inside), Just(Fit::Cover), Just(Fit::Exact)]
    }

    proptest! {
        #[test]
        fn nothing_is_enlarged_unless_told(
            fit in any_fit(), width in 1..=65_535u32, height in 1..=65_535u32, size in any_size(),
        ) {
            let placement = fit.place(width, height, size, false);
            prop_assert!(placement.width <= width && placement.height <= height);
            prop_assert!(placement.width >= 1 && placement.height >= 1);
        }

        #[test]
        fn nothing_is_larger_than_its_box(
            fit in any_fit(), width in 1..=65_535u32, height in 1..=65_535u32, size in any_size(),
            upscale: bool,
        ) {
            let placement = fit.place(width, height, size, upscale);
            prop_assert!(placement.width <= size.width.unwrap_or(OPEN_SIDE));
            prop_assert!(placement.height <= size.height.unwrap_or(OPEN_SIDE));
        }

        #[test]
        fn inside_keeps_the_aspect_within_a_pixel(
            width in 1..=65_535u32, height in 1..=65_535u32, size in any_size(), upscale: bool,
        ) {
            let placement = Fit::Inside.place(width, height, size, upscale);
            let (out_width, out_height) = (f64::from(placement.width), f64::from(placement.height));
            let (width, height) = (f64::from(width), f64::from(height));
            let off = (out_width - out_height * width / height)
                .abs()
                .min((out_height - out_width * height / width).abs());
            prop_assert!(off <= 1.0, "{off}");
        }

        #[test]
        fn cover_fills_the_box_when_the_source_can(
            box_width in 1..=2_000u32, box_height in 1..=2_000u32,
            more_width in 0..=2_000u32, more_height in 0..=2_000u32,
        ) {
            let size = Size { width: Some(box_width), height: Some(box_height) };
            let (width, height) = (box_width + more_width, box_height + more_height);
            let placement = Fit::Cover.place(width, height, size, false);
            prop_assert_eq!((placement.width, placement.height), (box_width, box_height));
        }

        #[test]
        fn the_part_lies_in_the_source(
            fit in any_fit(), width in 1..=65_535u32, height in 1..=65_535u32, size in any_size(),
            upscale: bool,
        ) {
            let placement = fit.place(width, height, size, upscale);
            prop_assert!(placement.crop_width > 0.0 && placement.crop_width <= f64::from(width));
            prop_assert!(placement.crop_height > 0.0 && placement.crop_height <= f64::from(height));
        }
    }

    #[test]
    fn what_is_displayed_is_read_back() {
        for fit in [Fit::Inside, Fit::Cover, Fit::Exact] {
            assert_eq!(fit.to_string().parse(), Ok(fit));
        }
        assert!("stretch".parse::<Fit>().is_err());
    }
}
