//! One subscriber's welcome mail, complete.

use std::fmt;

use bytes::Bytes;

use crate::address::Mailbox;
use crate::config::Config;
use crate::mime::{self, HeaderError, Message};
use crate::subscriber::Subscriber;
use crate::template::{Fields, render};
use crate::unsubscribe::HttpsUrl;

/// A mail, ready to be sent. Its `Debug` shows no address.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The sender, as an RFC 5322 mailbox in ASCII.
    pub from: String,
    /// The recipient's address alone.
    pub to: String,
    /// The subject, in Unicode.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// The whole RFC 5322 message, as it is sent and as an `.eml` file has it.
    pub mime: Bytes,
    /// SES's configuration set.
    pub configuration_set: Option<String>,
    /// SES's message tags; names and values are of `A-Z a-z 0-9 _ -` only. The events of a mail carry them, so that an
    /// unknown send can be settled by its `idempotency-key`.
    pub tags: Vec<(String, String)>,
    /// The language it is written in.
    pub locale: String,
}

impl fmt::Debug for Mail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Mail")
            .field("tags", &self.tags)
            .field("locale", &self.locale)
            .field("mime_bytes", &self.mime.len())
            .finish_non_exhaustive()
    }
}

/// Why no mail could be made.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The templates are broken: no subscriber is to blame.
    #[error("the templates of the locale {locale} failed: {source}")]
    Template {
        /// The locale.
        locale: &'static str,
        /// What the template engine says.
        source: minijinja::Error,
    },
    /// A header would not be one.
    #[error(transparent)]
    Header(#[from] HeaderError),
}

/// Writes the welcome mail to `subscriber`. Pure: the same subscriber and configuration make the same mail.
pub(crate) fn compose(config: &Config, subscriber: &Subscriber) -> Result<Mail, ComposeError> {
    let digest = subscriber.address.digest();
    let locale = subscriber.locale;
    let unsubscribe_url = config
        .unsubscribe_url
        .unsubscribing(&digest, &config.unsubscribe_key);
    let fields = Fields {
        name: subscriber.name.as_deref(),
        blog_name: &config.blog_name,
        blog_url: config.blog_url.as_ref().map(HttpsUrl::as_str),
        unsubscribe_url: &unsubscribe_url,
    };
    let words = render(locale, &fields).map_err(|source| ComposeError::Template {
        locale: locale.tag,
        source,
    })?;
    let to = Mailbox {
        name: subscriber.name.clone(),
        address: subscriber.address.clone(),
    };
    let mime = mime::message(&Message {
        from: &config.from,
        to: &to,
        words: &words,
        locale: locale.tag,
        digest: &digest,
        unsubscribe_url: &unsubscribe_url,
    })?;
    Ok(Mail {
        from: mime::mailbox(&config.from),
        to: to.address.as_str().to_owned(),
        subject: words.subject,
        text: words.text,
        html: words.html,
        mime,
        configuration_set: config.configuration_set.clone(),
        tags: vec![
            ("flow".to_owned(), "welcome".to_owned()),
            ("idempotency-key".to_owned(), subscriber.claim_key()),
        ],
        locale: locale.tag.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Locale;

    fn config() -> Config {
        Config::from_env(&[
            ("WELCOME_FROM", "MyBlog <hello@example.com>"),
            ("UNSUBSCRIBE_URL", "https://blog.example.com/unsubscribe"),
            ("UNSUBSCRIBE_KEY", "0123456789abcdef"),
            ("BLOG_URL", "https://blog.example.com/"),
            ("CONFIGURATION_SET", "welcome"),
        ])
        .unwrap()
    }

    fn mail(name: Option<&str>, locale: &str) -> Mail {
        let subscriber = Subscriber {
            address: "Anh.Nguyen@example.com".parse().unwrap(),
            name: name.map(str::to_owned),
            locale: Locale::of(Some(locale)),
        };
        compose(&config(), &subscriber).unwrap()
    }

    #[test]
    fn the_mail_in_english() {
        let mail = mail(Some("Ann"), "en");
        insta::assert_snapshot!(
            String::from_utf8(mail.mime.to_vec())
                .unwrap()
                .replace('\r', "")
        );
    }

    #[test]
    fn the_mail_in_vietnamese() {
        let mail = mail(Some("Ánh"), "vi-VN");
        insta::assert_snapshot!(mail.subject, @"Ánh ơi, chào mừng bạn đến với MyBlog");
        insta::assert_snapshot!("the_text_in_vietnamese", mail.text);
        assert!(mail.html.contains("Chào mừng Ánh!"), "{}", mail.html);
    }

    #[test]
    fn the_tags_are_what_ses_takes() {
        let mail = mail(None, "en");
        assert_eq!(mail.configuration_set.as_deref(), Some("welcome"));
        for (name, value) in &mail.tags {
            for text in [name, value] {
                let allowed =
                    |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
                assert!(text.bytes().all(allowed) && text.len() <= 256, "{text}");
            }
        }
    }

    #[test]
    fn debug_output_shows_no_address() {
        let debug = format!("{:?}", mail(Some("Ann"), "en"));
        assert!(!debug.contains('@') && !debug.contains("Ann"), "{debug}");
    }
}
