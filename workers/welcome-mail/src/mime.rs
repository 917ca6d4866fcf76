//! A mail as bytes: RFC 5322 headers and a `multipart/alternative` body.

use bytes::Bytes;
use mail_builder::headers::address::Address as AddressHeader;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;
use mail_builder::headers::{Header, HeaderType};
use mail_builder::mime::MimePart;

use crate::address::Mailbox;
use crate::template::Words;

/// The longest header value that passes every mail server: RFC 5322, 2.1.1 allows 998 characters on a line.
const MAX_HEADER_BYTES: usize = 995;

/// What goes into a message.
pub(crate) struct Message<'a> {
    pub(crate) from: &'a Mailbox,
    pub(crate) to: &'a Mailbox,
    pub(crate) words: &'a Words,
    pub(crate) locale: &'a str,
    /// Unique to the recipient; the boundary between the parts is made of it.
    pub(crate) digest: &'a str,
    pub(crate) unsubscribe_url: &'a str,
}

/// A header that could be taken for another one, or that servers refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the header {0} is not printable ASCII of at most {MAX_HEADER_BYTES} bytes")]
pub struct HeaderError(&'static str);

/// Writes the message. Pure: the same message is the same bytes.
///
/// It has neither `Date` nor `Message-ID`: SES overwrites both with its own, and any value made here would make two
/// renderings of one mail differ.
pub(crate) fn message(message: &Message<'_>) -> Result<Bytes, HeaderError> {
    let Message {
        from,
        to,
        words,
        locale,
        digest,
        unsubscribe_url,
    } = message;
    let headers: [(&'static str, HeaderType<'_>); 8] = [
        ("From", address(from)),
        ("To", address(to)),
        ("Subject", Text::new(words.subject.as_str()).into()),
        (
            "List-Unsubscribe",
            Raw::new(format!("<{unsubscribe_url}>")).into(),
        ),
        (
            "List-Unsubscribe-Post",
            Raw::new("List-Unsubscribe=One-Click").into(),
        ),
        // RFC 3834: keeps out-of-office replies away.
        ("Auto-Submitted", Raw::new("auto-generated").into()),
        ("Content-Language", Raw::new(*locale).into()),
        ("MIME-Version", Raw::new("1.0").into()),
    ];
    let mut bytes = Vec::with_capacity(2 * (words.text.len() + words.html.len()));
    for (name, header) in &headers {
        let start = bytes.len();
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        header.write_header(&mut bytes, name.len() + 2);
        check(name, bytes.get(start..).unwrap_or_default())?;
    }
    // An equals sign followed by an underscore is in no quoted-printable or base64 text, so the boundary is in no part.
    let boundary = format!("=_{}", digest.get(..32).unwrap_or(digest));
    MimePart::new(
        ContentType::new("multipart/alternative").attribute("boundary", boundary),
        vec![
            MimePart::new("text/plain", words.text.as_str()),
            MimePart::new("text/html", words.html.as_str()),
        ],
    )
    .write_part(&mut bytes);
    Ok(bytes.into())
}

/// The mailbox as it stands in a header, on one line.
pub(crate) fn mailbox(mailbox: &Mailbox) -> String {
    let mut bytes = Vec::new();
    address(mailbox).write_header(&mut bytes, 0);
    unfolded(&String::from_utf8_lossy(&bytes))
}

fn address(mailbox: &Mailbox) -> HeaderType<'_> {
    AddressHeader::new_address(mailbox.name.as_deref(), mailbox.address.as_str()).into()
}

/// RFC 5322, 2.2.3: a line break before a space only wraps.
fn unfolded(header: &str) -> String {
    header.trim_end().replace("\r\n ", " ")
}

fn check(name: &'static str, header: &[u8]) -> Result<(), HeaderError> {
    let text = std::str::from_utf8(header).map_err(|_| HeaderError(name))?;
    let line = unfolded(text);
    let printable = line.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if printable && line.len() <= MAX_HEADER_BYTES {
        Ok(())
    } else {
        Err(HeaderError(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox_of(text: &str) -> Mailbox {
        text.parse().unwrap()
    }

    fn built(to: &Mailbox, subject: &str, url: &str) -> Result<String, HeaderError> {
        let words = Words {
            subject: subject.to_owned(),
            text: "Xin chào\n".to_owned(),
            html: "<p>Xin chào</p>".to_owned(),
        };
        let bytes = message(&Message {
            from: &mailbox_of("MyBlog <hello@example.com>"),
            to,
            words: &words,
            locale: "vi",
            digest: "0123456789abcdef0123456789abcdef0123456789abcdef",
            unsubscribe_url: url,
        })?;
        Ok(String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn a_message_has_these_headers_and_two_parts() {
        let message = built(
            &mailbox_of("Ánh <anh@example.com>"),
            "Chào Ánh",
            "https://example.com/u?s=1&t=2",
        )
        .unwrap();
        insta::assert_snapshot!(message.replace('\r', ""));
    }

    #[test]
    fn the_same_message_is_the_same_bytes() {
        let message = || built(&mailbox_of("a@example.com"), "s", "https://example.com").unwrap();
        assert_eq!(message(), message());
    }

    #[test]
    fn a_name_cannot_start_another_header() {
        let to = Mailbox {
            name: Some("Ann\r\nBcc: other@example.com".to_owned()),
            ..mailbox_of("ann@example.com")
        };
        let message = built(&to, "s\r\nBcc: other@example.com", "https://example.com").unwrap();
        assert!(
            !message.lines().any(|line| line.starts_with("Bcc")),
            "{message}"
        );
    }

    #[test]
    fn an_endless_header_is_refused() {
        let url = format!("https://example.com/{}", "x".repeat(1_000));
        assert_eq!(
            built(&mailbox_of("a@example.com"), "s", &url),
            Err(HeaderError("List-Unsubscribe"))
        );
        assert_eq!(check("X", b"X: a\r\nY: b\r\n"), Err(HeaderError("X")));
        assert_eq!(check("X", "X: é\r\n".as_bytes()), Err(HeaderError("X")));
        assert_eq!(check("X", b"X: a\r\n b\r\n"), Ok(()));
    }

    #[test]
    fn a_long_link_stays_on_one_line() {
        let url = format!("https://example.com/{}", "x".repeat(400));
        let message = built(&mailbox_of("a@example.com"), "s", &url).unwrap();
        assert!(message.contains(&format!("<{url}>\r\n")), "{message}");
    }

    #[test]
    fn a_mailbox_is_one_line_of_ascii() {
        insta::assert_snapshot!(mailbox(&mailbox_of("Nhật ký <hello@example.com>")), @"=?utf-8?B?Tmjhuq10IGvDvQ==?= <hello@example.com>");
        insta::assert_snapshot!(mailbox(&mailbox_of("hello@example.com")), @"<hello@example.com>");
    }
}
