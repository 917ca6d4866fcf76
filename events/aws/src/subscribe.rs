//! A subscriber, and the mail that welcomes them.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use fleet::date::Utc;
use handover::Subscribe;
use handover::terminal::{Style, visible};
use serde::Serialize;
use welcome_mail::Address;

use crate::aws::Aws;
use crate::clock::{Patience, milliseconds, now};
use crate::error::{CallError, LiveError, Trouble};
use crate::logs::{Entry, GroupReader, read};
use crate::stack::Stack;

/// A mail that goes out sooner needs no explanation.
const LOG_AFTER: Duration = Duration::from_millis(1_500);

/// Between two looks at the log and at the suppressed addresses.
const LOG_INTERVAL: Duration = Duration::from_secs(2);

/// How much of a claim's name the worker's log shows.
const SHOWN_CLAIM: usize = 20;

/// What became of a subscription: the output of `flotilla subscribe --json`. Fields are added, never renamed or removed,
/// unless [`Subscribed::VERSION`] is raised. It does not repeat the address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subscribed {
    /// The version of this form.
    pub version: u32,
    /// Where, for people.
    pub place: String,
    /// The subscriber's id: SHA-256 of the address in lower case.
    pub id: String,
    /// Whether the subscriber is new: nobody else gets a mail.
    pub new: bool,
    /// `sent`, `suppressed`, `rejected`, `waiting` (not sent yet), or `subscribed` (nobody waited).
    pub state: &'static str,
    /// What SES calls the mail.
    pub message_id: Option<String>,
    /// Why there is no mail, or none yet.
    pub reason: Option<String>,
    /// From the row's being written to the mail's being sent, or to the end of the wait, in milliseconds.
    pub elapsed_ms: u64,
}

impl Subscribed {
    /// The version of the machine form.
    pub const VERSION: u32 = 1;

    /// Whether the mail went out, or nobody waited for it.
    pub fn is_finished(&self) -> bool {
        matches!(self.state, "sent" | "subscribed")
    }

    /// Prints it for people.
    pub(crate) fn print(
        &self,
        writer: &mut impl Write,
        style: Style,
        local: bool,
    ) -> io::Result<()> {
        let who = if self.new {
            "subscribed"
        } else {
            "was subscribed already"
        };
        let short = self.id.get(..12).unwrap_or(&self.id);
        writeln!(
            writer,
            "{who} {}",
            style.dim(&format!("as {short}…, {}", visible(&self.place)))
        )?;
        let reason = self.reason.as_deref().map(visible).unwrap_or_default();
        let message_id = visible(self.message_id.as_deref().unwrap_or("a mail without an id"));
        match self.state {
            "sent" if self.new => {
                let sent = format!("welcome mail sent after {} ms", self.elapsed_ms);
                writeln!(writer, "  {} as {message_id}", style.green(&sent))?;
            }
            "sent" => {
                let sent = style.green("the welcome mail went out before");
                writeln!(writer, "  {sent} as {message_id}")?;
            }
            "suppressed" | "rejected" => {
                writeln!(writer, "  {}", style.red(&format!("no mail: {reason}")))?;
            }
            "waiting" => {
                let text = format!("no mail after {} ms: {reason}", self.elapsed_ms);
                writeln!(writer, "  {}", style.yellow(&text))?;
                writeln!(
                    writer,
                    "  `flotilla tail --worker welcome-mail` shows what the worker does"
                )?;
            }
            _ => {}
        }
        if local && self.state == "sent" {
            writeln!(writer, "  read it with `flotilla mail latest`")?;
        }
        Ok(())
    }
}

/// Writes the subscriber's row and waits for the mail.
pub async fn subscribe(aws: &Aws, options: &Subscribe) -> Result<Subscribed, LiveError> {
    let address: Address = options
        .address
        .parse()
        .map_err(|error| LiveError::Usage(format!("that is no address to write to: {error}")))?;
    let stack = Stack::find(aws).await?;
    let begin = now();
    let functions = stack.functions();
    let tables = Tables {
        client: aws.dynamodb(),
        subscribers: stack.output("SubscribersTable")?,
        claims: stack.output("ClaimsTable")?,
        addresses: stack.output("AddressesTable").ok(),
        id: address.digest(),
    };
    let new = tables.insert(options, &address).await?;
    let mut subscribed = Subscribed {
        version: Subscribed::VERSION,
        place: aws.target.to_string(),
        id: tables.id.clone(),
        new,
        state: "subscribed",
        message_id: None,
        reason: None,
        elapsed_ms: 0,
    };
    if options.no_wait {
        return Ok(subscribed);
    }
    let log = functions
        .get("welcome-mail")
        .map(|function| GroupReader::new(aws.logs(), function, begin));
    let written = Instant::now();
    let ending = tables.ending(log, options.wait).await?;
    subscribed.elapsed_ms = milliseconds(written.elapsed());
    match ending {
        Ending::Sent(message_id) => {
            subscribed.state = "sent";
            subscribed.message_id = message_id;
        }
        Ending::Suppressed(reason) => {
            subscribed.state = "suppressed";
            subscribed.reason = Some(reason);
        }
        Ending::Rejected(reason) => {
            subscribed.state = "rejected";
            subscribed.reason = Some(reason);
        }
        Ending::Waiting(reason) => {
            subscribed.state = "waiting";
            subscribed.reason = Some(reason);
        }
    }
    Ok(subscribed)
}

/// How the wait for a mail ended.
#[derive(Debug, PartialEq, Eq)]
enum Ending {
    Sent(Option<String>),
    Suppressed(String),
    Rejected(String),
    Waiting(String),
}

struct Tables<'a> {
    client: Client,
    subscribers: &'a str,
    claims: &'a str,
    addresses: Option<&'a str>,
    id: String,
}

type Item = HashMap<String, AttributeValue>;

impl Tables<'_> {
    /// Writes the row if there is none; `false` when there is. A row that is written over is no insert: it would get no
    /// mail, and lose what the feedback on its mails had written into it.
    async fn insert(&self, options: &Subscribe, address: &Address) -> Result<bool, LiveError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let optional = [("name", &options.name), ("locale", &options.locale)];
        let put = self
            .client
            .put_item()
            .table_name(self.subscribers)
            .item("id", text(&self.id))
            .item("email", text(address.as_str()))
            .item("createdAt", text(&Utc::at(now()).to_string()))
            .condition_expression("attribute_not_exists(#id)")
            .expression_attribute_names("#id", "id");
        let put = optional.into_iter().fold(put, |put, (name, value)| {
            match value.as_deref().filter(|value| !value.is_empty()) {
                Some(value) => put.item(name, text(value)),
                None => put,
            }
        });
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if matches!(
                    error.as_service_error(),
                    Some(PutItemError::ConditionalCheckFailedException(_))
                ) =>
            {
                Ok(false)
            }
            Err(error) => {
                let doing = format!("writing into the table {}", self.subscribers);
                Err(CallError::new(doing, &error).into())
            }
        }
    }

    async fn ending(
        &self,
        mut log: Option<GroupReader>,
        longest: Duration,
    ) -> Result<Ending, LiveError> {
        let claim_name = format!("welcome-{}", self.id);
        let mut patience = Patience::new(longest);
        let mut look_further = Instant::now() + LOG_AFTER;
        let mut last_try = None;
        loop {
            let claim = self.item(self.claims, "claim", &claim_name).await?;
            if let Some(claim) = &claim
                && text(claim, "state") == Some("done")
            {
                return Ok(Ending::Sent(text(claim, "receipt").map(str::to_owned)));
            }
            if Instant::now() >= look_further {
                look_further = Instant::now() + LOG_INTERVAL;
                if let Some(reason) = self.suppressed().await? {
                    return Ok(Ending::Suppressed(reason));
                }
                if let Some(log) = &mut log {
                    for (fate, reason) in said(log, &claim_name).await {
                        match fate.as_str() {
                            "rejected" => return Ok(Ending::Rejected(reason)),
                            "retry" => last_try = Some(reason),
                            _ => {}
                        }
                    }
                }
            }
            if !patience.wait().await {
                let reason = last_try.unwrap_or_else(|| match &claim {
                    None => "the worker has not begun".to_owned(),
                    Some(claim) => format!(
                        "its claim is {}",
                        text(claim, "state").unwrap_or("unreadable")
                    ),
                });
                return Ok(Ending::Waiting(reason));
            }
        }
    }

    async fn suppressed(&self) -> Result<Option<String>, LiveError> {
        let Some(table) = self.addresses else {
            return Ok(None);
        };
        let address = match self.item(table, "address", &self.id).await {
            Ok(address) => address.unwrap_or_default(),
            // It explains; without it the wait goes on as before.
            Err(LiveError::Call(error)) if error.trouble == Trouble::Denied => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(
            (address.get("suppressed") == Some(&AttributeValue::Bool(true))).then(|| {
                let reason = text(&address, "reason").unwrap_or("no reason is recorded");
                format!("the address is suppressed: {reason}")
            }),
        )
    }

    async fn item(&self, table: &str, key: &str, value: &str) -> Result<Option<Item>, LiveError> {
        let got = self
            .client
            .get_item()
            .table_name(table)
            .key(key, AttributeValue::S(value.to_owned()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| CallError::new(format!("reading the table {table}"), &error))?;
        Ok(got.item)
    }
}

/// What the worker said of the claim: fates and reasons.
async fn said(log: &mut GroupReader, claim: &str) -> Vec<(String, String)> {
    let shown = claim.get(..SHOWN_CLAIM).unwrap_or(claim);
    let subject = format!("subscriber {shown}");
    let lines = log.new_lines().await.unwrap_or_default();
    lines
        .iter()
        .filter_map(|line| match read(&line.message) {
            Some(Entry::Record(record)) if record.subject == subject => {
                Some((record.fate, format!("{}: {}", record.kind, record.reason)))
            }
            _ => None,
        })
        .collect()
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(new: bool, state: &'static str, reason: Option<&str>) -> String {
        let subscribed = Subscribed {
            version: Subscribed::VERSION,
            place: "local AWS".to_owned(),
            id: "71d4f55f72fa128dfb468a1a3901507c".to_owned(),
            new,
            state,
            message_id: (state == "sent").then(|| "m1".to_owned()),
            reason: reason.map(str::to_owned),
            elapsed_ms: 412,
        };
        let mut text = Vec::new();
        subscribed.print(&mut text, Style::plain(), true).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn every_ending_is_told() {
        let text = [
            printed(true, "sent", None),
            printed(false, "sent", None),
            printed(
                true,
                "suppressed",
                Some("the address is suppressed: bounce"),
            ),
            printed(true, "waiting", Some("the worker has not begun")),
            printed(true, "subscribed", None),
        ]
        .concat();
        insta::assert_snapshot!(text, @r"
        subscribed as 71d4f55f72fa…, local AWS
          welcome mail sent after 412 ms as m1
          read it with `flotilla mail latest`
        was subscribed already as 71d4f55f72fa…, local AWS
          the welcome mail went out before as m1
          read it with `flotilla mail latest`
        subscribed as 71d4f55f72fa…, local AWS
          no mail: the address is suppressed: bounce
        subscribed as 71d4f55f72fa…, local AWS
          no mail after 412 ms: the worker has not begun
          `flotilla tail --worker welcome-mail` shows what the worker does
        subscribed as 71d4f55f72fa…, local AWS
        ");
    }
}
