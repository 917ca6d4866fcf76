//! How an address stands, and how a notice changes that. Pure: an item and a notice in, attributes to set out.
//!
//! | attribute | |
//! |---|---|
//! | `suppressed` | true: no mail may go there. Only ever set to true here; an operator lifts it by setting false |
//! | `reason` | why: `bounce`, `complaint`, `transient-bounces` |
//! | `since` | when what suppressed it happened |
//! | `evidence` | SES's id of the mail that it happened to |
//! | `bounce`, `complaint` | the newest of its kind: `at`, `message`, `detail` |
//! | `transientBounces` | how many, each mail once |
//! | `recentTransientBounces` | the newest 32: `event`, `at` |
//! | `deliveredAt` | the newest delivery |
//! | `revision` | raised by one with every write |

use fleet::clock::UnixMillis;
use fleet::date::{self, Utc};
use fleet::digest::sha256_hex;
use fleet::fate::Fate;
use fleet::table::{Condition, Item};
use serde_json::{Value, json};

use crate::config::TransientLimit;

/// How many transient bounces are remembered one by one, to know each again: 3 KB in an item of at most 400.
pub(crate) const MAX_TRANSIENTS: usize = 32;

/// What one notice tells of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told<'a> {
    pub(crate) what: What<'a>,
    /// SES's id of the mail.
    pub(crate) message_id: &'a str,
    pub(crate) at: UnixMillis,
}

/// The kinds of notice that change how an address stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What<'a> {
    /// With SES's sub-type.
    PermanentBounce(&'a str),
    TransientBounce,
    /// With the kind of report.
    Complaint(&'a str),
    Delivery,
}

/// What follows from a notice.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    /// Attributes to set, the revision among them. Empty: nothing changes.
    pub(crate) set: Item,
    /// What must hold of the item for that.
    pub(crate) condition: Condition,
    /// Why the address is suppressed after it, if it is.
    pub(crate) suppressed: Option<String>,
    /// Whether it was not before.
    pub(crate) is_new: bool,
    /// What became of the notice, as far as this address goes.
    pub(crate) fate: Fate,
}

/// Judges what is told of an address that stands like `item`.
pub(crate) fn judge(item: Option<&Item>, told: Told<'_>, limit: Option<TransientLimit>) -> Verdict {
    let before = Standing(item);
    let mut set = Item::new();
    let fate = match told.what {
        What::PermanentBounce(detail) => before.forbid("bounce", detail, told, &mut set),
        What::Complaint(detail) => before.forbid("complaint", detail, told, &mut set),
        What::TransientBounce => before.count(told, limit, &mut set),
        What::Delivery => before.delivered(told, &mut set),
    };
    let is_new = set.contains_key("suppressed");
    let suppressed = if is_new {
        set.get("reason").and_then(Value::as_str).map(str::to_owned)
    } else {
        before.is_suppressed().then(|| before.reason().to_owned())
    };
    if !set.is_empty() {
        set.insert("revision".to_owned(), before.next_revision().into());
    }
    Verdict {
        set,
        condition: before.condition(),
        suppressed,
        is_new,
        fate,
    }
}

/// An item, read leniently: an operator may have written a part of it.
#[derive(Clone, Copy)]
struct Standing<'a>(Option<&'a Item>);

impl Standing<'_> {
    fn get(&self, name: &str) -> &Value {
        self.0
            .and_then(|item| item.get(name))
            .unwrap_or(&Value::Null)
    }

    fn is_suppressed(self) -> bool {
        // Whatever an operator wrote to forbid mail forbids it.
        !matches!(self.get("suppressed"), Value::Null | Value::Bool(false))
    }

    /// When what an operator has lifted had happened. What is no newer suppresses nobody again.
    fn lifted(self) -> Option<UnixMillis> {
        (*self.get("suppressed") == Value::Bool(false)).then(|| moment(self.get("since")))?
    }

    fn reason(&self) -> &str {
        self.get("reason").as_str().unwrap_or("an operator")
    }

    fn next_revision(self) -> u64 {
        self.get("revision")
            .as_u64()
            .map_or(1, |revision| revision.saturating_add(1))
    }

    /// That nobody has written in between. An item without a revision was put there by hand; two notices at once may then
    /// both write, and one forget a transient bounce of the other, but no suppression.
    fn condition(self) -> Condition {
        match (self.0, self.get("revision")) {
            (None, _) => Condition::Absent,
            (Some(_), Value::Null) => Condition::Present,
            (Some(_), revision) => Condition::Equal("revision".to_owned(), revision.clone()),
        }
    }

    /// A permanent bounce or a complaint.
    fn forbid(self, reason: &'static str, detail: &str, told: Told<'_>, set: &mut Item) -> Fate {
        let fact = self.get(reason);
        let is_known = fact["message"] == told.message_id;
        let is_older = moment(&fact["at"]).is_some_and(|at| told.at <= at);
        if !is_known && !is_older {
            let at = Utc::at(told.at).to_string();
            let fact = json!({ "message": told.message_id, "at": at, "detail": detail });
            set.insert(reason.to_owned(), fact);
        }
        let is_lifted = self
            .lifted()
            .is_some_and(|lifted| is_known || told.at <= lifted);
        if !self.is_suppressed() && !is_lifted {
            suppress(reason, told, set);
            return Fate::applied(format!("suppressed because of a {reason}"));
        }
        if is_known {
            Fate::duplicate(format!("the {reason} was told before"))
        } else if is_older {
            Fate::superseded(format!("a newer {reason} was told before"))
        } else if is_lifted {
            Fate::applied(format!(
                "an older {reason} than the one that was lifted is noted"
            ))
        } else {
            Fate::applied(format!("another reason is noted: a {reason}"))
        }
    }

    /// A transient bounce: counted once for each mail, however often and in whatever order it is told.
    fn count(self, told: Told<'_>, limit: Option<TransientLimit>, set: &mut Item) -> Fate {
        let mut recent = self.recent();
        let event: String = sha256_hex([told.message_id.as_bytes()])
            .chars()
            .take(16)
            .collect();
        if recent.iter().any(|(_, known)| *known == event) {
            return Fate::duplicate("the transient bounce was counted before");
        }
        let oldest = recent.first().map(|(at, _)| *at);
        if recent.len() >= MAX_TRANSIENTS && oldest.is_some_and(|oldest| told.at <= oldest) {
            // Whether it was counted is forgotten: one too few is the better mistake.
            return Fate::superseded(format!(
                "{MAX_TRANSIENTS} newer transient bounces were counted"
            ));
        }
        recent.push((told.at, event));
        recent.sort_unstable();
        let excess = recent.len().saturating_sub(MAX_TRANSIENTS);
        recent.drain(..excess);
        let number = self
            .get("transientBounces")
            .as_u64()
            .unwrap_or(0)
            .saturating_add(1);
        set.insert("transientBounces".to_owned(), number.into());
        let list = recent
            .iter()
            .map(|(at, event)| json!({ "event": event, "at": Utc::at(*at).to_string() }))
            .collect();
        set.insert("recentTransientBounces".to_owned(), list);
        if let Some(limit) = limit
            && !self.is_suppressed()
            && within(limit, &recent, self.lifted()) >= limit.bounces
        {
            suppress("transient-bounces", told, set);
            let bounces = limit.bounces;
            return Fate::applied(format!("suppressed after {bounces} transient bounces"));
        }
        Fate::applied(format!("transient bounce number {number} is counted"))
    }

    /// The transient bounces that are remembered, oldest first.
    fn recent(self) -> Vec<(UnixMillis, String)> {
        let entries = self.get("recentTransientBounces").as_array();
        let mut recent: Vec<(UnixMillis, String)> = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let event = entry["event"].as_str()?;
                Some((moment(&entry["at"])?, event.to_owned()))
            })
            .collect();
        recent.sort_unstable();
        recent
    }

    fn delivered(self, told: Told<'_>, set: &mut Item) -> Fate {
        match moment(self.get("deliveredAt")) {
            Some(at) if told.at == at => Fate::duplicate("the delivery was noted before"),
            Some(at) if told.at < at => Fate::superseded("a newer delivery was noted before"),
            _ => {
                let at = Utc::at(told.at).to_string();
                set.insert("deliveredAt".to_owned(), at.into());
                Fate::applied("the delivery is noted")
            }
        }
    }
}

fn suppress(reason: &str, told: Told<'_>, set: &mut Item) {
    set.insert("suppressed".to_owned(), true.into());
    set.insert("reason".to_owned(), reason.into());
    set.insert("since".to_owned(), Utc::at(told.at).to_string().into());
    set.insert("evidence".to_owned(), told.message_id.into());
}

/// How many of them lie within the window that ends with the newest, and after what was lifted.
fn within(
    limit: TransientLimit,
    recent: &[(UnixMillis, String)],
    lifted: Option<UnixMillis>,
) -> usize {
    let window = u64::try_from(limit.window.as_millis()).unwrap_or(u64::MAX);
    let newest = recent.last().map_or(0, |(at, _)| *at);
    recent
        .iter()
        .filter(|(at, _)| newest - at < window && lifted.is_none_or(|lifted| *at > lifted))
        .count()
}

fn moment(value: &Value) -> Option<UnixMillis> {
    date::parse(value.as_str()?)
}

#[cfg(test)]
mod tests;
