//! A table in memory that can be told to fail.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Pause;
use crate::table::{Item, Key, MAX_WRITES, Table, TableError, Write, Written};

/// A table in memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryTable(Arc<Mutex<TableInner>>);

#[derive(Debug, Default)]
struct TableInner {
    items: BTreeMap<Key, Item>,
    calls: VecDeque<String>,
    traps: Vec<(TableOperation, String, TableTrap)>,
}

/// The calls of a [`Table`], as faults and pauses name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableOperation {
    /// [`Table::get`].
    Get,
    /// [`Table::write`].
    Write,
}

#[derive(Debug)]
enum TableTrap {
    Fail(TableError),
    LoseAnswer,
    Pause(Pause),
}

impl MemoryTable {
    /// Places an item.
    pub fn place(&self, key: Key, item: Item) {
        self.lock().items.insert(key, item);
    }

    /// The item under a key.
    pub fn item(&self, key: &Key) -> Option<Item> {
        self.lock().items.get(key).cloned()
    }

    /// Every item, in order of the keys.
    pub fn all(&self) -> BTreeMap<Key, Item> {
        self.lock().items.clone()
    }

    /// Every call so far that got an answer, as `get KEY` and `write KEY, KEY`; forgets them.
    pub fn take_calls(&self) -> Vec<String> {
        self.lock().calls.drain(..).collect()
    }

    /// Makes the next such call on a key that contains `part` fail and change nothing.
    pub fn fail_once(&self, operation: TableOperation, part: &str, error: TableError) {
        self.set(operation, part, TableTrap::Fail(error));
    }

    /// Makes the next write of a key that contains `part` happen, and its answer get lost.
    pub fn lose_answer_once(&self, part: &str) {
        self.set(TableOperation::Write, part, TableTrap::LoseAnswer);
    }

    /// Makes the next such call on a key that contains `part` wait before it does anything.
    pub fn pause_once(&self, operation: TableOperation, part: &str) -> Pause {
        let pause = Pause::new();
        self.set(operation, part, TableTrap::Pause(pause.clone()));
        pause
    }

    fn set(&self, operation: TableOperation, part: &str, trap: TableTrap) {
        self.lock().traps.push((operation, part.to_owned(), trap));
    }

    fn lock(&self) -> MutexGuard<'_, TableInner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Springs the trap on a call, and says whether its answer gets lost.
    async fn spring(&self, operation: TableOperation, keys: &[String]) -> Result<bool, TableError> {
        let trap = {
            let mut inner = self.lock();
            let index = inner.traps.iter().position(|(kind, part, _)| {
                *kind == operation && keys.iter().any(|key| key.contains(part.as_str()))
            });
            index.map(|index| inner.traps.remove(index).2)
        };
        match trap {
            None => Ok(false),
            Some(TableTrap::LoseAnswer) => Ok(true),
            Some(TableTrap::Fail(error)) => Err(error),
            Some(TableTrap::Pause(pause)) => {
                pause.wait().await;
                Ok(false)
            }
        }
    }
}

impl Table for MemoryTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.spring(TableOperation::Get, &[key.to_string()]).await?;
        let mut inner = self.lock();
        inner.calls.push_back(format!("get {key}"));
        Ok(inner.items.get(key).cloned())
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Written, TableError> {
        let keys: Vec<String> = writes.iter().map(|write| write.key().to_string()).collect();
        // DynamoDB refuses these too.
        let distinct: BTreeSet<&String> = keys.iter().collect();
        if distinct.len() != keys.len() || keys.is_empty() || keys.len() > MAX_WRITES {
            let reason = format!("a transaction of {} writes: {keys:?}", keys.len());
            return Err(TableError::Invalid(reason));
        }
        let lost = self.spring(TableOperation::Write, &keys).await?;
        let mut inner = self.lock();
        let holds = writes
            .iter()
            .all(|write| write.condition().holds(inner.items.get(write.key())));
        if holds {
            inner.calls.push_back(format!("write {}", keys.join(", ")));
            for write in writes {
                let item = write.applied(inner.items.get(write.key()));
                inner.items.insert(write.key().clone(), item);
            }
        }
        match (lost, holds) {
            (true, _) => Err(TableError::Unavailable("the answer was lost".to_owned())),
            (false, true) => Ok(Written::Yes),
            (false, false) => Ok(Written::Refused),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::table::Condition;

    fn put(key: &str, item: serde_json::Value, condition: Condition) -> Write {
        Write::Put {
            key: Key::of(key),
            item: serde_json::from_value(item).unwrap(),
            condition,
        }
    }

    #[tokio::test]
    async fn writes_happen_all_or_none() {
        let table = MemoryTable::default();
        let first = put("a", json!({ "n": 1 }), Condition::Absent);
        assert_eq!(table.write(vec![first.clone()]).await, Ok(Written::Yes));
        let both = vec![put("b", json!({}), Condition::None), first];
        assert_eq!(table.write(both).await, Ok(Written::Refused));
        assert_eq!(table.item(&Key::of("b")), None);
    }

    #[tokio::test]
    async fn a_lost_answer_is_a_failure_of_a_write_that_happened() {
        let table = MemoryTable::default();
        table.lose_answer_once("a");
        let write = put("a", json!({}), Condition::Absent);
        let answer = table.write(vec![write]).await;
        assert!(matches!(answer, Err(TableError::Unavailable(_))));
        assert_eq!(table.get(&Key::of("a")).await, Ok(Some(Item::new())));
    }

    #[tokio::test]
    async fn a_transaction_that_dynamodb_would_refuse_is_refused() {
        let table = MemoryTable::default();
        let twice = vec![put("a", json!({}), Condition::None); 2];
        for writes in [twice, vec![]] {
            let answer = table.write(writes).await;
            assert!(matches!(answer, Err(TableError::Invalid(_))));
        }
    }
}
