//! Photos into the uploads bucket, and what becomes of them.

mod content_type;
mod print;
mod thumbnails;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::ByteStream;
use futures_util::{StreamExt as _, stream};
use handover::Put;
use serde::Serialize;

use crate::aws::Aws;
use crate::clock::{milliseconds, now};
use crate::error::{CallError, LiveError};
use crate::stack::Stack;

use content_type::content_type;
pub(crate) use print::Printer;
use thumbnails::{Awaited, Ending};

/// How many photos are on their way at once.
const CONCURRENCY: usize = 4;

/// Larger files are no photos that the fleet would take, and each is held in memory.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// What was put, and what became of it: the output of `flotilla put --json`. Fields are added, never renamed or removed,
/// unless [`PutSession::VERSION`] is raised.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PutSession {
    /// The version of this form.
    pub version: u32,
    /// Where, for people.
    pub place: String,
    /// The bucket that the photos went to.
    pub bucket: String,
    /// The bucket of thumbnails.
    pub thumbnails_bucket: String,
    /// Every photo, in the order in which they were named.
    pub photos: Vec<Photo>,
}

/// One photo, put.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Photo {
    /// The file that it came from.
    pub photo: String,
    /// Its key.
    pub key: String,
    /// Its version; `null` in a bucket without versions.
    pub version: Option<String>,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its content type, as found in its bytes.
    pub content_type: &'static str,
    /// `thumbnails` (they are there), `rejected`, `waiting` (not there yet), or `put` (nobody waited).
    pub state: &'static str,
    /// From the end of the put to the manifest's being there, or to the end of the wait, in milliseconds.
    pub elapsed_ms: u64,
    /// Why it was rejected, or why the last try failed.
    pub reason: Option<String>,
    /// The manifest's key in the thumbnails bucket.
    pub manifest: Option<String>,
    /// Its thumbnails, in the order of the manifest.
    pub thumbnails: Vec<Thumbnail>,
}

/// One thumbnail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Thumbnail {
    /// Its key in the thumbnails bucket.
    pub key: String,
    /// The size that it was made for.
    pub size: String,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its content type.
    pub content_type: String,
    /// The file that it was saved as.
    pub saved: Option<String>,
}

impl PutSession {
    /// The version of the machine form.
    pub const VERSION: u32 = 1;

    /// Whether every photo that was waited for has its thumbnails.
    pub fn is_finished(&self) -> bool {
        self.photos
            .iter()
            .all(|photo| matches!(photo.state, "thumbnails" | "put"))
    }
}

/// A photo, read from its file.
struct Source {
    photo: String,
    key: String,
    bytes: Vec<u8>,
    content_type: &'static str,
}

/// Puts photos and waits for their thumbnails. Tells `each` of every photo, in the order in which they were named.
pub async fn put(
    aws: &Aws,
    options: &Put,
    mut each: impl FnMut(&Photo) -> Result<(), LiveError>,
) -> Result<PutSession, LiveError> {
    let keys = keys(options)?;
    let stack = Stack::find(aws).await?;
    let bucket = stack.output("UploadsBucket")?.to_owned();
    let thumbnails_bucket = stack.output("ThumbnailsBucket")?.to_owned();
    let functions = stack.functions();
    let awaited = Awaited {
        s3: aws.s3(),
        logs: aws.logs(),
        function: functions.get("thumbnails").map(String::as_str),
        uploads: &bucket,
        thumbnails: &thumbnails_bucket,
        out: options.out.as_deref(),
    };
    let wait = (!options.no_wait).then_some(options.wait);
    let mut photos = Vec::with_capacity(keys.len());
    {
        let mut done = stream::iter(options.photos.iter().zip(&keys))
            .map(|(path, key)| one(&awaited, path, key, wait))
            .buffered(CONCURRENCY);
        while let Some(photo) = done.next().await {
            let photo = photo?;
            each(&photo)?;
            photos.push(photo);
        }
    }
    Ok(PutSession {
        version: PutSession::VERSION,
        place: aws.target.to_string(),
        bucket,
        thumbnails_bucket,
        photos,
    })
}

/// The key of each photo. Whatever is wrong with a photo is found before any is put.
fn keys(options: &Put) -> Result<Vec<String>, LiveError> {
    let mut keys = Vec::with_capacity(options.photos.len());
    let mut known = BTreeSet::new();
    for path in &options.photos {
        let shown = path.display();
        let metadata = path.metadata().map_err(|error| unreadable(path, &error))?;
        if !metadata.is_file() {
            return Err(LiveError::Usage(format!("{shown} is no file")));
        }
        if metadata.len() > MAX_BYTES {
            return Err(LiveError::Usage(format!(
                "{shown} has {} bytes, more than {MAX_BYTES}",
                metadata.len()
            )));
        }
        let key = match (&options.key, path.file_name()) {
            (Some(key), _) if options.photos.len() == 1 => key.clone(),
            (Some(_), _) => {
                return Err(LiveError::Usage(
                    "--key is for a single photo: several would overwrite each other".to_owned(),
                ));
            }
            (None, Some(name)) => format!("{}/{}", options.owner, name.to_string_lossy()),
            (None, None) => return Err(LiveError::Usage(format!("{shown} has no name"))),
        };
        if !known.insert(key.clone()) {
            return Err(LiveError::Usage(format!(
                "two photos would go to {key}: put one of them with --key"
            )));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn unreadable(path: &Path, error: &std::io::Error) -> LiveError {
    LiveError::Usage(format!("{} cannot be read: {error}", path.display()))
}

fn read(path: &Path, key: &str) -> Result<Source, LiveError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes))
        .map_err(|error| unreadable(path, &error))?;
    Ok(Source {
        photo: path.display().to_string(),
        key: key.to_owned(),
        content_type: content_type(&bytes),
        bytes,
    })
}

async fn one(
    awaited: &Awaited<'_>,
    path: &Path,
    key: &str,
    wait: Option<Duration>,
) -> Result<Photo, LiveError> {
    let source = read(path, key)?;
    let begin = now();
    let bytes = source.bytes.len();
    let put = awaited
        .s3
        .put_object()
        .bucket(awaited.uploads)
        .key(&source.key)
        .content_type(source.content_type)
        .body(ByteStream::from(source.bytes))
        .send()
        .await
        .map_err(|error| {
            CallError::new(format!("putting s3://{}/{key}", awaited.uploads), &error)
        })?;
    let put_at = Instant::now();
    let mut photo = Photo {
        photo: source.photo,
        key: source.key,
        version: put.version_id.filter(|version| version != "null"),
        bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
        content_type: source.content_type,
        state: "put",
        elapsed_ms: 0,
        reason: None,
        manifest: None,
        thumbnails: Vec::new(),
    };
    let Some(wait) = wait else {
        return Ok(photo);
    };
    let etag = put.e_tag.unwrap_or_default();
    let ending = awaited.ending(&photo, &etag, begin, wait).await?;
    photo.elapsed_ms = milliseconds(put_at.elapsed());
    match ending {
        Ending::Made(manifest) => {
            photo.state = "thumbnails";
            photo.manifest = Some(manifest.key);
            photo.thumbnails = awaited.saved(&photo.key, manifest.thumbnails).await?;
        }
        Ending::Rejected(reason) => {
            photo.state = "rejected";
            photo.reason = Some(reason);
        }
        Ending::Waiting(reason) => {
            photo.state = "waiting";
            photo.reason = reason;
        }
    }
    Ok(photo)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn options(photos: &[PathBuf], key: Option<&str>) -> Put {
        Put {
            photos: photos.to_vec(),
            owner: "ann".to_owned(),
            key: key.map(str::to_owned),
            out: None,
            wait: Duration::ZERO,
            no_wait: false,
            json: false,
            place: handover::Place::default(),
        }
    }

    #[test]
    fn a_photo_goes_to_its_owner_under_its_own_name() {
        let place = tempfile::tempdir().unwrap();
        let photo = |name: &str| {
            let path = place.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "x").unwrap();
            path
        };
        let (one, same_name, other) = (photo("a/1.jpg"), photo("b/1.jpg"), photo("2.jpg"));
        let keys = |photos: &[&PathBuf], key| {
            let photos: Vec<PathBuf> = photos.iter().map(|&photo| photo.clone()).collect();
            super::keys(&options(&photos, key)).map_err(|error| error.to_string())
        };
        let expected = vec!["ann/1.jpg".to_owned(), "ann/2.jpg".to_owned()];
        assert_eq!(keys(&[&one, &other], None), Ok(expected));
        assert_eq!(keys(&[&one], Some("k")), Ok(vec!["k".to_owned()]));
        for (photos, key, said) in [
            (&[&one, &same_name][..], None, "two photos"),
            (&[&one, &other], Some("k"), "--key is for a single photo"),
            (&[&place.path().to_owned()], None, "is no file"),
            (&[&place.path().join("3.jpg")], None, "cannot be read"),
        ] {
            let error = keys(photos, key).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
