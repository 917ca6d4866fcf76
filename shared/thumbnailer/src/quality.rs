use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::ParsePlanError;

/// How much of a picture each lossy encoder keeps, from 1 (least) to 100 (most).
///
/// The three scales are the encoders' own (libjpeg's tables, libwebp, ravif) and not comparable.
/// Written `80` for all three, or `jpeg=80,webp=75,avif=50`; what is not named keeps its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Quality {
    /// JPEG, default 80.
    pub jpeg: u8,
    /// Lossy WebP, default 80.
    pub webp: u8,
    /// AVIF, default 60.
    pub avif: u8,
}

impl Default for Quality {
    fn default() -> Self {
        Self {
            jpeg: 80,
            webp: 80,
            avif: 60,
        }
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { jpeg, webp, avif } = self;
        write!(formatter, "jpeg={jpeg},webp={webp},avif={avif}")
    }
}

impl FromStr for Quality {
    type Err = ParsePlanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || {
            ParsePlanError::new(
                "quality",
                text,
                "write 80 for every format, or jpeg=80,webp=80,avif=60, each from 1 to 100",
            )
        };
        let number = |text: &str| match text.trim().parse::<u8>() {
            Ok(number @ 1..=100) => Ok(number),
            _ => Err(refused()),
        };
        if !text.contains('=') {
            let all = number(text)?;
            return Ok(Self {
                jpeg: all,
                webp: all,
                avif: all,
            });
        }
        let mut quality = Self::default();
        for part in text.split(',') {
            let (format, value) = part.split_once('=').ok_or_else(refused)?;
            let value = number(value)?;
            match format.trim().to_ascii_lowercase().as_str() {
                "jpeg" | "jpg" => quality.jpeg = value,
                "webp" => quality.webp = value,
                "avif" => quality.avif = value,
                _ => return Err(refused()),
            }
        }
        Ok(quality)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_for_every_format() {
        let all = Quality {
            jpeg: 70,
            webp: 70,
            avif: 70,
        };
        assert_eq!("70".parse(), Ok(all));
    }

    #[test]
    fn a_format_that_is_not_named_keeps_its_default() {
        let quality = Quality {
            webp: 75,
            avif: 50,
            ..Quality::default()
        };
        assert_eq!("webp=75, avif=50".parse(), Ok(quality));
    }

    #[test]
    fn what_is_displayed_is_read_back() {
        let quality = Quality {
            jpeg: 1,
            webp: 100,
            avif: 33,
        };
        assert_eq!(quality.to_string().parse(), Ok(quality));
    }

    #[test]
    fn a_quality_outside_the_scale_is_refused() {
        for text in [
            "", "0", "101", "jpeg=0", "png=80", "jpeg", "jpeg=80,", "jpeg=x",
        ] {
            assert!(text.parse::<Quality>().is_err(), "{text}");
        }
    }
}
