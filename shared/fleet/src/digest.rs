//! Stable names for things: hexadecimal SHA-256.

use sha2::{Digest, Sha256};

/// SHA-256 over `parts`, each preceded by its length so that `["ab", "c"]` and `["a", "bc"]` differ; 64 lower-case
/// hexadecimal digits.
pub fn sha256_hex<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part);
    }
    hex(&hasher.finalize())
}

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_border_between_parts_counts() {
        let one = sha256_hex([b"ab".as_slice(), b"c"]);
        let other = sha256_hex([b"a".as_slice(), b"bc"]);
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
    }
}
