//! Where things are written: a pure function of source bucket, source key, source version, recipe and size.

use fleet::digest::sha256_hex;
use fleet::notice::ObjectChange;

/// Longest source key, once encoded, that is written out in the keys made from it. S3's own limit is 1024 bytes for the
/// whole; a longer one is replaced by its digest.
const MAX_WRITTEN_KEY: usize = 700;

/// Longest source version that is written out; S3's version ids have 32 characters.
const MAX_WRITTEN_VERSION: usize = 100;

/// The keys that belong to one state of one photo.
///
/// Source keys keep their readable parts: letters, digits, `.`, `_`, `-` and `/` stand for themselves, every other byte is
/// written `~XX`, so that each key made is also its own URL path and file path. A `~` that is followed by no hexadecimal
/// digit cannot come from a source key, and marks what is ours: `~v` begins the folder of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoKeys {
    photo: String,
    version: String,
    recipe: String,
}

impl PhotoKeys {
    /// The keys for the state of the object that `change` is about.
    pub fn new(change: &ObjectChange, recipe: &str) -> Self {
        Self {
            photo: format!("{}/{}", written(&change.bucket), written_key(&change.key)),
            version: source_version(change),
            recipe: recipe.to_owned(),
        }
    }

    /// The source version as it stands in keys, manifests and metadata.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The manifest: the same for every version of a photo.
    pub fn manifest(&self) -> String {
        format!("manifests/{}.json", self.photo)
    }

    /// The ledger: the same for every version of a photo.
    pub fn ledger(&self) -> String {
        format!("ledger/{}.json", self.photo)
    }

    /// What every thumbnail of this version by this recipe begins with, and no other object does.
    pub fn folder(&self) -> String {
        let version = if self.version.len() > MAX_WRITTEN_VERSION {
            sha256_hex([self.version.as_bytes()])
        } else {
            self.version.bytes().map(written_byte).collect()
        };
        format!("thumbnails/{}/~v{version}/{}/", self.photo, self.recipe)
    }

    /// One thumbnail. `size` is a size as the plan writes it, `extension` has no dot.
    pub fn thumbnail(&self, size: &str, extension: &str) -> String {
        format!("{}{size}.{extension}", self.folder())
    }
}

/// Whether `key`, in the thumbnails bucket, was written by this worker: the guard against working on our own output.
pub(crate) fn is_our_own(key: &str) -> bool {
    ["thumbnails/", "manifests/", "ledger/", "rejected/"]
        .iter()
        .any(|prefix| key.starts_with(prefix))
}

/// Names one write of the object.
///
/// A version id does in a versioned bucket. Elsewhere the entity tag alone does not: the same bytes put, deleted and put
/// again have the same tag, and the removal of the first would take the thumbnails of the second. The sequencer tells the
/// two apart.
fn source_version(change: &ObjectChange) -> String {
    if let Some(version) = &change.version {
        return version.clone();
    }
    let parts = [
        change.etag.as_deref().unwrap_or_default(),
        change.sequencer.as_str(),
    ];
    let written: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if written.is_empty() {
        "unversioned".to_owned()
    } else {
        written.join("-")
    }
}

fn written_key(key: &str) -> String {
    let encoded = key.split('/').map(written).collect::<Vec<_>>().join("/");
    if encoded.len() > MAX_WRITTEN_KEY {
        format!("~h/{}", sha256_hex([key.as_bytes()]))
    } else {
        encoded
    }
}

/// One segment of a key. Empty ones and those that a file system reads as a direction are written differently.
fn written(segment: &str) -> String {
    match segment {
        "" => "~".to_owned(),
        "." | ".." => segment.replace('.', "~2E"),
        _ => segment.bytes().map(written_byte).collect(),
    }
}

fn written_byte(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-') {
        char::from(byte).to_string()
    } else {
        format!("~{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use fleet::notice::Change;
    use fleet::sequencer::Sequencer;
    use proptest::prelude::*;

    use super::*;

    fn change(key: &str, version: Option<&str>) -> ObjectChange {
        ObjectChange {
            event_name: "ObjectCreated:Put".to_owned(),
            change: Change::Created,
            bucket: "uploads".to_owned(),
            key: key.to_owned(),
            version: version.map(str::to_owned),
            etag: Some("e1".to_owned()),
            size_bytes: None,
            sequencer: Sequencer::new("0A"),
            time: None,
        }
    }

    fn keys(key: &str, version: Option<&str>) -> PhotoKeys {
        PhotoKeys::new(&change(key, version), "recipe")
    }

    #[test]
    fn an_ordinary_key_stays_readable() {
        let keys = keys("2026/summer/cat.jpg", Some("3HL4"));
        assert_eq!(
            keys.thumbnail("256", "webp"),
            "thumbnails/uploads/2026/summer/cat.jpg/~v3HL4/recipe/256.webp"
        );
        assert_eq!(
            keys.manifest(),
            "manifests/uploads/2026/summer/cat.jpg.json"
        );
        assert_eq!(keys.ledger(), "ledger/uploads/2026/summer/cat.jpg.json");
    }

    #[test]
    fn photos_that_differ_in_their_extension_do_not_collide() {
        assert_ne!(
            keys("a.jpg", None).thumbnail("256", "webp"),
            keys("a.png", None).thumbnail("256", "webp")
        );
    }

    #[test]
    fn odd_keys_become_paths_that_mean_the_same_everywhere() {
        let folder = |key| keys(key, Some("1")).folder();
        assert_eq!(
            folder("a b+c%é"),
            "thumbnails/uploads/a~20b~2Bc~25~C3~A9/~v1/recipe/"
        );
        assert_eq!(
            folder("../x//y/."),
            "thumbnails/uploads/~2E~2E/x/~/y/~2E/~v1/recipe/"
        );
        assert_eq!(
            folder("a/~v1/x"),
            "thumbnails/uploads/a/~7Ev1/x/~v1/recipe/"
        );
    }

    #[test]
    fn without_versions_the_sequencer_tells_two_writes_of_the_same_bytes_apart() {
        assert_eq!(keys("a", None).version(), "e1-0A");
        let mut bare = change("a", None);
        bare.etag = None;
        bare.sequencer = Sequencer::default();
        assert_eq!(PhotoKeys::new(&bare, "r").version(), "unversioned");
    }

    #[test]
    fn no_folder_lies_within_the_folder_of_another_photo() {
        // A version id that looks like an escape: the folder of `a` must not hold the thumbnails of `a/ x`.
        let outer = keys("a", Some("20x")).folder();
        let inner = keys("a/ x", Some("1")).folder();
        assert!(!inner.starts_with(&outer), "{inner} in {outer}");
    }

    proptest! {
        #[test]
        fn two_source_keys_never_share_a_folder(a in "\\PC{1,12}|[a/.~%v0-9]{1,8}", b in "\\PC{1,12}|[a/.~%v0-9]{1,8}") {
            prop_assume!(a != b);
            let (a, b) = (keys(&a, Some("1")), keys(&b, Some("1")));
            prop_assert!(!a.folder().starts_with(&b.folder()));
            prop_assert_ne!(a.manifest(), b.manifest());
            prop_assert_ne!(a.ledger(), b.ledger());
        }

        #[test]
        fn every_key_fits_into_s3(key in "\\PC{1,400}", version in "\\PC{0,200}") {
            let keys = keys(&key, Some(&version));
            prop_assert!(keys.thumbnail("16384x16384", "webp").len() <= 1024);
            prop_assert!(keys.folder().is_ascii());
        }
    }
}
