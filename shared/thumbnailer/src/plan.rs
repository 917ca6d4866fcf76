use std::collections::BTreeSet;
use std::fmt::Write;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{Fit, OutputFormat, Quality, Rgb, Size};

/// Raised when the same plan begins to give other pixels, so that recipes of old thumbnails are
/// told from those of new ones.
const PIPELINE_VERSION: u32 = 3;

/// What thumbnails to make of an image. Data only: the same bytes and the same plan give the same
/// thumbnails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The boxes, default 128, 256, 512 and 1024.
    pub sizes: Vec<Size>,
    /// How an image goes into a box, default [`Fit::Inside`].
    pub fit: Fit,
    /// The types to write, each in every size, default [`OutputFormat::Keep`] alone.
    pub formats: Vec<OutputFormat>,
    /// Quality of the lossy types.
    pub quality: Quality,
    /// What shows through where transparency cannot be kept, default white.
    pub background: Rgb,
    /// Whether an image smaller than a box is enlarged, default false.
    pub upscale: bool,
    /// Whether an animation stays one in the types that can (GIF, WebP), default true. Other types
    /// show its first frame.
    pub animation: bool,
    /// Whether light is averaged rather than sRGB's codes for it, default false. Fine bright patterns then keep their
    /// brightness; it costs more time, and few others do it.
    pub linear_light: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            sizes: [128, 256, 512, 1024].map(Size::square).to_vec(),
            fit: Fit::Inside,
            formats: vec![OutputFormat::Keep],
            quality: Quality::default(),
            background: Rgb::WHITE,
            upscale: false,
            animation: true,
            linear_light: false,
        }
    }
}

impl Plan {
    /// Twelve hexadecimal digits that stand for the plan and the pipeline's version: SHA-256 over
    /// a canonical text. Neither order nor repetition of sizes and formats matters.
    pub fn recipe_hash(&self) -> String {
        // Every field by name: a new one must choose how it enters the text.
        let Self {
            sizes,
            fit,
            formats,
            quality,
            background,
            upscale,
            animation,
            linear_light,
        } = self;
        let mut text = format!("flotilla thumbnails {PIPELINE_VERSION}\n");
        for size in sizes.iter().collect::<BTreeSet<_>>() {
            let _ = writeln!(text, "size {size}");
        }
        for format in formats.iter().collect::<BTreeSet<_>>() {
            let _ = writeln!(text, "format {format}");
        }
        let _ = writeln!(
            text,
            "fit {fit}\nquality {quality}\nbackground {background}\nupscale {upscale}\nanimation {animation}\n\
             linear light {linear_light}"
        );
        let digest = Sha256::digest(text.as_bytes());
        digest.iter().take(6).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_repetition_of_sizes_do_not_change_the_recipe() {
        let plan = Plan::default();
        let mut reversed = plan.clone();
        reversed.sizes.reverse();
        reversed.sizes.push(Size::square(128));
        assert_eq!(plan.recipe_hash(), reversed.recipe_hash());
        assert_eq!(plan.recipe_hash().len(), 12);
    }

    #[test]
    fn every_field_changes_the_recipe() {
        let plan = Plan::default();
        let others = [
            Plan {
                sizes: vec![Size::square(128)],
                ..plan.clone()
            },
            Plan {
                fit: Fit::Cover,
                ..plan.clone()
            },
            Plan {
                formats: vec![OutputFormat::WebP],
                ..plan.clone()
            },
            Plan {
                quality: Quality {
                    jpeg: 81,
                    ..Quality::default()
                },
                ..plan.clone()
            },
            Plan {
                background: Rgb([0; 3]),
                ..plan.clone()
            },
            Plan {
                upscale: true,
                ..plan.clone()
            },
            Plan {
                animation: false,
                ..plan.clone()
            },
            Plan {
                linear_light: true,
                ..plan.clone()
            },
        ];
        let hashes: BTreeSet<_> = others.iter().map(Plan::recipe_hash).collect();
        assert_eq!(hashes.len(), others.len());
        assert!(!hashes.contains(&plan.recipe_hash()));
    }
}
