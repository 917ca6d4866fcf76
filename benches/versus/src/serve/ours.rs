//! This project's pipeline, by its public face.

use anyhow::{Result, bail};
use thumbnailer::{Limits, OutputFormat, Plan, Quality, Size, thumbnails};

use super::Library;
use crate::protocol::{Format, Way, Work};

/// This project's pipeline.
pub(crate) struct Ours;

impl Library for Ours {
    fn versions(&self) -> String {
        "this project".to_owned()
    }

    fn work(&mut self, image: &[u8], work: &Work) -> Result<Vec<Vec<u8>>> {
        if work.way != Way::Default {
            bail!("it has one way only");
        }
        if work.threads > 1 {
            bail!("it takes no number of threads yet");
        }
        let plan = Plan {
            sizes: work.sizes.iter().copied().map(Size::square).collect(),
            formats: vec![match work.format {
                Format::Jpeg => OutputFormat::Jpeg,
                Format::Avif => OutputFormat::Avif,
            }],
            quality: Quality {
                jpeg: work.quality,
                webp: work.quality,
                avif: work.quality,
            },
            ..Plan::default()
        };
        let made = thumbnails(image, &plan, &Limits::sane_defaults())?;
        Ok(made
            .images
            .into_iter()
            .map(|thumbnail| thumbnail.bytes.to_vec())
            .collect())
    }
}
