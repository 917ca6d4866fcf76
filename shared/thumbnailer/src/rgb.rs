use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::ParsePlanError;

/// An opaque sRGB colour, red, green and blue. Written `#ffffff` or `ffffff`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub [u8; 3]);

impl Rgb {
    /// White.
    pub const WHITE: Self = Self([255; 3]);
}

impl fmt::Display for Rgb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(formatter, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl FromStr for Rgb {
    type Err = ParsePlanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || {
            ParsePlanError::new(
                "colour",
                text,
                "write six hexadecimal digits, such as #ffffff",
            )
        };
        let trimmed = text.trim();
        let digits = trimmed.strip_prefix('#').unwrap_or(trimmed);
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(refused());
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| refused())?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

impl Serialize for Rgb {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_digits_with_or_without_a_hash() {
        assert_eq!("#ff8000".parse(), Ok(Rgb([255, 128, 0])));
        assert_eq!("FF8000".parse(), Ok(Rgb([255, 128, 0])));
        assert_eq!(Rgb([255, 128, 0]).to_string(), "#ff8000");
    }

    #[test]
    fn a_colour_that_is_none_is_refused() {
        for text in ["", "#fff", "white", "#ff80000", "+f8000", "##ff800"] {
            assert!(text.parse::<Rgb>().is_err(), "{text}");
        }
    }
}
