use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::ParsePlanError;

/// A type of image file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP, lossy or lossless, still or animated.
    WebP,
    /// GIF, still or animated.
    Gif,
    /// AVIF.
    Avif,
    /// TIFF.
    Tiff,
    /// Windows bitmap.
    Bmp,
}

impl ImageFormat {
    /// The media type, as registered with IANA.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
            Self::Avif => "image/avif",
            Self::Tiff => "image/tiff",
            Self::Bmp => "image/bmp",
        }
    }

    /// The usual file extension, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Gif => "gif",
            Self::Avif => "avif",
            Self::Tiff => "tiff",
            Self::Bmp => "bmp",
        }
    }

    /// Whether the thumbnailer writes animations in this type.
    pub(crate) fn can_animate(self) -> bool {
        matches!(self, Self::Gif | Self::WebP)
    }
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Avif => "AVIF",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
        })
    }
}

/// The type that a plan asks thumbnails to be in. Written `keep`, `jpeg` (or `jpg`), `webp`,
/// `avif` or `png`, in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OutputFormat {
    /// The type of the source; for TIFF and BMP, which browsers do not show, JPEG when opaque and
    /// PNG when not.
    Keep,
    /// JPEG; transparency is flattened on the plan's background.
    Jpeg,
    /// Lossy WebP; keeps transparency and animation.
    WebP,
    /// AVIF; keeps transparency.
    Avif,
    /// PNG; keeps transparency.
    Png,
}

impl OutputFormat {
    /// The type to write for a source of type `source`, which is transparent when `alpha`.
    pub(crate) fn resolve(self, source: ImageFormat, alpha: bool) -> ImageFormat {
        match self {
            Self::Jpeg => ImageFormat::Jpeg,
            Self::WebP => ImageFormat::WebP,
            Self::Avif => ImageFormat::Avif,
            Self::Png => ImageFormat::Png,
            Self::Keep => match source {
                ImageFormat::Jpeg
                | ImageFormat::Png
                | ImageFormat::WebP
                | ImageFormat::Gif
                | ImageFormat::Avif => source,
                ImageFormat::Tiff | ImageFormat::Bmp if alpha => ImageFormat::Png,
                ImageFormat::Tiff | ImageFormat::Bmp => ImageFormat::Jpeg,
            },
        }
    }
}

impl fmt::Display for OutputFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Keep => "keep",
            Self::Jpeg => "jpeg",
            Self::WebP => "webp",
            Self::Avif => "avif",
            Self::Png => "png",
        })
    }
}

impl FromStr for OutputFormat {
    type Err = ParsePlanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "keep" => Ok(Self::Keep),
            "jpeg" | "jpg" => Ok(Self::Jpeg),
            "webp" => Ok(Self::WebP),
            "avif" => Ok(Self::Avif),
            "png" => Ok(Self::Png),
            _ => Err(ParsePlanError::new(
                "format",
                text,
                "write keep, jpeg, webp, avif or png",
            )),
        }
    }
}

impl Serialize for OutputFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jpg_in_any_case_is_jpeg() {
        assert_eq!("JPG".parse(), Ok(OutputFormat::Jpeg));
        assert_eq!("Jpeg".parse(), Ok(OutputFormat::Jpeg));
    }

    #[test]
    fn what_is_displayed_is_read_back() {
        for format in [
            OutputFormat::Keep,
            OutputFormat::Jpeg,
            OutputFormat::WebP,
            OutputFormat::Avif,
            OutputFormat::Png,
        ] {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
    }

    #[test]
    fn a_type_that_is_not_written_is_refused_by_name() {
        let error = "heic".parse::<OutputFormat>().expect_err("heic");
        assert_eq!(
            error.to_string(),
            "\"heic\" is not a format: write keep, jpeg, webp, avif or png"
        );
    }

    #[test]
    fn keep_writes_what_a_browser_shows() {
        let keep = |source, alpha| OutputFormat::Keep.resolve(source, alpha);
        assert_eq!(keep(ImageFormat::Gif, true), ImageFormat::Gif);
        assert_eq!(keep(ImageFormat::Tiff, false), ImageFormat::Jpeg);
        assert_eq!(keep(ImageFormat::Bmp, true), ImageFormat::Png);
    }
}
