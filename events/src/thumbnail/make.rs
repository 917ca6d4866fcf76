//! Many photos -> their thumbnails, on every core.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use serde::Serialize;
use thumbnailer::{Limits, Plan, thumbnails};

use super::photos::{Photo, photos};
use super::sheet;
use crate::replay::rounded;
use crate::stand_ins::{OutFolder, with_slashes};

/// Each photo in work may need its whole memory limit.
const MAX_THREADS: usize = 4;

/// What to make, of what, and where to.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Photos, or folders of them.
    pub photos: Vec<PathBuf>,
    /// The thumbnails to make.
    pub plan: Plan,
    /// The output folder.
    pub out: PathBuf,
}

/// All photos: the output of `flotilla thumbnail --json`. Fields are added, never renamed or removed, unless `version` is
/// raised.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Session {
    /// The version of this form.
    pub version: u32,
    /// Every photo, in the order in which they were named or found.
    pub photos: Vec<MadePhoto>,
    /// How many photos have no thumbnails.
    pub failed: usize,
    /// The path of the page that shows all.
    pub index: String,
}

/// A photo, and what was made of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MadePhoto {
    /// Its path.
    pub photo: String,
    /// Why it has no thumbnails; `null` when it has.
    pub error: Option<String>,
    /// Its type, such as `jpeg`.
    pub format: Option<thumbnailer::ImageFormat>,
    /// Its width in pixels, as displayed.
    pub width: u32,
    /// Its height in pixels, as displayed.
    pub height: u32,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its ThumbHash, in base64.
    pub thumbhash: String,
    /// How long it took to read it, make all thumbnails and write them, in milliseconds.
    pub elapsed_ms: f64,
    /// Its thumbnails.
    pub thumbnails: Vec<MadeThumbnail>,
}

/// One thumbnail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MadeThumbnail {
    /// The size of the plan.
    pub size: String,
    /// Where it lies, relative to the output folder.
    pub output: String,
    /// Its type, such as `webp`.
    pub format: thumbnailer::ImageFormat,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Its frames, 1 for a still one.
    pub frames: u32,
    /// Its size in bytes.
    pub bytes: usize,
}

impl Session {
    /// Whether every photo has its thumbnails.
    pub fn is_finished(&self) -> bool {
        self.failed == 0
    }
}

/// Makes all thumbnails and the page that shows them. Tells `each` of every photo, in their order; a photo that fails does
/// not stop the others.
pub fn make(options: &Options, mut each: impl FnMut(&MadePhoto)) -> anyhow::Result<Session> {
    let photos = photos(&options.photos)?;
    let out = OutFolder::open(&options.out)?;
    let mut made = Vec::with_capacity(photos.len());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for _ in 0..threads(photos.len()) {
            let sender = sender.clone();
            let (photos, next, out) = (&photos, &next, &out);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(photo) = photos.get(index) else {
                        break;
                    };
                    if sender.send((index, work(photo, options, out))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        for (index, photo) in receiver {
            early.insert(index, photo);
            while let Some(photo) = early.remove(&made.len()) {
                each(&photo);
                made.push(photo);
            }
        }
    });
    let session = Session {
        version: 1,
        failed: made.iter().filter(|photo| photo.error.is_some()).count(),
        photos: made,
        index: options.out.join(sheet::FILE_NAME).display().to_string(),
    };
    sheet::write(&session, &out)?;
    Ok(session)
}

fn threads(photos: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    cores.min(MAX_THREADS).min(photos)
}

fn work(photo: &Photo, options: &Options, out: &OutFolder) -> MadePhoto {
    let start = Instant::now();
    let mut made = MadePhoto {
        photo: photo.path.display().to_string(),
        error: None,
        format: None,
        width: 0,
        height: 0,
        bytes: 0,
        thumbhash: String::new(),
        elapsed_ms: 0.0,
        thumbnails: Vec::new(),
    };
    // A decoder that panics on one photo must not take the others along.
    let result = catch_unwind(AssertUnwindSafe(|| {
        try_work(photo, options, out, &mut made)
    }));
    made.error = match result {
        Ok(Ok(())) => None,
        Ok(Err(reason)) => Some(reason),
        Err(_) => Some("the pipeline panicked: please report it with this photo".to_owned()),
    };
    made.elapsed_ms = rounded(start.elapsed().as_secs_f64() * 1_000.0);
    made
}

fn try_work(
    photo: &Photo,
    options: &Options,
    out: &OutFolder,
    made: &mut MadePhoto,
) -> Result<(), String> {
    let limits = Limits::sane_defaults();
    let image = read(&photo.path, limits.max_input_bytes)
        .map_err(|error| format!("the photo cannot be read: {error}"))?;
    made.bytes = u64::try_from(image.len()).unwrap_or(u64::MAX);
    let thumbnails =
        thumbnails(&image, &options.plan, &limits).map_err(|error| error.to_string())?;
    made.format = Some(thumbnails.source.format);
    made.width = thumbnails.source.width;
    made.height = thumbnails.source.height;
    made.thumbhash = thumbnails.placeholder;
    for thumbnail in &thumbnails.images {
        let name = format!("{}.{}", thumbnail.size, thumbnail.format.extension());
        let path = Path::new(&photo.name).join(name);
        out.write(&path, &thumbnail.bytes)
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        made.thumbnails.push(MadeThumbnail {
            size: thumbnail.size.to_string(),
            output: with_slashes(&path),
            format: thumbnail.format,
            width: thumbnail.width,
            height: thumbnail.height,
            frames: thumbnail.frames,
            bytes: thumbnail.bytes.len(),
        });
    }
    Ok(())
}

/// Reads a photo, or one byte more than the limit, which the pipeline then refuses.
fn read(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}
