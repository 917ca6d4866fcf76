//! A directory as object store.
//!
//! Folders of source objects are only ever read. What a worker writes lies over them, in the output folder:
//!
//! ```text
//! OUT/objects/BUCKET/KEY           the bytes
//! OUT/metadata/BUCKET/KEY.json     content type, cache control, user metadata, and the key itself
//! OUT/sources/BUCKET/@VERSION/KEY  a copy of each source that was read, for the report to show
//! ```

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use fleet::digest::sha256_hex;
use fleet::objects::{
    Chunks, Condition, NewObject, Object, ObjectRef, Objects, ObjectsError, Opened, Parts,
    in_chunks,
};
use serde::{Deserialize, Serialize};

use super::journal::{Effect, EffectKind, Journal};
use super::out::OutFolder;
use super::paths::{LONG_KEYS, bucket_folder, path_of, prefix_folder};
use super::sources::Sources;

/// Where rejections lie that a worker keeps as objects; see [`fleet::rejection::ObjectRejections`].
const REJECTIONS_PREFIX: &str = "rejected/";

/// How many bytes of an object arrive at once, as from a network.
const CHUNK_BYTES: usize = 64 * 1024;

/// An object store over directories. Clones share it.
#[derive(Debug, Clone)]
pub struct DirectoryObjects(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sources: Sources,
    out: Arc<OutFolder>,
    journal: Journal,
    // An object is two files: nobody may see one of them without the other.
    access: Mutex<()>,
}

/// What is known of an object beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sidecar {
    bucket: String,
    key: String,
    content_type: String,
    cache_control: Option<String>,
    metadata: BTreeMap<String, String>,
}

/// An object that a worker wrote.
struct Standing {
    sidecar: Sidecar,
    bytes: Vec<u8>,
}

impl DirectoryObjects {
    /// A store that reads from `sources`, the first folder first, and writes to `out`.
    ///
    /// The file of a source object is the first of these that exists, in each folder: `BUCKET/KEY@VERSION`, `BUCKET/KEY`,
    /// `KEY@VERSION`, `KEY`, with the key as it is or, where no file can have that name, as [`path_of`] writes it.
    pub fn new(sources: Vec<PathBuf>, out: Arc<OutFolder>, journal: Journal) -> Self {
        Self(Arc::new(Inner {
            sources: Sources::new(sources),
            out,
            journal,
            access: Mutex::new(()),
        }))
    }

    fn access(&self) -> MutexGuard<'_, ()> {
        self.0.access.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a worker wrote under a key. Either of its files without the other is what a crash left, and counts as nothing.
    fn standing(&self, bucket: &str, key: &str) -> Result<Option<Standing>, ObjectsError> {
        let failed = |error: io::Error| unavailable(bucket, key, &error);
        let out = &self.0.out;
        let Some(json) = out.read(&sidecar_path(bucket, key)).map_err(failed)? else {
            return Ok(None);
        };
        let sidecar = sidecar(&json).map_err(failed)?;
        if sidecar.key != key || sidecar.bucket != bucket {
            return Err(failed(io::Error::other(format!(
                "this file system cannot tell it from s3://{}/{}",
                sidecar.bucket, sidecar.key
            ))));
        }
        let bytes = out.read(&object_path(bucket, key)).map_err(failed)?;
        Ok(bytes.map(|bytes| Standing { sidecar, bytes }))
    }

    fn read_source(&self, source: &ObjectRef, max_bytes: u64) -> Result<Vec<u8>, ObjectsError> {
        let bytes = self.0.sources.read(source, max_bytes)?;
        let copy = source_path(&source.bucket, &source.key, source.version.as_deref());
        match self.0.out.write(&copy, &bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(unavailable(&source.bucket, &source.key, &error)),
        }
    }
}

/// An object as it was when it was opened. In memory, as files know no conditions to read them by.
#[derive(Debug, Clone)]
pub struct DirectoryParts(Bytes);

impl DirectoryParts {
    fn chunks(&self, range: Range<u64>) -> Chunks {
        let end = index(range.end).min(self.0.len());
        let bytes = self.0.slice(index(range.start).min(end)..end);
        in_chunks(bytes, CHUNK_BYTES)
    }
}

impl Parts for DirectoryParts {
    async fn part(&self, range: Range<u64>) -> Result<Chunks, ObjectsError> {
        Ok(self.chunks(range))
    }
}

impl Objects for DirectoryObjects {
    type Parts = DirectoryParts;

    async fn open(
        &self,
        source: &ObjectRef,
        first_bytes: u64,
        max_bytes: u64,
    ) -> Result<Opened<DirectoryParts>, ObjectsError> {
        let Object {
            bytes,
            etag,
            metadata,
        } = self.get(source, max_bytes).await?;
        let length = length(&bytes);
        let head_end = first_bytes.min(length);
        let parts = DirectoryParts(bytes);
        Ok(Opened {
            length,
            etag,
            metadata,
            head: parts.chunks(0..head_end),
            head_end,
            parts,
        })
    }

    async fn get(&self, source: &ObjectRef, max_bytes: u64) -> Result<Object, ObjectsError> {
        let standing = {
            let _access = self.access();
            self.standing(&source.bucket, &source.key)?
        };
        let (bytes, metadata) = if let Some(Standing { sidecar, bytes }) = standing {
            check_size(source, length(&bytes), max_bytes)?;
            let is_wanted = |wanted: &String| *wanted == etag(&bytes);
            if !source.etag.as_ref().is_none_or(is_wanted) {
                return Err(ObjectsError::ConditionFailed(source.to_string()));
            }
            (bytes, sidecar.metadata)
        } else {
            // A plain folder has no entity tags to compare.
            (self.read_source(source, max_bytes)?, BTreeMap::new())
        };
        Ok(Object {
            etag: etag(&bytes),
            bytes: Bytes::from(bytes),
            metadata,
        })
    }

    async fn put(&self, object: NewObject, condition: Condition) -> Result<String, ObjectsError> {
        let NewObject {
            bucket,
            key,
            bytes,
            content_type,
            cache_control,
            metadata,
        } = object;
        let _access = self.access();
        let standing = self.standing(&bucket, &key)?;
        let standing_etag = standing.as_ref().map(|standing| etag(&standing.bytes));
        let holds = match condition {
            Condition::None => true,
            Condition::Absent => standing_etag.is_none(),
            Condition::Unchanged(wanted) => standing_etag == Some(wanted),
        };
        if !holds {
            return Err(ObjectsError::ConditionFailed(format!(
                "s3://{bucket}/{key}"
            )));
        }
        let etag = etag(&bytes);
        let existed = standing.is_some();
        let sidecar = Sidecar {
            bucket,
            key,
            content_type,
            cache_control,
            metadata,
        };
        if standing.is_some_and(|standing| standing.sidecar == sidecar && standing.bytes == bytes) {
            return Ok(etag);
        }
        let Sidecar { bucket, key, .. } = &sidecar;
        let json = serde_json::to_vec_pretty(&sidecar).unwrap_or_default();
        let out = &self.0.out;
        let object = (object_path(bucket, key), &bytes[..]);
        let sidecar_file = (sidecar_path(bucket, key), &json[..]);
        // A new object is there with its bytes, so that a crash leaves none that no list knows. Those of one that is
        // there already change first, so that what its metadata says of new bytes never stands beside old ones.
        let files = if existed {
            [object, sidecar_file]
        } else {
            [sidecar_file, object]
        };
        for (path, bytes) in files {
            out.write(&path, bytes)
                .map_err(|error| unavailable(bucket, key, &error))?;
        }
        let effect = Effect {
            kind: if key.starts_with(REJECTIONS_PREFIX) {
                EffectKind::RejectionKept
            } else {
                EffectKind::ObjectWritten
            },
            name: format!("s3://{bucket}/{key}"),
            bytes: length(&bytes),
            content_type: sidecar.content_type.clone(),
            path: with_slashes(&object_path(bucket, key)),
        };
        self.0.journal.note(effect, existed);
        Ok(etag)
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), ObjectsError> {
        let _access = self.access();
        let existed = self.standing(bucket, key)?.is_some();
        let out = &self.0.out;
        out.delete(&object_path(bucket, key))
            .and_then(|_| out.delete(&sidecar_path(bucket, key)))
            .map_err(|error| unavailable(bucket, key, &error))?;
        if existed {
            let effect = Effect {
                kind: EffectKind::ObjectDeleted,
                name: format!("s3://{bucket}/{key}"),
                bytes: 0,
                content_type: String::new(),
                path: with_slashes(&object_path(bucket, key)),
            };
            self.0.journal.note(effect, existed);
        }
        Ok(())
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, ObjectsError> {
        let failed = |error: io::Error| unavailable(bucket, prefix, &error);
        let out = &self.0.out;
        let folder = Path::new("metadata").join(bucket_folder(bucket));
        let below = prefix_folder(prefix);
        let mut folders = vec![folder.join(&below)];
        if below != Path::new("") {
            folders.push(folder.join(LONG_KEYS));
        }
        let _access = self.access();
        let mut keys = Vec::new();
        for folder in folders {
            for path in out.files(&folder).map_err(failed)? {
                let json = out.read(&path).map_err(failed)?.unwrap_or_default();
                let Sidecar { key, .. } = sidecar(&json).map_err(failed)?;
                if key.starts_with(prefix) && out.root().join(object_path(bucket, &key)).is_file() {
                    keys.push(key);
                }
            }
        }
        keys.sort();
        Ok(keys)
    }
}

/// Where the copy of a source lies, relative to the output folder.
pub(crate) fn source_path(bucket: &str, key: &str, version: Option<&str>) -> PathBuf {
    let version = version.unwrap_or_default();
    Path::new("sources").join(path_of(bucket, &format!("@{version}/{key}")))
}

/// Where an object lies, relative to the output folder.
pub(crate) fn object_path(bucket: &str, key: &str) -> PathBuf {
    Path::new("objects").join(path_of(bucket, key))
}

fn sidecar_path(bucket: &str, key: &str) -> PathBuf {
    let path = Path::new("metadata").join(path_of(bucket, key));
    let mut path = path.into_os_string();
    path.push(".json");
    path.into()
}

fn sidecar(json: &[u8]) -> io::Result<Sidecar> {
    serde_json::from_slice(json)
        .map_err(|error| io::Error::other(format!("its metadata cannot be read: {error}")))
}

pub(super) fn check_size(source: &ObjectRef, actual: u64, limit: u64) -> Result<(), ObjectsError> {
    if actual > limit {
        return Err(ObjectsError::TooLarge {
            object: source.to_string(),
            actual,
            limit,
        });
    }
    Ok(())
}

pub(super) fn unavailable(bucket: &str, key: &str, error: &io::Error) -> ObjectsError {
    ObjectsError::Unavailable {
        object: format!("s3://{bucket}/{key}"),
        reason: error.to_string(),
    }
}

/// An entity tag that any change of the bytes changes.
fn etag(bytes: &[u8]) -> String {
    let mut etag = sha256_hex([bytes]);
    etag.truncate(32);
    etag
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// A path with `/` between its names.
pub(crate) fn with_slashes(path: &Path) -> String {
    path.components()
        .map(|component| component.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

#[cfg(test)]
mod tests;
