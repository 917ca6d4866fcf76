//! A folder as mailer: `OUT/outbox/MESSAGE-ID.eml`, which mail programs open, and beside it what the report shows.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fleet::digest::sha256_hex;
use serde::{Deserialize, Serialize};
use welcome_mail::{Mail, Mailer, Reason, SendFailure};

use super::journal::{Effect, EffectKind, Journal};
use super::objects::with_slashes;
use super::out::OutFolder;
use super::paths::path_of;

/// The tag by which a mail carries its idempotency key.
const KEY_TAG: &str = "idempotency-key";

/// Mails as files. Clones share the folder.
#[derive(Debug, Clone)]
pub struct Outbox {
    out: Arc<OutFolder>,
    journal: Journal,
    sending: Arc<Mutex<()>>,
}

/// A mail that lies in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxMail {
    /// The id that it was sent under.
    pub message_id: String,
    /// The sender.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The language.
    pub locale: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// SES's configuration set.
    pub configuration_set: Option<String>,
    /// SES's tags.
    pub tags: Vec<(String, String)>,
}

impl Outbox {
    /// The outbox in `out`.
    pub fn new(out: Arc<OutFolder>, journal: Journal) -> Self {
        Self {
            out,
            journal,
            sending: Arc::new(Mutex::new(())),
        }
    }

    fn place(&self, mail: &Mail) -> std::io::Result<String> {
        let _sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        let key = mail
            .tags
            .iter()
            .find(|(name, _)| name == KEY_TAG)
            .map_or(&mail.mime[..], |(_, key)| key.as_bytes());
        let digest: String = sha256_hex([key]).chars().take(16).collect();
        // A mail sent twice must be seen twice: that is the fault which claims are there to prevent.
        let mut attempt = 1_u32;
        let (message_id, eml) = loop {
            let message_id = format!("{digest}-{attempt}");
            let eml = outbox_path(&message_id, "eml");
            if self.out.read(&eml)?.is_none() {
                break (message_id, eml);
            }
            attempt += 1;
        };
        let entry = OutboxMail {
            message_id: message_id.clone(),
            from: mail.from.clone(),
            to: mail.to.clone(),
            subject: mail.subject.clone(),
            locale: mail.locale.clone(),
            text: mail.text.clone(),
            html: mail.html.clone(),
            configuration_set: mail.configuration_set.clone(),
            tags: mail.tags.clone(),
        };
        let json = serde_json::to_vec_pretty(&entry)?;
        self.out.write(&outbox_path(&message_id, "json"), &json)?;
        // Last: with this file the mail has been sent.
        self.out.write(&eml, &mail.mime)?;
        let effect = Effect {
            kind: EffectKind::MailSent,
            name: message_id.clone(),
            bytes: u64::try_from(mail.mime.len()).unwrap_or(u64::MAX),
            content_type: "message/rfc822".to_owned(),
            path: with_slashes(&eml),
        };
        self.journal.note(effect, false);
        Ok(message_id)
    }
}

impl Mailer for Outbox {
    async fn send(&self, mail: &Mail) -> Result<String, SendFailure> {
        self.place(mail).map_err(|error| {
            SendFailure::NotSent(Reason::new(format!("the outbox failed: {error}")))
        })
    }
}

/// Where a mail lies, relative to the output folder.
pub(crate) fn outbox_path(message_id: &str, extension: &str) -> PathBuf {
    Path::new("").join(path_of("outbox", &format!("{message_id}.{extension}")))
}
