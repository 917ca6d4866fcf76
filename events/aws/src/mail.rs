//! The outbox of local AWS.

mod print;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use handover::{Mail, Which, state_folder};
use serde::{Deserialize, Serialize};

use crate::aws::Aws;
use crate::error::{CallError, LiveError, Trouble};
use crate::http;
use crate::target::Where;

pub(crate) use print::Printer;

/// Where local AWS shows what SES was asked to send.
const OUTBOX: &str = "/_ministack/ses/messages";

/// Every mail that SES was asked to send: the output of `flotilla mail --json`. Fields are added, never renamed or removed,
/// unless [`Outbox::VERSION`] is raised.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outbox {
    /// The version of this form.
    pub version: u32,
    /// Where, for people.
    pub place: String,
    /// The mails, the oldest first.
    pub mails: Vec<OutboxMail>,
}

impl Outbox {
    /// The version of the machine form.
    pub const VERSION: u32 = 1;
}

/// One of them: the output of `flotilla mail latest --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutboxMail {
    /// Its place in the outbox, from 1.
    pub number: usize,
    /// What SES calls it.
    pub message_id: String,
    /// When it was sent, in seconds since 1970.
    pub sent: f64,
    /// The sender.
    pub from: String,
    /// The recipients.
    pub to: Vec<String>,
    /// The subject.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Messages {
    messages: std::collections::BTreeMap<String, Vec<Message>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    #[serde(rename = "MessageId")]
    id: String,
    source: String,
    #[serde(default)]
    to: Vec<String>,
    subject: Option<String>,
    body_text: Option<String>,
    body_html: Option<String>,
    timestamp: f64,
}

/// Reads the outbox.
pub fn outbox(aws: &Aws) -> Result<Outbox, LiveError> {
    let Where::Local { endpoint, .. } = &aws.target.at else {
        return Err(LiveError::Usage(format!(
            "there is no outbox in the {}, because SES keeps no copies of what it sent: `flotilla tail --worker \
             welcome-mail` shows what went out, and local AWS (`flotilla up`) keeps every mail",
            aws.target
        )));
    };
    let failed = |trouble, reason: String| CallError {
        doing: format!("reading the outbox of {}", aws.target),
        trouble,
        reason,
    };
    let answer = http::get(endpoint, OUTBOX)
        .map_err(|error| failed(Trouble::Unreachable, error.to_string()))?;
    let messages: Messages = serde_json::from_slice(&answer).map_err(|error| {
        failed(
            Trouble::Refused,
            format!("the answer is no outbox: {error}"),
        )
    })?;
    Ok(Outbox {
        version: Outbox::VERSION,
        place: aws.target.to_string(),
        mails: numbered(messages),
    })
}

fn numbered(messages: Messages) -> Vec<OutboxMail> {
    let mut messages: Vec<Message> = messages.messages.into_values().flatten().collect();
    messages.sort_by(|one, other| one.timestamp.total_cmp(&other.timestamp));
    messages
        .into_iter()
        .enumerate()
        .map(|(index, message)| OutboxMail {
            number: index + 1,
            message_id: message.id,
            sent: message.timestamp,
            from: message.source,
            to: message.to,
            subject: message.subject.unwrap_or_default(),
            text: message.body_text.unwrap_or_default(),
            html: message.body_html,
        })
        .collect()
}

/// The mail that was asked for; `None` when all were.
pub(crate) fn chosen<'a>(
    mails: &'a [OutboxMail],
    options: &Mail,
) -> Result<Option<&'a OutboxMail>, LiveError> {
    let which = match options.which {
        None if options.open => Which::Latest,
        None => return Ok(None),
        Some(which) => which,
    };
    let mail = match which {
        Which::Latest => mails.last(),
        Which::Number(number) => number.checked_sub(1).and_then(|index| mails.get(index)),
    };
    mail.map(Some).ok_or_else(|| {
        LiveError::Usage(if mails.is_empty() {
            "there is no mail yet: `flotilla subscribe ADDRESS` makes one".to_owned()
        } else {
            format!(
                "there is no such mail: they are numbered from 1 to {}",
                mails.len()
            )
        })
    })
}

/// Writes the mail as it looks into a file, and asks the desktop to open it. Returns the file, and whether there is a
/// desktop.
pub(crate) fn open(mail: &OutboxMail) -> Result<(PathBuf, bool), LiveError> {
    let here = std::env::current_dir()?;
    let folder = state_folder(&here)
        .unwrap_or_else(std::env::temp_dir)
        .join("mail");
    let path = folder.join(format!("{}.html", mail.number));
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&path, page(mail)))
        .map_err(|source| LiveError::File {
            path: path.display().to_string(),
            doing: "cannot be written",
            source,
        })?;
    let opened = opener(&path).is_some_and(|mut opener| {
        opener
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .is_ok()
    });
    Ok((path, opened))
}

fn opener(path: &Path) -> Option<Command> {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        // On a machine without a desktop it would look for a text browser and take over the terminal.
        std::env::var_os("DISPLAY").or_else(|| std::env::var_os("WAYLAND_DISPLAY"))?;
        "xdg-open"
    };
    let mut command = Command::new(program);
    command.arg(path);
    Some(command)
}

/// The HTML part, or the text part as HTML. What a mail says is not the project's: it may run no script and load nothing.
fn page(mail: &OutboxMail) -> String {
    const POLICY: &str = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
                          style-src 'unsafe-inline'; img-src data:\"><meta charset=\"utf-8\">\n";
    match &mail.html {
        Some(html) => format!("{POLICY}{html}"),
        None => format!("{POLICY}<pre>{}</pre>\n", escaped(&mail.text)),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outbox() -> Vec<OutboxMail> {
        let message = |id: &str, at: f64| {
            json!({
                "MessageId": id, "Source": "hello@example.com", "To": ["ann@example.com"], "CC": [], "BCC": [],
                "Subject": "Welcome", "BodyText": "Hello <Ann>", "BodyHtml": null, "Timestamp": at, "Type": "x",
            })
        };
        let outbox = json!({ "messages": {
            "000000000000": [message("b", 2.5), message("c", 3.5)],
            "111111111111": [message("a", 1.5)],
        } });
        numbered(serde_json::from_value(outbox).unwrap())
    }

    fn which(which: Option<Which>, open: bool) -> Result<Option<usize>, String> {
        let options = Mail {
            which,
            open,
            json: false,
            place: handover::Place::default(),
        };
        chosen(&outbox(), &options)
            .map(|mail| mail.map(|mail| mail.number))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn mails_are_numbered_as_they_were_sent() {
        let ids: Vec<String> = outbox().into_iter().map(|mail| mail.message_id).collect();
        assert_eq!(ids, ["a", "b", "c"]);
    }

    #[test]
    fn a_mail_is_chosen_by_its_number_or_as_the_latest() {
        assert_eq!(which(None, false), Ok(None));
        assert_eq!(which(None, true), Ok(Some(3)));
        assert_eq!(which(Some(Which::Latest), false), Ok(Some(3)));
        assert_eq!(which(Some(Which::Number(1)), false), Ok(Some(1)));
        let error = which(Some(Which::Number(4)), false).unwrap_err();
        assert!(error.contains("from 1 to 3"), "{error}");
    }

    #[test]
    fn a_mail_that_is_shown_runs_and_loads_nothing() {
        let [mail, ..] = &outbox()[..] else {
            panic!("there are three");
        };
        let page = page(mail);
        assert!(page.contains("default-src 'none'"), "{page}");
        assert!(page.ends_with("<pre>Hello &lt;Ann&gt;</pre>\n"), "{page}");
    }
}
