//! What the workers did to the world, as far as it changed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// A change that a worker made. Writing what stands there already is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Effect {
    /// What was done.
    pub kind: EffectKind,
    /// To what: an object's URI, a mail's message id, a rejection's name.
    pub name: String,
    /// Size in bytes of what was written; 0 for a deletion.
    pub bytes: u64,
    /// Its MIME type; empty for a deletion.
    pub content_type: String,
    /// Where it lies, relative to the output folder, with `/` between names on every system.
    pub path: String,
}

/// The kinds of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectKind {
    /// An object is new, or has other bytes or other metadata than before.
    ObjectWritten,
    /// An object that was there is gone.
    ObjectDeleted,
    /// A mail lies in the outbox.
    MailSent,
    /// A rejected record was kept for an operator.
    RejectionKept,
    /// An item of a table is new or has other attributes than before.
    ItemWritten,
    /// An event went to a topic.
    EventPublished,
    /// A cache was told to forget some paths.
    PathsInvalidated,
}

/// Collects effects. Clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Journal(Arc<Mutex<Vec<Note>>>);

#[derive(Debug)]
struct Note {
    effect: Effect,
    existed: bool,
}

impl Journal {
    /// Notes an effect, and whether the thing existed before it.
    pub fn note(&self, effect: Effect, existed: bool) {
        self.lock().push(Note { effect, existed });
    }

    /// What changed since the last call, each thing once: as it is now compared with how it was then. In order of kind and
    /// name, because the order in which concurrent work ends is chance.
    pub fn take(&self) -> Vec<Effect> {
        let notes = std::mem::take(&mut *self.lock());
        let mut things: BTreeMap<String, (bool, Effect)> = BTreeMap::new();
        for Note { effect, existed } in notes {
            match things.entry(effect.name.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert((existed, effect));
                }
                Entry::Occupied(mut entry) => entry.get_mut().1 = effect,
            }
        }
        let mut effects: Vec<Effect> = things
            .into_values()
            .filter(|(existed, effect)| *existed || effect.kind != EffectKind::ObjectDeleted)
            .map(|(_, effect)| effect)
            .collect();
        effects.sort();
        effects
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Note>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(kind: EffectKind, name: &str, bytes: u64) -> Effect {
        Effect {
            kind,
            name: name.to_owned(),
            bytes,
            content_type: String::new(),
            path: String::new(),
        }
    }

    #[test]
    fn a_thing_that_changed_twice_is_one_effect() {
        use EffectKind::{ObjectDeleted, ObjectWritten};
        let journal = Journal::default();
        journal.note(effect(ObjectWritten, "b", 1), false);
        journal.note(effect(ObjectWritten, "b", 2), true);
        journal.note(effect(ObjectWritten, "made and deleted", 1), false);
        journal.note(effect(ObjectDeleted, "made and deleted", 0), true);
        journal.note(effect(ObjectWritten, "a", 1), true);
        journal.note(effect(ObjectDeleted, "a", 0), true);
        let expected = [effect(ObjectWritten, "b", 2), effect(ObjectDeleted, "a", 0)];
        assert_eq!(journal.take(), expected);
        assert_eq!(journal.take(), []);
    }
}
