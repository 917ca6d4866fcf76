//! Buckets and keys -> paths below a folder.
//!
//! A key may be any text of up to 1,024 bytes: `../../etc/passwd`, `a` beside `a/b`, `CON`, two slashes in a row. A path that
//! is made of it here
//!
//! - stays below its folder, on every system;
//! - is the path of no other key, and no other key needs it as a folder;
//! - equals the key where that is an ordinary one (`2024/cat.jpg`).
//!
//! What cannot stand as it is becomes `=` and two hexadecimal digits. So that a file never needs the name of a folder, a
//! folder whose name holds a dot and a file whose name holds none get a `=` at their end: `a.jpg/1.webp` -> `a.jpg=/1.webp`.
//! `=` needs no escape in the path of a URL, which keeps the links of a report readable.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use fleet::digest::sha256_hex;

/// File systems take names of 255 bytes; what is written beside a file (`.json`) needs a few of them.
const MAX_NAME_BYTES: usize = 200;

/// Longer paths become a digest. Linux takes 4,096 bytes, macOS 1,024, the folder above them included.
const MAX_PATH_BYTES: usize = 700;

/// Where keys go whose paths would be too long. No escaped name looks like this.
pub(crate) const LONG_KEYS: &str = "=long";

/// Device names that Windows finds in every folder, whatever their extension.
const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// The path of an object below a folder of buckets.
pub fn path_of(bucket: &str, key: &str) -> PathBuf {
    let (folders, name) = match key.rsplit_once('/') {
        Some((folders, name)) => (Some(folders), name),
        None => (None, key),
    };
    let mut path: String = folders
        .map(folders_of)
        .unwrap_or_default()
        .into_iter()
        .fold(String::new(), |path, folder| path + &folder + "/");
    path.push_str(&file(name));
    if path.len() > MAX_PATH_BYTES {
        path = format!("{LONG_KEYS}/{}", sha256_hex([key.as_bytes()]));
    }
    bucket_folder(bucket).join(path)
}

/// The folder of a bucket, below a folder of buckets.
pub(crate) fn bucket_folder(bucket: &str) -> PathBuf {
    PathBuf::from(folder(bucket))
}

/// The folder below that of its bucket that holds every key beginning with `prefix`, but for those in [`LONG_KEYS`].
pub(crate) fn prefix_folder(prefix: &str) -> PathBuf {
    prefix
        .rsplit_once('/')
        .map_or_else(PathBuf::new, |(folders, _)| {
            folders_of(folders).into_iter().collect()
        })
}

/// The path that a person gives a file that stands for an object: the name as it is. `None` where that would be no path
/// below the folder.
pub(crate) fn plain(name: &str) -> Option<PathBuf> {
    let segments_are_names = name.split('/').all(|segment| {
        !segment.contains(['\0', '\\']) && {
            let mut components = Path::new(segment).components();
            matches!(components.next(), Some(Component::Normal(_))) && components.next().is_none()
        }
    });
    segments_are_names.then(|| PathBuf::from(name))
}

fn folders_of(folders: &str) -> Vec<String> {
    folders.split('/').map(folder).collect()
}

fn folder(segment: &str) -> String {
    let mut name = shortened(escaped(segment), segment);
    if name.contains('.') {
        name.push('=');
    }
    name
}

fn file(segment: &str) -> String {
    let mut name = shortened(escaped(segment), segment);
    if !name.contains('.') {
        name.push('=');
    }
    name
}

fn escaped(segment: &str) -> String {
    if segment.is_empty() {
        return "=-".to_owned();
    }
    let last = segment.chars().count() - 1;
    let mut name = String::with_capacity(segment.len());
    for (index, character) in segment.chars().enumerate() {
        let at_an_end = index == 0 || index == last;
        let hostile = character.is_control()
            || r#"=<>:"|?*/\"#.contains(character)
            // Hidden files, `.`, `..`; and what Windows cuts off.
            || (at_an_end && matches!(character, '.' | ' '))
            || (index == 0 && is_reserved(segment));
        if hostile {
            escape(character, &mut name);
        } else {
            name.push(character);
        }
    }
    name
}

fn escape(character: char, name: &mut String) {
    let mut buffer = [0; 4];
    for byte in character.encode_utf8(&mut buffer).bytes() {
        // Writing to a String cannot fail.
        let _ = write!(name, "={byte:02X}");
    }
}

fn is_reserved(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().trim_end();
    let stem = stem.to_ascii_lowercase();
    let letters = stem.trim_end_matches(|last: char| last.is_ascii_digit());
    stem.len() - letters.len() <= 1 && RESERVED.contains(&letters)
}

/// A name that is too long, cut, with a digest of the whole; its extension stays, because viewers go by it.
fn shortened(name: String, segment: &str) -> String {
    if name.len() <= MAX_NAME_BYTES {
        return name;
    }
    let digest = sha256_hex([segment.as_bytes()]);
    let digest: String = digest.chars().take(32).collect();
    let extension = name
        .rsplit_once('.')
        .map(|(_, extension)| extension)
        .filter(|extension| {
            extension.len() <= 8 && extension.bytes().all(|b| b.is_ascii_alphanumeric())
        })
        .map(|extension| format!(".{extension}"))
        .unwrap_or_default();
    let start: String = name
        .char_indices()
        .take_while(|(index, _)| *index < MAX_NAME_BYTES / 2)
        .map(|(_, character)| character)
        .collect();
    // `h` is no hexadecimal digit, so this is never mistaken for an escape.
    format!("{start}=h{digest}{extension}")
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use proptest::prelude::*;

    use super::*;

    fn text(bucket: &str, key: &str) -> String {
        path_of(bucket, key).display().to_string()
    }

    #[test]
    fn an_ordinary_key_is_its_own_path() {
        for key in [
            "cat.jpg",
            "2024/05/cat photo+1.jpg",
            "ảnh/日本 é.jpg",
            "100%.png",
            "a#b&c;d.txt",
            "conference.jpg",
        ] {
            assert_eq!(text("bucket", key), format!("bucket/{key}"));
        }
    }

    #[test]
    fn a_hostile_key_is_escaped() {
        for (key, path) in [
            ("", "b/=-="),
            (".", "b/=2E="),
            ("../../etc/passwd", "b/=2E=2E/=2E=2E/etc/passwd="),
            ("/etc/x.y", "b/=-/etc/x.y"),
            ("a//b.c", "b/a/=-/b.c"),
            ("folder/", "b/folder/=-="),
            ("a\\b.c", "b/a=5Cb.c"),
            ("nul\0.c", "b/nul=00.c"),
            ("C:/x.y", "b/C=3A/x.y"),
            ("con.jpg", "b/=63on.jpg"),
            ("COM1", "b/=43OM1="),
            ("=41.c", "b/=3D41.c"),
            (".meta/x.json", "b/=2Emeta/x.json"),
        ] {
            assert_eq!(text("b", key), path, "{key:?}");
        }
    }

    #[test]
    fn a_key_beside_a_key_below_it_needs_another_name() {
        assert_eq!(text("b", "a"), "b/a=");
        assert_eq!(text("b", "a/b"), "b/a/b=");
        assert_eq!(text("b", "a.jpg"), "b/a.jpg");
        assert_eq!(text("b", "a.jpg/1.webp"), "b/a.jpg=/1.webp");
        assert_eq!(text("my.bucket", "a.jpg"), "my.bucket=/a.jpg");
        assert_eq!(text("/etc", "a.jpg"), "=2Fetc/a.jpg");
    }

    #[test]
    fn a_name_that_is_too_long_is_cut_and_keeps_its_extension() {
        for count in [110, 130, 200, 400] {
            let path = path_of("b", &format!("{}.jpg", "é".repeat(count)));
            let name = path.file_name().and_then(OsStr::to_str).unwrap();
            // With `.json` behind it, at most 255.
            assert!(name.len() <= 250, "{name}");
            assert_eq!(path.extension(), Some(OsStr::new("jpg")));
        }
        let deep = path_of("b", &"folder/".repeat(146));
        assert!(deep.starts_with("b/=long"));
    }

    #[test]
    fn a_plain_path_never_leaves_its_folder() {
        assert_eq!(plain("a/b c.jpg"), Some(PathBuf::from("a/b c.jpg")));
        for name in ["", "..", "a/../b", "/a", "a//b", "a/", ".", "a\0", "a\\b"] {
            assert_eq!(plain(name), None, "{name:?}");
        }
    }

    /// Keys that are likely to come near each other.
    fn keys() -> impl Strategy<Value = String> {
        prop_oneof![
            "[aA=./]{0,6}",
            "[a.=/ ]{1,3}(jpg|=h|=2E|=-|con)?",
            any::<String>(),
            "[a-z./]{500,800}",
            "(a.){150,160}",
        ]
    }

    proptest! {
        #[test]
        fn a_path_is_always_below_its_folder(bucket in any::<String>(), key in keys()) {
            let path = path_of(&bucket, &key);
            prop_assert!(path.components().count() >= 2);
            for component in path.components() {
                let Component::Normal(name) = component else {
                    return Err(TestCaseError::fail(format!("{component:?} in {path:?}")));
                };
                prop_assert!(name.len() < 255);
            }
        }

        #[test]
        fn two_keys_never_share_a_path_nor_stand_in_each_others_way(one in keys(), other in keys()) {
            prop_assume!(one != other);
            let (one, other) = (path_of("b", &one), path_of("b", &other));
            prop_assert!(!one.starts_with(&other), "{one:?} {other:?}");
            prop_assert!(!other.starts_with(&one), "{one:?} {other:?}");
        }

        #[test]
        fn a_key_lies_in_the_folder_of_each_of_its_prefixes(key in keys(), cut in 0..10_usize) {
            let prefix: String = key.chars().take(cut).collect();
            let folder = bucket_folder("b").join(prefix_folder(&prefix));
            let path = path_of("b", &key);
            prop_assert!(path.starts_with(folder) || path.starts_with("b/=long"));
        }
    }
}
