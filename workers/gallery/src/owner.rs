//! To whom a photo belongs.

/// The owner of photos that belong to nobody. No folder can be called this, so it is no owner's name.
pub const NOBODY: &str = "/";

/// The owner of the photo under `key`: the first folder of the key below `prefix`.
///
/// A photo that lies in no folder, in a folder without a name or not below the prefix belongs to [`NOBODY`].
pub fn owner<'a>(key: &'a str, prefix: &str) -> &'a str {
    key.strip_prefix(prefix)
        .and_then(|below| below.split_once('/'))
        .map(|(folder, _)| folder)
        .filter(|folder| !folder.is_empty())
        .unwrap_or(NOBODY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_folder_is_the_owner() {
        for (key, prefix, expected) in [
            ("ana/cat.jpg", "", "ana"),
            ("ana/2026/summer/cat.jpg", "", "ana"),
            ("users/ana/cat.jpg", "users/", "ana"),
            ("users/ana/cat.jpg", "", "users"),
            (
                "eu-west-1:11111111-2222-3333-4444-555555555555/cat.jpg",
                "",
                "eu-west-1:11111111-2222-3333-4444-555555555555",
            ),
            ("ảnh của tôi/cat.jpg", "", "ảnh của tôi"),
            ("cat.jpg", "", NOBODY),
            ("/cat.jpg", "", NOBODY),
            ("users/cat.jpg", "users/", NOBODY),
            ("guests/ana/cat.jpg", "users/", NOBODY),
            ("", "", NOBODY),
        ] {
            assert_eq!(owner(key, prefix), expected, "{key:?} below {prefix:?}");
        }
    }
}
