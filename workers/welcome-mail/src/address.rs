//! Mail addresses that SES can send to and that are safe in a header.

use std::fmt;
use std::str::FromStr;

use email_address::{EmailAddress, Options};
use fleet::digest::hex;
use sha2::{Digest as _, Sha256};

use crate::text::one_line;

/// RFC 5321, 4.5.3.1.3: a path has at most 256 bytes, its two brackets included.
const MAX_BYTES: usize = 254;

/// The longest display name of a sender, in characters.
const MAX_DISPLAY_NAME_CHARS: usize = 100;

/// A plain ASCII address, `local@domain.tld`. Its `Debug` does not show it, because debug output ends in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

/// Why a text is no address to send to. Never repeats it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing there.
    #[error("the address is empty")]
    Empty,
    /// Longer than a mail server takes.
    #[error("the address has {0} bytes, more than {MAX_BYTES}")]
    TooLong(usize),
    /// A line break would start another header.
    #[error("the address contains a control character")]
    ControlCharacter,
    /// SES does not support SMTPUTF8.
    #[error("the part before the @ is not ASCII, which SES cannot send to")]
    LocalPartNotAscii,
    /// SES wants Punycode.
    #[error("the domain is not ASCII: it must be stored as Punycode (xn--)")]
    DomainNotAscii,
    /// Allowed by RFC 5321 and met in attacks only.
    #[error("the part before the @ is quoted or has a comment, which is not supported")]
    Quoted,
    /// Everything else that RFC 5322 forbids.
    #[error("the address is malformed: {0}")]
    Malformed(String),
}

impl Address {
    /// The address, for the mail itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// SHA-256 of the address in lower case, 64 hexadecimal digits: names the person without saying who it is.
    ///
    /// RFC 5321 lets a server tell `Ann@` from `ann@`. None of note does, and two mails to one person are the likelier
    /// harm.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(self.0.to_lowercase()))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Reads an address; spaces around it are ignored.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        // Before the trimming: a line break at the end is an attack or a broken form, not a space.
        if text.chars().any(char::is_control) {
            return Err(AddressError::ControlCharacter);
        }
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text.len() > MAX_BYTES {
            return Err(AddressError::TooLong(text.len()));
        }
        if let Some((local, domain)) = text.rsplit_once('@') {
            if !local.is_ascii() {
                return Err(AddressError::LocalPartNotAscii);
            }
            if !domain.is_ascii() {
                return Err(AddressError::DomainNotAscii);
            }
            if local.contains(['"', '(', ')', '\\']) {
                return Err(AddressError::Quoted);
            }
        }
        let options = Options::default()
            .with_required_tld()
            .without_display_text()
            .without_domain_literal();
        match EmailAddress::parse_with_options(text, options) {
            Ok(_) if text.is_ascii() => Ok(Self(text.to_owned())),
            Ok(_) => Err(AddressError::DomainNotAscii),
            Err(error) => Err(AddressError::Malformed(error.to_string())),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Address(..)")
    }
}

/// An address with a display name: `MyBlog <hello@example.com>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// What mail programs show.
    pub name: Option<String>,
    /// Where it goes to or comes from.
    pub address: Address,
}

impl FromStr for Mailbox {
    type Err = AddressError;

    /// Reads `Name <local@domain>`, `"Name" <local@domain>` or `local@domain`.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.chars().any(char::is_control) {
            return Err(AddressError::ControlCharacter);
        }
        let text = text.trim();
        let Some(rest) = text.strip_suffix('>') else {
            let address = text.parse()?;
            return Ok(Self {
                name: None,
                address,
            });
        };
        let (name, address) = rest
            .rsplit_once('<')
            .ok_or_else(|| AddressError::Malformed("the < is missing".to_owned()))?;
        let name = one_line(name.trim().trim_matches('"'));
        if name.chars().count() > MAX_DISPLAY_NAME_CHARS {
            let message = format!("its name has more than {MAX_DISPLAY_NAME_CHARS} characters");
            return Err(AddressError::Malformed(message));
        }
        Ok(Self {
            name: (!name.is_empty()).then_some(name),
            address: address.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(text: &str) -> AddressError {
        text.parse::<Address>().unwrap_err()
    }

    #[test]
    fn ordinary_addresses_are_taken_as_they_are() {
        for text in [
            "ann@example.com",
            "Ann.Lee+blog@mail.example.co.uk",
            "o'brien@example.com",
            "a@xn--bcher-kva.example",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().as_str(), text);
        }
        assert_eq!(
            " ann@example.com ".parse::<Address>().unwrap().as_str(),
            "ann@example.com"
        );
    }

    #[test]
    fn what_could_start_another_header_is_refused() {
        for text in [
            "a@example.com\r\nBcc: b@example.com",
            "a@example.com\n",
            "a\0@example.com",
        ] {
            assert_eq!(error(text), AddressError::ControlCharacter, "{text:?}");
        }
    }

    #[test]
    fn what_ses_cannot_send_to_is_refused_and_says_why() {
        assert_eq!(error("  "), AddressError::Empty);
        assert_eq!(error("ánh@example.com"), AddressError::LocalPartNotAscii);
        assert_eq!(error("a@bücher.example"), AddressError::DomainNotAscii);
        assert_eq!(error("\"a b\"@example.com"), AddressError::Quoted);
        assert_eq!(
            error(&format!("a@{}.com", "b".repeat(249))),
            AddressError::TooLong(255)
        );
        for text in [
            "ann",
            "@example.com",
            "ann@",
            "ann@localhost",
            "a b@example.com",
            "Ann <a@example.com>",
            "a@[127.0.0.1]",
            "a@b..c",
            "a,b@example.com",
        ] {
            assert!(
                matches!(error(text), AddressError::Malformed(_)),
                "{text}: {:?}",
                error(text)
            );
        }
    }

    #[test]
    fn the_case_of_an_address_does_not_make_another_person() {
        let digest = |text: &str| text.parse::<Address>().unwrap().digest();
        // printf %s ann@example.com | sha256sum
        assert_eq!(
            digest("ann@example.com"),
            "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476"
        );
        assert_eq!(digest("Ann@Example.COM "), digest("ann@example.com"));
        assert_ne!(digest("anne@example.com"), digest("ann@example.com"));
    }

    #[test]
    fn debug_output_shows_no_address() {
        let mailbox: Mailbox = "MyBlog <hello@example.com>".parse().unwrap();
        assert_eq!(
            format!("{mailbox:?}"),
            r#"Mailbox { name: Some("MyBlog"), address: Address(..) }"#
        );
    }

    #[test]
    fn a_mailbox_may_have_a_name() {
        let name = |text: &str| text.parse::<Mailbox>().map(|mailbox| mailbox.name);
        assert_eq!(name("a@example.com"), Ok(None));
        assert_eq!(name("<a@example.com>"), Ok(None));
        assert_eq!(
            name("\"Blog, the\" <a@example.com>"),
            Ok(Some("Blog, the".to_owned()))
        );
        assert_eq!(
            name("Nhật ký <a@example.com>"),
            Ok(Some("Nhật ký".to_owned()))
        );
        assert!(name("a@example.com>").is_err());
        assert_eq!(
            name("A\r\nB <a@example.com>"),
            Err(AddressError::ControlCharacter)
        );
        assert!(name(&format!("{} <a@example.com>", "x".repeat(101))).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_printable_ascii_and_short(
            // Mostly near enough to an address to be taken.
            text in "[a-z.+ ]{1,6}@[a-z-]{1,6}\\.[a-z]{2,3} ?|[a-zé.+\"()\r\n ]{1,6}@[a-zé.]{1,6}|.{0,20}@.{0,20}"
        ) {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert!(address.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
                prop_assert!(address.as_str().len() <= MAX_BYTES);
            }
            let _ = text.parse::<Mailbox>();
        }
    }
}
