//! The folder that a replay writes to.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Temporary files and the lock; safe to delete when no replay runs.
const WORKSHOP: &str = ".flotilla";

/// A folder that belongs to one process for as long as this lives.
#[derive(Debug)]
pub struct OutFolder {
    root: PathBuf,
    next: AtomicU64,
    // Its lock ends with the process, even if that is killed.
    _lock: File,
}

/// The folder cannot be written to.
#[derive(Debug, thiserror::Error)]
pub enum OutError {
    /// It cannot be made or opened.
    #[error("the output folder {path} cannot be used")]
    Unusable {
        /// The folder.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// Another process writes to it.
    #[error("another replay is writing to {0}: wait for it, or choose another folder with --out")]
    Busy(String),
}

impl OutFolder {
    /// Makes the folder if it is not there, and takes it.
    pub fn open(root: &Path) -> Result<Self, OutError> {
        let unusable = |source| OutError::Unusable {
            path: root.display().to_string(),
            source,
        };
        let workshop = root.join(WORKSHOP);
        fs::create_dir_all(&workshop).map_err(unusable)?;
        let lock = File::create(workshop.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OutError::Busy(root.display().to_string()));
            }
            // Some network file systems have no locks; claims and conditions then hold within this process only.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        Ok(Self {
            root: root.to_owned(),
            next: AtomicU64::new(0),
            _lock: lock,
        })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The bytes of the file at `path` below the folder; `None` if there is none.
    pub fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.root.join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the file at `path` below the folder so that a reader, or the next replay after a crash, sees the old bytes or
    /// the new ones and nothing between. Returns whether anything changed.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<bool> {
        if self.read(path)?.is_some_and(|standing| standing == bytes) {
            return Ok(false);
        }
        let target = self.root.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let temporary = self.root.join(WORKSHOP).join(format!("{number}.part"));
        fs::write(&temporary, bytes)?;
        fs::rename(&temporary, &target)?;
        Ok(true)
    }

    /// Deletes the file at `path` below the folder, and the folders that are empty without it. Returns whether there was one.
    pub fn delete(&self, path: &Path) -> io::Result<bool> {
        match fs::remove_file(self.root.join(path)) {
            Ok(()) => {}
            Err(error) if is_absence(&error) => return Ok(false),
            Err(error) => return Err(error),
        }
        for folder in path.ancestors().skip(1) {
            if folder.as_os_str().is_empty() || fs::remove_dir(self.root.join(folder)).is_err() {
                break;
            }
        }
        Ok(true)
    }

    /// Every file below `folder`, in order of their paths.
    pub fn files(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            let entries = match fs::read_dir(self.root.join(&folder)) {
                Ok(entries) => entries,
                Err(error) if is_absence(&error) => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let entry = entry?;
                let path = folder.join(entry.file_name());
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path);
                }
            }
        }
        files.sort();
        Ok(files)
    }
}

/// Whether an error says that there is no such file: no such name, a file where a folder would be, or a name that no
/// file can have.
pub(crate) fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::InvalidInput
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_the_same_bytes_again_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let out = OutFolder::open(folder.path()).unwrap();
        let path = Path::new("a/b.txt");
        assert!(out.write(path, b"1").unwrap());
        assert!(!out.write(path, b"1").unwrap());
        assert!(out.write(path, b"2").unwrap());
        assert_eq!(out.read(path).unwrap().as_deref(), Some(&b"2"[..]));
    }

    #[test]
    fn deleting_the_last_file_deletes_its_folders() {
        let folder = tempfile::tempdir().unwrap();
        let out = OutFolder::open(folder.path()).unwrap();
        out.write(Path::new("a/b/c.txt"), b"1").unwrap();
        out.write(Path::new("a/d.txt"), b"1").unwrap();
        assert!(out.delete(Path::new("a/b/c.txt")).unwrap());
        assert!(!out.delete(Path::new("a/b/c.txt")).unwrap());
        assert!(!folder.path().join("a/b").exists());
        assert_eq!(out.files(Path::new("a")).unwrap(), [Path::new("a/d.txt")]);
    }

    #[test]
    fn two_replays_never_write_to_one_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = OutFolder::open(folder.path()).unwrap();
        assert!(matches!(
            OutFolder::open(folder.path()),
            Err(OutError::Busy(_))
        ));
        drop(first);
        assert!(OutFolder::open(folder.path()).is_ok());
    }
}
