//! A table of items: what a worker that keeps state in DynamoDB needs of it.
//!
//! Every decision is a condition on the write itself, so two workers that race cannot both be right. Several writes happen
//! all or none, which is how a counter and the mark that it was counted stay in step.
//!
//! The names of the key's attributes belong to a table's schema, so they are said where a table is opened and not here.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;

use serde_json::{Map, Value};

use crate::fate::Fate;

/// The most writes of one transaction: a quota of DynamoDB's `TransactWriteItems`.
pub const MAX_WRITES: usize = 100;

/// An item's attributes, those of its key left out. Sets and binary have no place in JSON: what other writers keep as a
/// set reads as a list, and cannot be written back as it was.
pub type Item = Map<String, Value>;

/// The values of an item's key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Of the partition key.
    pub partition: String,
    /// Of the sort key, in a table that has one.
    pub sort: Option<String>,
}

impl Key {
    /// A key in a table without a sort key.
    pub fn of(partition: impl Into<String>) -> Self {
        Self {
            partition: partition.into(),
            sort: None,
        }
    }

    /// A key in a table with a sort key.
    pub fn sorted(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self {
            partition: partition.into(),
            sort: Some(sort.into()),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.partition)?;
        match &self.sort {
            Some(sort) => write!(formatter, "/{sort}"),
            None => Ok(()),
        }
    }
}

/// What must hold of the standing item for a write to happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Anything.
    None,
    /// There is no item.
    Absent,
    /// There is one.
    Present,
    /// There is one, and this attribute of it has this value.
    Equal(String, Value),
}

impl Condition {
    /// Whether it holds.
    pub fn holds(&self, standing: Option<&Item>) -> bool {
        match self {
            Self::None => true,
            Self::Absent => standing.is_none(),
            Self::Present => standing.is_some(),
            Self::Equal(attribute, value) => {
                standing.and_then(|item| item.get(attribute)) == Some(value)
            }
        }
    }
}

/// One write.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// The item becomes exactly this.
    Put {
        /// Which item.
        key: Key,
        /// Its attributes.
        item: Item,
        /// What must hold.
        condition: Condition,
    },
    /// Some attributes change and the others stay. An item that is not there comes into being, unless the condition says
    /// otherwise.
    Update {
        /// Which item.
        key: Key,
        /// Attributes that become these.
        set: Item,
        /// Numbers that grow by these, from 0 where there is none.
        add: BTreeMap<String, u64>,
        /// What must hold.
        condition: Condition,
    },
}

impl Write {
    /// The key of the item that it writes.
    pub fn key(&self) -> &Key {
        match self {
            Self::Put { key, .. } | Self::Update { key, .. } => key,
        }
    }

    /// What must hold for it to happen.
    pub fn condition(&self) -> &Condition {
        match self {
            Self::Put { condition, .. } | Self::Update { condition, .. } => condition,
        }
    }

    /// The item after the write, given the one before: the meaning of a write, for tables in memory and in files.
    pub fn applied(&self, standing: Option<&Item>) -> Item {
        match self {
            Self::Put { item, .. } => item.clone(),
            Self::Update { set, add, .. } => {
                let mut item = standing.cloned().unwrap_or_default();
                item.extend(set.clone());
                for (attribute, amount) in add {
                    let before = item.get(attribute).and_then(Value::as_u64).unwrap_or(0);
                    item.insert(attribute.clone(), before.saturating_add(*amount).into());
                }
                item
            }
        }
    }
}

/// Whether the writes happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// All of them did.
    Yes,
    /// None did: a condition does not hold (any more).
    Refused,
}

/// A table of items.
pub trait Table: Send + Sync + 'static {
    /// The item under `key` as the last finished write left it, or `None`.
    fn get(&self, key: &Key) -> impl Future<Output = Result<Option<Item>, TableError>> + Send;

    /// Does all of `writes` or none: 1 to [`MAX_WRITES`] of them, each of another item.
    ///
    /// A write whose answer was lost may have happened, and may be done again by the store's client: a plain `add` can
    /// then count twice. So whoever adds makes it conditional on something that the same call changes.
    fn write(&self, writes: Vec<Write>)
    -> impl Future<Output = Result<Written, TableError>> + Send;
}

/// Why a table did not do as it was told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Access denied or no such table: an operator must mend it.
    #[error("access to the table was refused: {0}")]
    Denied(String),
    /// Too many requests, or another transaction on the same items.
    #[error("the table is throttled: {0}")]
    Throttled(String),
    /// A timeout, a lost connection, a server error.
    #[error("the table failed: {0}")]
    Unavailable(String),
    /// The item can never be written: larger than 400 KB, a key that is empty or over 2 KB.
    #[error("the table does not take the item: {0}")]
    Invalid(String),
}

impl TableError {
    /// The fate of a record whose work needed the table.
    pub fn fate(&self) -> Fate {
        let reason = self.to_string();
        match self {
            Self::Denied(_) => Fate::retry("denied", reason),
            Self::Throttled(_) => Fate::retry("throttled", reason),
            Self::Unavailable(_) => Fate::retry("unavailable", reason),
            Self::Invalid(_) => Fate::rejected("invalid-item", reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(json: Value) -> Item {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_condition_holds_or_does_not() {
        let standing = item(json!({ "revision": 2 }));
        let equal = |value: Value| Condition::Equal("revision".to_owned(), value);
        let cases = [
            (Condition::None, true, true),
            (Condition::Absent, false, true),
            (Condition::Present, true, false),
            (equal(json!(2)), true, false),
            (equal(json!(3)), false, false),
            (Condition::Equal("other".to_owned(), json!(2)), false, false),
        ];
        for (condition, with, without) in cases {
            assert_eq!(condition.holds(Some(&standing)), with, "{condition:?}");
            assert_eq!(condition.holds(None), without, "{condition:?}");
        }
    }

    #[test]
    fn an_update_changes_what_it_names_and_leaves_the_rest() {
        let update = Write::Update {
            key: Key::sorted("post", "hour"),
            set: item(json!({ "seen": "b" })),
            add: BTreeMap::from([("views".to_owned(), 2)]),
            condition: Condition::None,
        };
        let standing = item(json!({ "seen": "a", "views": 40, "title": "t" }));
        assert_eq!(
            update.applied(Some(&standing)),
            item(json!({ "seen": "b", "views": 42, "title": "t" }))
        );
        assert_eq!(
            update.applied(None),
            item(json!({ "seen": "b", "views": 2 }))
        );
        assert_eq!(update.key().to_string(), "post/hour");
    }

    #[test]
    fn only_an_item_that_can_never_be_written_is_rejected() {
        let text = || "why".to_owned();
        let errors = [
            (TableError::Denied(text()), "retry"),
            (TableError::Throttled(text()), "retry"),
            (TableError::Unavailable(text()), "retry"),
            (TableError::Invalid(text()), "rejected"),
        ];
        for (error, fate) in errors {
            assert_eq!(error.fate().name(), fate, "{error}");
        }
    }
}
