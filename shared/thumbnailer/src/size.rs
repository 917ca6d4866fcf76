use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::ParsePlanError;

/// The box that a thumbnail is made for, in pixels as displayed.
///
/// Written `256` (a box of 256x256), `320x240`, `320x` (any height) or `x240` (any width).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Size {
    /// Width of the box; `None` leaves it to the aspect of the image.
    pub width: Option<u32>,
    /// Height of the box; `None` leaves it to the aspect of the image.
    pub height: Option<u32>,
}

impl Size {
    /// The greatest side that a size may ask for.
    pub const MAX_SIDE: u32 = 16_384;

    /// A square box.
    pub fn square(side: u32) -> Self {
        Self {
            width: Some(side),
            height: Some(side),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.width, self.height) {
            (Some(width), Some(height)) if width == height => write!(formatter, "{width}"),
            (Some(width), Some(height)) => write!(formatter, "{width}x{height}"),
            (Some(width), None) => write!(formatter, "{width}x"),
            (None, Some(height)) => write!(formatter, "x{height}"),
            (None, None) => formatter.write_str("x"),
        }
    }
}

impl FromStr for Size {
    type Err = ParsePlanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || {
            ParsePlanError::new(
                "size",
                text,
                "write 256, 320x240, 320x or x240, each side from 1 to 16384 pixels",
            )
        };
        let side = |text: &str| match text {
            "" => Ok(None),
            // `u32` alone would take "+5".
            _ if !text.bytes().all(|byte| byte.is_ascii_digit()) => Err(refused()),
            _ => match text.parse() {
                Ok(side @ 1..=Self::MAX_SIDE) => Ok(Some(side)),
                _ => Err(refused()),
            },
        };
        let trimmed = text.trim();
        let (width, height) = trimmed.split_once(['x', 'X']).unwrap_or((trimmed, trimmed));
        let size = Self {
            width: side(width)?,
            height: side(height)?,
        };
        if size.width.is_none() && size.height.is_none() {
            return Err(refused());
        }
        Ok(size)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_number_is_a_square_box() {
        assert_eq!("256".parse(), Ok(Size::square(256)));
    }

    #[test]
    fn one_side_may_be_left_open() {
        let width = Size {
            width: Some(320),
            height: None,
        };
        let height = Size {
            width: None,
            height: Some(240),
        };
        assert_eq!("320x".parse(), Ok(width));
        assert_eq!("x240".parse(), Ok(height));
    }

    #[test]
    fn a_size_that_is_none_is_refused_by_name() {
        for text in [
            "",
            "x",
            "0",
            "16385",
            "-5",
            "+5",
            "5x5x5",
            "320 x 240",
            "big",
            "99999999999",
        ] {
            let error = text.parse::<Size>().expect_err(text);
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }

    #[test]
    fn a_size_is_serialized_as_its_text() {
        let size: Size = "320x240".parse().unwrap();
        assert_eq!(serde_json::to_string(&size).unwrap(), "\"320x240\"");
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_read_back(
            width in proptest::option::of(1..=Size::MAX_SIDE),
            height in proptest::option::of(1..=Size::MAX_SIDE),
        ) {
            prop_assume!(width.is_some() || height.is_some());
            let size = Size { width, height };
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = text.parse::<Size>();
        }
    }
}
