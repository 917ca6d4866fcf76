//! Who a notice is about, without saying who it is.

use std::fmt;

use fleet::digest::hex;
use sha2::{Digest as _, Sha256};

/// RFC 5321, 4.5.3.1: 64 bytes before the at sign, 255 behind it.
const MAX_BYTES: usize = 320;

/// A person's address as its digest: SHA-256 of the address in lower case, 64 hexadecimal digits. The key of the addresses
/// table, and the id by which the fleet itself writes subscribers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recipient(String);

impl Recipient {
    /// The recipient that a notice names, as `local@domain` or `Name <local@domain>`. `None` if that is no address. It is
    /// taken more generously than by whoever sends: here a strange address can only end in less mail.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let address = match text.strip_suffix('>') {
            Some(rest) => rest.rsplit_once('<')?.1.trim(),
            None => text,
        };
        let (local, domain) = address.rsplit_once('@')?;
        let strange = |letter: char| letter.is_control() || letter.is_whitespace();
        let whole = !local.is_empty() && !domain.is_empty() && address.len() <= MAX_BYTES;
        (whole && !address.contains(strange))
            .then(|| Self(hex(&Sha256::digest(address.to_lowercase()))))
    }

    /// The digest.
    pub fn digest(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Recipient {
    /// 12 of the 64 digits, which tell people apart in a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "address {}", self.0.get(..12).unwrap_or(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling_of_an_address_is_one_recipient() {
        // printf %s ann@example.com | sha256sum; the welcome mail's claims are made of the same digest.
        let digest = "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476";
        for text in [
            "ann@example.com",
            " Ann@Example.COM ",
            "<ann@example.com>",
            "Ann Lee <ANN@example.com>",
            "\"Ann <Lee>\" <ann@example.com>",
        ] {
            assert_eq!(Recipient::of(text).unwrap().digest(), digest, "{text}");
        }
        assert_eq!(
            Recipient::of("ann@example.com").unwrap().to_string(),
            "address 71d4f55f72fa"
        );
    }

    #[test]
    fn what_is_no_address_is_nobody() {
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann lee@example.com",
            "ann@example.com>",
            "ann@example.com\0",
        ] {
            assert_eq!(Recipient::of(text), None, "{text:?}");
        }
        let long = format!("{}@example.com", "a".repeat(MAX_BYTES));
        assert_eq!(Recipient::of(&long), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}|[a@<> ]{0,12}") {
            let _ = Recipient::of(&text);
        }
    }
}
