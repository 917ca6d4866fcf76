//! One-click unsubscribing by RFC 8058: a link that works without a login and cannot be guessed.

use std::fmt;
use std::str::FromStr;

use fleet::digest::hex;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// RFC 2104 has keys of at least the hash's length; 16 bytes is where guessing stops being thinkable.
const MIN_KEY_BYTES: usize = 16;

/// Leaves room for the digest and the token in a header of 995 bytes.
const MAX_URL_BYTES: usize = 500;

/// What signs the tokens. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct UnsubscribeKey(String);

/// A key is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has fewer than {MIN_KEY_BYTES} bytes")]
pub struct KeyTooShort;

impl FromStr for UnsubscribeKey {
    type Err = KeyTooShort;

    fn from_str(text: &str) -> Result<Self, KeyTooShort> {
        if text.len() < MIN_KEY_BYTES {
            return Err(KeyTooShort);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for UnsubscribeKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("UnsubscribeKey(..)")
    }
}

impl UnsubscribeKey {
    /// The token for a subscriber's digest: HMAC-SHA256 over `unsubscribe:` and the digest, 64 hexadecimal digits.
    ///
    /// The prefix keeps the token from meaning anything else that the same key may come to sign.
    fn token(&self, digest: &str) -> String {
        // HMAC takes a key of any length, so the error cannot happen.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()) else {
            return String::new();
        };
        mac.update(b"unsubscribe:");
        mac.update(digest.as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

/// An absolute `https` URL of printable ASCII without a fragment, fit for a header and an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsUrl(String);

/// Why a text is no such URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// RFC 8058, 3.1: one of the URLs must be https.
    #[error("it does not start with https:// and a host")]
    NotHttps,
    /// Not a URL character, or one that would end a header's or an attribute's value.
    #[error("it has a character that a URL must percent-encode")]
    Character,
    /// The query that is added would be part of the fragment.
    #[error("it has a fragment (#)")]
    Fragment,
    /// Too long for a header.
    #[error("it has more than {MAX_URL_BYTES} bytes")]
    TooLong,
}

impl FromStr for HttpsUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let rest = text.strip_prefix("https://").ok_or(UrlError::NotHttps)?;
        if !rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[') {
            return Err(UrlError::NotHttps);
        }
        if text.len() > MAX_URL_BYTES {
            return Err(UrlError::TooLong);
        }
        if text.contains('#') {
            return Err(UrlError::Fragment);
        }
        let allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>\\^`{|},".contains(&byte);
        if !text.bytes().all(allowed) {
            return Err(UrlError::Character);
        }
        Ok(Self(text.to_owned()))
    }
}

impl HttpsUrl {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The link by which the subscriber of that digest leaves.
    pub(crate) fn unsubscribing(&self, digest: &str, key: &UnsubscribeKey) -> String {
        let url = &self.0;
        let separator = if url.contains('?') { '&' } else { '?' };
        format!("{url}{separator}s={digest}&t={}", key.token(digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> UnsubscribeKey {
        text.parse().unwrap()
    }

    #[test]
    fn a_token_is_the_hmac_of_the_digest() {
        // printf %s unsubscribe:abc | openssl dgst -sha256 -hmac 0123456789abcdef
        assert_eq!(
            key("0123456789abcdef").token("abc"),
            "b3e830a1bc76e2c5494cbce613dce2d68328d8ed8ca4ae0decf9673d1d27f549"
        );
        assert_ne!(
            key("0123456789abcdeg").token("abc"),
            key("0123456789abcdef").token("abc")
        );
        assert_ne!(
            key("0123456789abcdef").token("abd"),
            key("0123456789abcdef").token("abc")
        );
    }

    #[test]
    fn a_key_that_can_be_guessed_is_refused_and_none_is_shown() {
        assert_eq!(
            "0123456789abcde".parse::<UnsubscribeKey>(),
            Err(KeyTooShort)
        );
        assert_eq!(
            format!("{:?}", key("0123456789abcdef")),
            "UnsubscribeKey(..)"
        );
    }

    #[test]
    fn the_link_keeps_the_query_of_its_url() {
        let link = |url: &str| {
            url.parse::<HttpsUrl>()
                .unwrap()
                .unsubscribing("abc", &key("0123456789abcdef"))
        };
        assert!(
            link("https://example.com/leave").starts_with("https://example.com/leave?s=abc&t=")
        );
        assert!(
            link("https://example.com/leave?list=1")
                .starts_with("https://example.com/leave?list=1&s=abc&t=")
        );
    }

    #[test]
    fn a_url_is_https_and_has_nothing_that_ends_a_header() {
        let error = |url: &str| url.parse::<HttpsUrl>().unwrap_err();
        for url in [
            "http://example.com",
            "https://",
            "https:///x",
            "example.com",
            "mailto:a@example.com",
        ] {
            assert_eq!(error(url), UrlError::NotHttps, "{url}");
        }
        for url in [
            "https://example.com/>",
            "https://example.com/\r\nX: y",
            "https://example.com/ü",
            "https://example.com/a b",
            "https://a/,<b>",
        ] {
            assert_eq!(error(url), UrlError::Character, "{url}");
        }
        assert_eq!(error("https://example.com/#x"), UrlError::Fragment);
        assert_eq!(
            error(&format!("https://example.com/{}", "x".repeat(500))),
            UrlError::TooLong
        );
    }
}
