//! Photos and their thumbnails in the report.

use serde::Serialize;

use crate::replay::PastManifest;
use crate::stand_ins::{OutFolder, object_path, source_path, with_slashes};

/// What browsers show; the others are linked.
const SHOWN_BY_BROWSERS: [&str; 6] = [
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
];

#[derive(Debug, Serialize)]
pub(super) struct PhotoView<'a> {
    key: &'a str,
    version: &'a str,
    width: u32,
    height: u32,
    bytes: u64,
    content_type: &'a str,
    browsers_show_it: bool,
    source: Option<String>,
    thumbhash: &'a str,
    thumbnails: Vec<ThumbnailView<'a>>,
}

#[derive(Debug, Serialize)]
struct ThumbnailView<'a> {
    path: String,
    exists: bool,
    size: &'a str,
    width: u32,
    height: u32,
    bytes: u64,
    content_type: &'a str,
    frames: u32,
}

impl<'a> PhotoView<'a> {
    pub(super) fn new(past: &'a PastManifest, out: &OutFolder) -> Self {
        let manifest = &past.manifest;
        let source = &manifest.source;
        // Without a version id, the manifest's version is made of other things.
        let copy = [Some(source.version.as_str()), None]
            .into_iter()
            .map(|version| source_path(&source.bucket, &source.key, version))
            .find(|path| out.root().join(path).is_file());
        let thumbnails = manifest.outputs.iter().map(|output| {
            let path = object_path(&past.bucket, &output.key);
            ThumbnailView {
                exists: out.root().join(&path).is_file(),
                path: with_slashes(&path),
                size: &output.size,
                width: output.width,
                height: output.height,
                bytes: output.bytes,
                content_type: &output.content_type,
                frames: output.frames,
            }
        });
        Self {
            key: &source.key,
            version: &source.version,
            width: source.width,
            height: source.height,
            bytes: source.bytes,
            content_type: &source.content_type,
            browsers_show_it: SHOWN_BY_BROWSERS.contains(&source.content_type.as_str()),
            source: copy.as_deref().map(with_slashes),
            thumbhash: &manifest.thumbhash,
            thumbnails: thumbnails.collect(),
        }
    }
}
