//! Which images are measured on: a folder's, or made ones, and the variants that are derived of them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fixtures::encode::{self, JpegOptions};
use image::{DynamicImage, RgbImage};

use crate::reference::Original;
use crate::subject::Subject;

/// From here on an image counts as a photo of today.
pub(crate) const LARGE_MEGAPIXELS: f64 = 8.0;

/// The project's own limit.
const MOST_PIXELS: u32 = 100_000_000;

/// Every image there is to measure on.
pub(crate) struct Photos {
    /// The folder's images that can be measured, by name.
    pub(crate) given: Vec<Subject>,
    /// Where variants are kept from run to run.
    cache: PathBuf,
}

impl Photos {
    /// The images of a folder. What cannot be measured is left out, with a line that says why.
    pub(crate) fn of(folder: &Path, cache: &Path) -> Result<Self> {
        fs::create_dir_all(cache)?;
        let mut paths: Vec<_> = fs::read_dir(folder)
            .with_context(|| folder.display().to_string())?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.is_file())
            .collect();
        paths.sort();
        let mut given = Vec::new();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
            if !["jpg", "jpeg", "png", "webp"]
                .iter()
                .any(|known| extension == *known)
            {
                continue;
            }
            match Subject::open(&name, &path) {
                Ok(subject) if subject.facts.components != 3 => eprintln!(
                    "{name}: left out, {} colour components instead of 3",
                    subject.facts.components
                ),
                Ok(subject) if subject.facts.megapixels() > f64::from(MOST_PIXELS) / 1e6 => {
                    eprintln!("{name}: left out, {} is over the limit", subject.size());
                }
                Ok(subject) => given.push(subject),
                Err(error) => eprintln!("{name}: left out, {error:#}"),
            }
        }
        Ok(Self {
            given,
            cache: cache.to_owned(),
        })
    }

    /// Photos that the project draws itself.
    pub(crate) fn made(cache: &Path) -> Result<Self> {
        let folder = cache.join("made");
        fs::create_dir_all(&folder)?;
        for (name, width, height, seed) in [
            ("made-12mp.jpg", 4032, 3024, 1),
            ("made-24mp.jpg", 5964, 3976, 2),
            ("made-6mp.jpg", 2725, 2225, 3),
        ] {
            kept(&folder.join(name), || {
                let photo = fixtures::photo(width, height, seed);
                Ok(encode::jpeg(&photo, &JpegOptions::default()))
            })?;
        }
        Self::of(&folder, cache)
    }

    /// The baseline photo nearest to this many megapixels that no profile or rotation makes special, at least
    /// [`LARGE_MEGAPIXELS`] large: what variants are derived from.
    pub(crate) fn plain_near(&self, megapixels: f64) -> Option<&Subject> {
        let distance = |subject: &Subject| (subject.facts.megapixels() / megapixels).ln().abs();
        self.given
            .iter()
            .filter(|subject| subject.facts.baseline() && !subject.facts.profile)
            .filter(|subject| subject.facts.orientation == 1)
            .filter(|subject| subject.facts.megapixels() >= LARGE_MEGAPIXELS)
            .min_by(|left, right| distance(left).total_cmp(&distance(right)))
    }

    /// The same coefficients as a progressive JPEG, or, without libjpeg-turbo, a progressive JPEG of the same pixels.
    pub(crate) fn progressive(&self, of: &Subject) -> Result<Subject> {
        self.variant(of, "progressive", "jpg", || {
            #[cfg(feature = "libjpeg-turbo")]
            {
                let mut transform = turbojpeg::Transform::default();
                transform.progressive = true;
                let bytes = fs::read(&of.path)?;
                Ok(turbojpeg::transform(&transform, &bytes)?.to_vec())
            }
            #[cfg(not(feature = "libjpeg-turbo"))]
            {
                let options = JpegOptions {
                    progressive: true,
                    ..JpegOptions::default()
                };
                Ok(encode::jpeg(&pixels(of)?, &options))
            }
        })
    }

    /// The same pixels as PNG.
    pub(crate) fn png(&self, of: &Subject) -> Result<Subject> {
        self.variant(of, "as PNG", "png", || Ok(encode::png(&pixels(of)?)))
    }

    /// The same pixels as lossy WebP.
    pub(crate) fn webp(&self, of: &Subject) -> Result<Subject> {
        self.variant(of, "as WebP", "webp", || {
            Ok(encode::webp_lossy(&pixels(of)?, 80.0))
        })
    }

    /// A baseline JPEG of the photo as often as given, side by side and below each other, at as many bytes for each pixel.
    pub(crate) fn tiled(&self, of: &Subject, columns: u32, rows: u32) -> Result<Subject> {
        let name = format!("tiled {columns}x{rows}");
        self.variant(of, &name, "jpg", || {
            let tile = pixels(of)?;
            let quality = quality_like(&tile, fs::metadata(&of.path)?.len());
            let (width, height) = tile.dimensions();
            let mut tiled = RgbImage::new(width * columns, height * rows);
            for row in 0..rows {
                for column in 0..columns {
                    let (left, top) = (i64::from(column * width), i64::from(row * height));
                    image::imageops::replace(&mut tiled, &tile, left, top);
                }
            }
            let options = JpegOptions {
                quality,
                ..JpegOptions::default()
            };
            Ok(encode::jpeg(&tiled, &options))
        })
    }

    /// The photo tiled to as much of 100 megapixels as it fills without going over them.
    pub(crate) fn hundred_megapixels(&self, of: &Subject) -> Result<Subject> {
        let (width, height) = (of.facts.stored_width, of.facts.stored_height);
        let most = MOST_PIXELS / (width * height);
        let (columns, rows) = (1..=most)
            .flat_map(|columns| (1..=most / columns).map(move |rows| (columns, rows)))
            .filter(|(columns, rows)| width * columns <= 65_500 && height * rows <= 65_500)
            .max_by_key(|(columns, rows)| (columns * rows, u32::MAX - columns.abs_diff(*rows)))
            .context("larger than 100 megapixels")?;
        self.tiled(of, columns, rows)
    }

    /// The photo in a box of `side`, as PNG: what an encoder is measured on.
    pub(crate) fn thumbnail(&self, of: &Subject, side: u32) -> Result<Subject> {
        self.variant(of, &format!("{side} px"), "png", || {
            let original = Original::of(pixels(of)?);
            let (width, height) = original.dimensions();
            let scale = f64::from(side) / f64::from(width.max(height));
            let scaled = |length: u32| (f64::from(length) * scale).round() as u32;
            Ok(encode::png(
                &original.resized(scaled(width), scaled(height)),
            ))
        })
    }

    /// A JPEG of a few hundred pixels, for a process to do first what it does once.
    pub(crate) fn small(&self, progressive: bool) -> Result<PathBuf> {
        let kind = if progressive {
            "progressive"
        } else {
            "baseline"
        };
        let path = self.cache.join(format!("small-{kind}.jpg"));
        kept(&path, || {
            let options = JpegOptions {
                progressive,
                ..JpegOptions::default()
            };
            Ok(encode::jpeg(&fixtures::photo(600, 400, 4), &options))
        })?;
        Ok(path)
    }

    fn variant(
        &self,
        of: &Subject,
        what: &str,
        extension: &str,
        make: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<Subject> {
        let name = format!("{} {what}", of.name);
        // Another file of the same name has, but for a miracle, another length.
        let length = fs::metadata(&of.path)?.len();
        let file = format!("{length} {name}.{extension}").replace([' ', '/'], "-");
        let path = self.cache.join(file);
        kept(&path, make).with_context(|| name.clone())?;
        Subject::open(&name, &path)
    }
}

/// The file, made if it is not there.
fn kept(path: &Path, make: impl FnOnce() -> Result<Vec<u8>>) -> Result<()> {
    if !path.exists() {
        eprintln!("making {}", path.display());
        let unfinished = path.with_extension("unfinished");
        fs::write(&unfinished, make()?)?;
        fs::rename(&unfinished, path)?;
    }
    Ok(())
}

fn pixels(of: &Subject) -> Result<RgbImage> {
    let decoded: DynamicImage = image::load_from_memory(&fs::read(&of.path)?)?;
    Ok(decoded.into_rgb8())
}

/// The quality at which this picture comes nearest to so many bytes.
fn quality_like(picture: &RgbImage, bytes: u64) -> u8 {
    let distance = |quality: &u8| {
        let options = JpegOptions {
            quality: *quality,
            ..JpegOptions::default()
        };
        let length = u64::try_from(encode::jpeg(picture, &options).len()).unwrap_or(u64::MAX);
        length.abs_diff(bytes)
    };
    [70, 75, 80, 85, 88, 90, 92, 94, 95, 96, 97]
        .into_iter()
        .min_by_key(distance)
        .unwrap_or(85)
}
