//! Mails in the report.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde::Serialize;

use crate::stand_ins::{Effect, EffectKind, OutFolder, OutboxMail};

#[derive(Debug, Serialize)]
pub(super) struct MailView {
    #[serde(flatten)]
    mail: OutboxMail,
    headers: String,
    path: String,
}

impl MailView {
    /// The mails among `effects` that still lie in the outbox.
    pub(super) fn all(effects: &BTreeSet<Effect>, out: &OutFolder) -> io::Result<Vec<Self>> {
        let mut views = Vec::new();
        for effect in effects {
            if effect.kind != EffectKind::MailSent {
                continue;
            }
            let eml = Path::new(&effect.path);
            let json = out.read(&eml.with_extension("json"))?.unwrap_or_default();
            let (Some(mime), Ok(mail)) = (out.read(eml)?, serde_json::from_slice(&json)) else {
                continue;
            };
            views.push(Self {
                mail,
                headers: headers(&mime),
                path: effect.path.clone(),
            });
        }
        Ok(views)
    }
}

/// Everything before the first empty line.
fn headers(mime: &[u8]) -> String {
    let text = String::from_utf8_lossy(mime).replace("\r\n", "\n");
    text.split_once("\n\n")
        .map_or(text.as_str(), |(headers, _)| headers)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_end_at_the_first_empty_line() {
        assert_eq!(
            headers(b"A: 1\r\nB: 2\r\n 3\r\n\r\nbody\r\n\r\nmore"),
            "A: 1\nB: 2\n 3"
        );
        assert_eq!(headers(b"no body"), "no body");
    }
}
