//! Finding photos, and naming what is made of them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a photo in a folder is recognised by; HEIC among them, so that it is refused and not overlooked.
const EXTENSIONS: [&str; 13] = [
    "avif", "bmp", "gif", "heic", "heif", "jfif", "jpe", "jpeg", "jpg", "png", "tif", "tiff",
    "webp",
];

/// Names that the output folder needs itself.
const TAKEN: [&str; 2] = [super::sheet::FILE_NAME, ".flotilla"];

/// A photo to work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Photo {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The name of its folder in the output folder.
    pub(crate) name: String,
}

/// Photos cannot be looked for.
#[derive(Debug, thiserror::Error)]
pub enum PhotosError {
    /// Nothing was named.
    #[error("name a photo, or a folder of photos, such as `flotilla thumbnail photo.jpg`")]
    Nothing,
    /// A path cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The path.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A folder without photos.
    #[error(
        "there is no photo in {0}: files are recognised by extensions such as .jpg, .png and .webp"
    )]
    NoPhotos(String),
}

/// The photos at `paths`: files as they are named, folders with everything below them that has the extension of an image,
/// in order of names. Skips hidden folders and output folders.
pub(crate) fn photos(paths: &[PathBuf]) -> Result<Vec<Photo>, PhotosError> {
    if paths.is_empty() {
        return Err(PhotosError::Nothing);
    }
    let mut taken: BTreeSet<String> = TAKEN.map(str::to_owned).into();
    let mut photos = Vec::new();
    for path in paths {
        let unreadable = |source| PhotosError::Unreadable {
            path: path.display().to_string(),
            source,
        };
        if path.metadata().map_err(unreadable)?.is_dir() {
            let mut found = Vec::new();
            walk(path, Path::new(""), &mut found).map_err(unreadable)?;
            if found.is_empty() {
                return Err(PhotosError::NoPhotos(path.display().to_string()));
            }
            for relative in found {
                photos.push(Photo {
                    path: path.join(&relative),
                    name: free_name(&relative, &mut taken),
                });
            }
        } else {
            let name = path.file_name().map_or_else(|| path.clone(), PathBuf::from);
            photos.push(Photo {
                path: path.clone(),
                name: free_name(&name, &mut taken),
            });
        }
    }
    Ok(photos)
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(root.join(folder))?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let relative = folder.join(entry.file_name());
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if entry.file_type()?.is_dir() {
            if !hidden && !entry.path().join(".flotilla").exists() {
                walk(root, &relative, found)?;
            }
        } else if !hidden && entry.path().is_file() && is_photo(&relative) {
            found.push(relative);
        }
    }
    Ok(())
}

fn is_photo(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
}

/// The whole file name, extension included, so that `a.jpg` and `a.png` differ; numbered when it is taken, and compared
/// without case, because some file systems do.
fn free_name(relative: &Path, taken: &mut BTreeSet<String>) -> String {
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    let name = parts.join("-");
    let mut free = name.clone();
    let mut number = 1_u32;
    while !taken.insert(free.to_lowercase()) {
        number += 1;
        free = format!("{name}-{number}");
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_of_one_name_never_share_a_folder() {
        let mut taken = BTreeSet::new();
        let names = ["a.jpg", "a.png", "A.jpg", "x/a.jpg", "a.jpg", "a.jpg-2"];
        let free = names.map(|name| free_name(Path::new(name), &mut taken));
        assert_eq!(
            free,
            [
                "a.jpg",
                "a.png",
                "A.jpg-2",
                "x-a.jpg",
                "a.jpg-3",
                "a.jpg-2-2"
            ]
        );
    }

    #[test]
    fn a_folder_gives_its_photos_and_not_their_thumbnails() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "b.JPG",
            "a/1.heic",
            "a/notes.txt",
            "thumbnails/b.JPG/256.jpg",
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::create_dir(folder.path().join("thumbnails/.flotilla")).unwrap();
        let found = photos(&[folder.path().to_owned()]).unwrap();
        let names: Vec<_> = found.iter().map(|photo| photo.name.as_str()).collect();
        assert_eq!(names, ["a-1.heic", "b.JPG"]);
    }
}
