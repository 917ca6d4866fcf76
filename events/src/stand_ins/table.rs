//! Tables of items: one JSON file each, `OUT/table/NAME/KEY.json`.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fleet::table::{Item, Key, Table, TableError, Write, Written};

use super::journal::{Effect, EffectKind, Journal};
use super::objects::with_slashes;
use super::out::OutFolder;
use super::paths::path_of;

/// All tables of a process share one lock: a transaction is then atomic to every other worker. A process that dies in the
/// middle of one leaves a part of it, which is what this stands in for DynamoDB in least.
static WRITING: Mutex<()> = Mutex::new(());

/// A table that outlives the process. Clones share it.
#[derive(Debug, Clone)]
pub struct DirectoryTable {
    name: Arc<str>,
    out: Arc<OutFolder>,
    journal: Journal,
}

impl DirectoryTable {
    /// The table of that name in `out`.
    pub fn new(name: &str, out: Arc<OutFolder>, journal: Journal) -> Self {
        Self {
            name: name.into(),
            out,
            journal,
        }
    }

    fn read(&self, key: &Key) -> Result<Option<Item>, TableError> {
        let path = self.path(key);
        let json = self
            .out
            .read(&path)
            .map_err(|error| failed(&path, &error))?;
        json.map(|json| serde_json::from_slice(&json).map_err(|error| failed(&path, &error.into())))
            .transpose()
    }

    fn path(&self, key: &Key) -> PathBuf {
        Path::new("table").join(path_of(&self.name, &format!("{key}.json")))
    }

    fn keep(&self, write: &Write, standing: Option<&Item>) -> Result<(), TableError> {
        let path = self.path(write.key());
        let item = write.applied(standing);
        let json =
            serde_json::to_vec_pretty(&item).map_err(|error| failed(&path, &error.into()))?;
        let changed = self
            .out
            .write(&path, &json)
            .map_err(|error| failed(&path, &error))?;
        if changed {
            let effect = Effect {
                kind: EffectKind::ItemWritten,
                name: format!("{}/{}", self.name, write.key()),
                bytes: u64::try_from(json.len()).unwrap_or(u64::MAX),
                content_type: "application/json".to_owned(),
                path: with_slashes(&path),
            };
            self.journal.note(effect, standing.is_some());
        }
        Ok(())
    }
}

impl Table for DirectoryTable {
    async fn get(&self, key: &Key) -> Result<Option<Item>, TableError> {
        self.read(key)
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Written, TableError> {
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let standing = writes
            .iter()
            .map(|write| self.read(write.key()))
            .collect::<Result<Vec<_>, _>>()?;
        let mut both = writes.iter().zip(&standing);
        if !both.all(|(write, standing)| write.condition().holds(standing.as_ref())) {
            return Ok(Written::Refused);
        }
        for (write, standing) in writes.iter().zip(&standing) {
            self.keep(write, standing.as_ref())?;
        }
        Ok(Written::Yes)
    }
}

fn failed(path: &Path, error: &io::Error) -> TableError {
    TableError::Unavailable(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use fleet::table::Condition;
    use serde_json::json;

    use super::*;

    fn put(key: &str, item: serde_json::Value, condition: Condition) -> Write {
        Write::Put {
            key: Key::sorted(key, "2026-03-14T09"),
            item: serde_json::from_value(item).unwrap(),
            condition,
        }
    }

    #[tokio::test]
    async fn a_table_outlives_the_process_and_journals_what_changed() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::default();
        let table = || {
            let out = Arc::new(OutFolder::open(folder.path()).unwrap());
            DirectoryTable::new("views", out, journal.clone())
        };
        let first = put("a", json!({ "views": 1 }), Condition::Absent);
        assert_eq!(table().write(vec![first.clone()]).await, Ok(Written::Yes));
        let effects = journal.take();
        assert_eq!(effects.len(), 1);
        assert_eq!(effects[0].name, "views/a/2026-03-14T09");
        assert!(folder.path().join(&effects[0].path).is_file());

        let item = table().get(first.key()).await.unwrap().unwrap();
        assert_eq!(item["views"], 1);
        // The same again is no effect.
        let again = put("a", json!({ "views": 1 }), Condition::Present);
        assert_eq!(table().write(vec![again]).await, Ok(Written::Yes));
        assert_eq!(journal.take(), []);
    }

    #[tokio::test]
    async fn a_transaction_happens_all_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let out = Arc::new(OutFolder::open(folder.path()).unwrap());
        let table = DirectoryTable::new("views", out, Journal::default());
        let writes = vec![
            put("a", json!({}), Condition::None),
            put("b", json!({}), Condition::Present),
        ];
        assert_eq!(table.write(writes.clone()).await, Ok(Written::Refused));
        assert_eq!(table.get(writes[0].key()).await, Ok(None));
    }
}
