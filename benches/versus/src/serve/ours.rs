//! This project's pipeline, by its public face.

use std::num::NonZero;

use anyhow::{Result, bail};
use thumbnailer::{Limits, OutputFormat, Plan, Quality, Size, Thumbnailer};

use super::Library;
use crate::protocol::{Format, Way, Work};

/// This project's pipeline, its buffers kept from image to image, as a worker keeps them.
pub(crate) struct Ours {
    thumbnailer: Thumbnailer,
    threads: NonZero<usize>,
    note: String,
}

impl Ours {
    /// On one thread, until more are asked for.
    pub(crate) fn new() -> Self {
        Self {
            thumbnailer: Thumbnailer::new(),
            threads: NonZero::<usize>::MIN,
            note: String::new(),
        }
    }
}

impl Library for Ours {
    fn versions(&self) -> String {
        "this project".to_owned()
    }

    fn note(&self) -> String {
        self.note.clone()
    }

    fn work(&mut self, mut image: &[u8], work: &Work) -> Result<Vec<Vec<u8>>> {
        if work.way != Way::Default {
            bail!("it has one way only");
        }
        let threads = NonZero::new(work.threads).unwrap_or(NonZero::<usize>::MIN);
        if threads != self.threads {
            self.thumbnailer = Thumbnailer::new().threads(threads);
            self.threads = threads;
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
        let limits = Limits::sane_defaults();
        let made = self.thumbnailer.thumbnails(&mut image, &plan, &limits)?;
        self.note = match made.source.scale {
            Some(eighths) => format!("{} at {eighths}/8", made.source.path),
            None => made.source.path.to_string(),
        };
        Ok(made
            .images
            .into_iter()
            .map(|thumbnail| thumbnail.bytes.to_vec())
            .collect())
    }
}
