//! The wait for a photo's thumbnails.

use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

use fleet::clock::UnixMillis;
use fleet::notice::{Change, ObjectChange};
use fleet::sequencer::Sequencer;
use thumbnails::{Manifest, PhotoKeys};

use super::{Photo, Thumbnail};
use crate::clock::Patience;
use crate::error::{CallError, LiveError, Trouble};
use crate::logs::{Entry, GroupReader, Record, read};

/// Thumbnails that are there sooner need no explanation.
const LOG_AFTER: Duration = Duration::from_millis(1_500);

/// Between two looks at the log.
const LOG_INTERVAL: Duration = Duration::from_secs(2);

/// A manifest has some kilobytes, a thumbnail some megabytes at most.
const MAX_BYTES: i64 = 256 * 1024 * 1024;

/// Where the thumbnails of a photo appear.
pub(super) struct Awaited<'a> {
    pub(super) s3: aws_sdk_s3::Client,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) function: Option<&'a str>,
    pub(super) uploads: &'a str,
    pub(super) thumbnails: &'a str,
    pub(super) out: Option<&'a Path>,
}

/// How the wait ended.
pub(super) enum Ending {
    /// With a manifest.
    Made(Made),
    /// With a rejection, for this reason.
    Rejected(String),
    /// With nothing; the last try failed for this reason, if there was one.
    Waiting(Option<String>),
}

/// A manifest that is there.
pub(super) struct Made {
    pub(super) key: String,
    pub(super) thumbnails: Vec<Thumbnail>,
}

impl Awaited<'_> {
    /// Waits for the thumbnails of a photo that was put after `begin`, and no longer than `longest`.
    pub(super) async fn ending(
        &self,
        photo: &Photo,
        etag: &str,
        begin: UnixMillis,
        longest: Duration,
    ) -> Result<Ending, LiveError> {
        let key = self.manifest_key(photo);
        let mut patience = Patience::new(longest);
        let mut log = self
            .function
            .map(|function| GroupReader::new(self.logs.clone(), function, begin));
        let mut look_at_log = Instant::now() + LOG_AFTER;
        let mut last_try = None;
        loop {
            if let Some(manifest) = self.manifest(&key).await?
                && is_of(&manifest, photo, etag)
            {
                let thumbnails = manifest.outputs.into_iter().map(thumbnail).collect();
                return Ok(Ending::Made(Made { key, thumbnails }));
            }
            if Instant::now() >= look_at_log
                && let Some(log) = &mut log
            {
                look_at_log = Instant::now() + LOG_INTERVAL;
                for record in self.records_of(log, &photo.key).await {
                    match record.fate.as_str() {
                        "rejected" => return Ok(Ending::Rejected(reason(&record))),
                        "retry" => last_try = Some(reason(&record)),
                        _ => {}
                    }
                }
            }
            if !patience.wait().await {
                return Ok(Ending::Waiting(last_try));
            }
        }
    }

    /// A pure function of the photo's bucket and key, which the worker owns.
    fn manifest_key(&self, photo: &Photo) -> String {
        let change = ObjectChange {
            event_name: String::new(),
            change: Change::Created,
            bucket: self.uploads.to_owned(),
            key: photo.key.clone(),
            version: photo.version.clone(),
            etag: None,
            size_bytes: None,
            time: None,
            sequencer: Sequencer::default(),
        };
        PhotoKeys::new(&change, "").manifest()
    }

    async fn manifest(&self, key: &str) -> Result<Option<Manifest>, LiveError> {
        match self.object(key).await {
            // Half written by nobody: what does not parse is of another version of this project.
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(LiveError::Call(error)) if error.trouble == Trouble::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn object(&self, key: &str) -> Result<Vec<u8>, LiveError> {
        let doing = || format!("reading s3://{}/{key}", self.thumbnails);
        let object = self
            .s3
            .get_object()
            .bucket(self.thumbnails)
            .key(key)
            .send()
            .await
            .map_err(|error| CallError::new(doing(), &error))?;
        let broken = |reason: String| CallError {
            doing: doing(),
            trouble: Trouble::Refused,
            reason,
        };
        if object.content_length.unwrap_or_default() > MAX_BYTES {
            return Err(broken("it is larger than any thumbnail".to_owned()).into());
        }
        let bytes = object.body.collect().await;
        Ok(bytes.map_err(|error| broken(error.to_string()))?.to_vec())
    }

    /// What the worker said of the photo. The log explains; without it the wait goes on as before.
    async fn records_of(&self, log: &mut GroupReader, key: &str) -> Vec<Record> {
        let subject = format!("s3://{}/{key}", self.uploads);
        let lines = log.new_lines().await.unwrap_or_default();
        lines
            .iter()
            .filter_map(|line| match read(&line.message) {
                Some(Entry::Record(record)) => Some(record),
                _ => None,
            })
            .filter(|record| record.subject == subject)
            .collect()
    }

    /// Saves the thumbnails of the photo of that key, if somebody wants them.
    pub(super) async fn saved(
        &self,
        key: &str,
        mut thumbnails: Vec<Thumbnail>,
    ) -> Result<Vec<Thumbnail>, LiveError> {
        let Some(out) = self.out else {
            return Ok(thumbnails);
        };
        for thumbnail in &mut thumbnails {
            let bytes = self.object(&thumbnail.key).await?;
            let path = out.join(saved_path(key, &thumbnail.key));
            let written = path
                .parent()
                .map_or(Ok(()), std::fs::create_dir_all)
                .and_then(|()| std::fs::write(&path, &bytes));
            written.map_err(|source| LiveError::File {
                path: path.display().to_string(),
                doing: "cannot be written",
                source,
            })?;
            thumbnail.saved = Some(path.display().to_string());
        }
        Ok(thumbnails)
    }
}

/// `KEY/SIZE.EXTENSION`, without what would lead out of the folder.
fn saved_path(photo: &str, thumbnail: &str) -> PathBuf {
    let name = thumbnail.rsplit('/').next().unwrap_or_default();
    Path::new(photo)
        .components()
        .chain(Path::new(name).components())
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name),
            _ => None,
        })
        .collect()
}

/// A manifest stays when a photo is put again, until the new one is written.
fn is_of(manifest: &Manifest, photo: &Photo, etag: &str) -> bool {
    if let Some(version) = &photo.version {
        manifest.source.version == *version
    } else {
        manifest.source.etag.as_deref() == Some(etag.trim_matches('"'))
    }
}

fn reason(record: &Record) -> String {
    format!("{}: {}", record.kind, record.reason)
}

fn thumbnail(output: thumbnails::Output) -> Thumbnail {
    Thumbnail {
        key: output.key,
        size: output.size,
        width: output.width,
        height: output.height,
        bytes: output.bytes,
        content_type: output.content_type,
        saved: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbnail_is_saved_below_its_photos_key_and_nowhere_else() {
        for (photo, path) in [
            ("me/cat.jpg", "me/cat.jpg/256.webp"),
            ("../../etc/passwd", "etc/passwd/256.webp"),
            ("/etc", "etc/256.webp"),
        ] {
            let thumbnail = "thumbnails/uploads/x/~v1/recipe/256.webp";
            assert_eq!(saved_path(photo, thumbnail), Path::new(path));
        }
    }
}
