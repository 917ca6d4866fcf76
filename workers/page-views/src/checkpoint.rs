//! How far a shard is counted.

use std::cmp::Ordering;

use fleet::batch::by_number;
use fleet::table::{Condition, Item, Key, Write};

use crate::recent::Recent;

/// The partition key of all checkpoints. No post has it, because no post begins with `#`.
const PARTITION: &str = "#checkpoint";

const SEQUENCE: &str = "sequence";
const RECENT: &str = "recent";

/// How far a shard is counted: everything up to this sequence number, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    /// The highest sequence number counted; grows with every write.
    pub(crate) sequence: String,
    /// The views counted last.
    pub(crate) recent: Recent,
}

/// The item under a checkpoint's key is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the shard's checkpoint has no valid `{0}`: somebody else wrote it")]
pub(crate) struct NoCheckpoint(&'static str);

impl Checkpoint {
    /// The key of a shard's checkpoint.
    pub(crate) fn key(shard: &str) -> Key {
        Key::sorted(PARTITION, shard)
    }

    /// Reads the item.
    pub(crate) fn read(item: &Item) -> Result<Self, NoCheckpoint> {
        let sequence = item
            .get(SEQUENCE)
            .and_then(|sequence| sequence.as_str())
            .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or(NoCheckpoint(SEQUENCE))?;
        let recent = item
            .get(RECENT)
            .and_then(Recent::read)
            .ok_or(NoCheckpoint(RECENT))?;
        Ok(Self {
            sequence: sequence.to_owned(),
            recent,
        })
    }

    /// Whether what has this sequence number is counted.
    pub(crate) fn covers(&self, sequence: &str) -> bool {
        by_number(sequence, &self.sequence) != Ordering::Greater
    }

    /// The write that moves a shard from `standing`, as it was read, to this checkpoint. It is refused if anybody else
    /// moved it meanwhile: each write has another sequence number than the one before.
    pub(crate) fn write(&self, shard: &str, standing: Option<&Self>) -> Write {
        let mut item = Item::new();
        item.insert(SEQUENCE.to_owned(), self.sequence.clone().into());
        item.insert(RECENT.to_owned(), self.recent.to_json());
        Write::Put {
            key: Self::key(shard),
            item,
            condition: standing.map_or(Condition::Absent, |standing| {
                Condition::Equal(SEQUENCE.to_owned(), standing.sequence.clone().into())
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checkpoint(sequence: &str) -> Checkpoint {
        Checkpoint {
            sequence: sequence.to_owned(),
            recent: Recent::default(),
        }
    }

    #[test]
    fn sequence_numbers_are_compared_as_numbers() {
        let standing = checkpoint("100");
        assert!(standing.covers("99"));
        assert!(standing.covers("100"));
        assert!(!standing.covers("101"));
        assert!(!standing.covers("1000"));
    }

    #[test]
    fn a_checkpoint_is_written_over_the_one_that_was_read() {
        let first = checkpoint("1").write("s", None);
        assert_eq!(first.condition(), &Condition::Absent);
        assert_eq!(first.key(), &Key::sorted("#checkpoint", "s"));
        let item = first.applied(None);
        assert_eq!(Checkpoint::read(&item), Ok(checkpoint("1")));
        let second = checkpoint("2").write("s", Some(&checkpoint("1")));
        assert!(second.condition().holds(Some(&item)));
        assert!(!first.condition().holds(Some(&item)));
    }

    #[test]
    fn what_somebody_else_wrote_is_no_checkpoint() {
        for item in [
            json!({}),
            json!({"sequence": 1, "recent": []}),
            json!({"sequence": "", "recent": []}),
            json!({"sequence": "x", "recent": []}),
            json!({"sequence": "1"}),
        ] {
            let item = serde_json::from_value(item).unwrap();
            assert!(Checkpoint::read(&item).is_err(), "{item:?}");
        }
    }
}
