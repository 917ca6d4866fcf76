//! Folders of source objects, which are only read.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use fleet::objects::{ObjectRef, ObjectsError};

use super::objects::{check_size, unavailable};
use super::out::is_absence;
use super::paths::{path_of, plain};

/// Source objects, in the first of these folders that holds them.
#[derive(Debug)]
pub(super) struct Sources(Vec<PathBuf>);

impl Sources {
    pub(super) fn new(folders: Vec<PathBuf>) -> Self {
        Self(folders)
    }

    /// The bytes of an object. A candidate that cannot be read is passed over for one that can.
    pub(super) fn read(&self, source: &ObjectRef, max_bytes: u64) -> Result<Vec<u8>, ObjectsError> {
        let mut failure = None;
        for folder in &self.0 {
            for candidate in candidates(source) {
                match read_limited(&folder.join(candidate), source, max_bytes) {
                    Ok(Some(bytes)) => return Ok(bytes),
                    Ok(None) => {}
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
        }
        Err(failure.unwrap_or_else(|| ObjectsError::NotFound(source.to_string())))
    }
}

/// The file of an object, in the first of these folders that holds it.
pub(crate) fn source_file(folders: &[PathBuf], source: &ObjectRef) -> Option<PathBuf> {
    folders
        .iter()
        .flat_map(|folder| {
            let candidates = candidates(source).into_iter();
            candidates.map(move |candidate| folder.join(candidate))
        })
        .find(|path| path.is_file())
}

/// Where an object may lie below a folder, the most exact place first.
fn candidates(source: &ObjectRef) -> Vec<PathBuf> {
    let ObjectRef {
        bucket,
        key,
        version,
        ..
    } = source;
    let mut names = vec![key.clone()];
    if let Some(version) = version {
        names.insert(0, format!("{key}@{version}"));
    }
    let in_bucket = names.iter().flat_map(|name| {
        let plain = plain(bucket).and_then(|bucket| Some(bucket.join(plain(name)?)));
        [plain, Some(path_of(bucket, name))]
    });
    let bare = names.iter().flat_map(|name| {
        let escaped = path_of("", name).components().skip(1).collect();
        [plain(name), Some(escaped)]
    });
    in_bucket.chain(bare).flatten().collect()
}

/// The bytes of the file at `path`, `None` if there is none.
fn read_limited(
    path: &Path,
    source: &ObjectRef,
    max_bytes: u64,
) -> Result<Option<Vec<u8>>, ObjectsError> {
    let failed = |error: io::Error| unavailable(&source.bucket, &source.key, &error);
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    // Reading from a pipe or a device might never end.
    if !metadata.is_file() {
        return Err(failed(io::Error::other(format!(
            "{} is not a file",
            path.display()
        ))));
    }
    check_size(source, metadata.len(), max_bytes)?;
    let mut bytes = Vec::new();
    let read = File::open(path)
        .and_then(|file| {
            file.take(max_bytes.saturating_add(1))
                .read_to_end(&mut bytes)
        })
        .map_err(failed)?;
    // It may have grown in the meantime.
    check_size(source, u64::try_from(read).unwrap_or(u64::MAX), max_bytes)?;
    Ok(Some(bytes))
}
