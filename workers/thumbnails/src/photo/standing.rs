//! Reads and writes the ledger.

use std::collections::BTreeMap;

use fleet::objects::{Condition, NewObject, ObjectRef, Objects, ObjectsError};

use super::Photo;
use crate::announce::Announcer;
use crate::ledger::Ledger;

/// A ledger is some kilobytes; this only bounds what a broken one can do.
pub(super) const MAX_LEDGER_BYTES: u64 = 4 * 1024 * 1024;

/// The ledger as it was read, with the tag that a write of it is conditional on.
pub(super) struct Standing {
    pub(super) ledger: Option<Ledger>,
    pub(super) etag: Option<String>,
}

impl<S: Objects, A: Announcer> Photo<'_, S, A> {
    pub(super) async fn read_ledger(&self) -> Result<Standing, ObjectsError> {
        let ledger = ObjectRef::current(&self.config.thumbnails_bucket, self.keys.ledger());
        match self.objects.get(&ledger, MAX_LEDGER_BYTES).await {
            Ok(object) => match serde_json::from_slice(&object.bytes) {
                Ok(ledger) => Ok(Standing {
                    ledger: Some(ledger),
                    etag: Some(object.etag),
                }),
                // Somebody wrote into our ledgers. Overwriting it would forget deletions, so an operator must look.
                Err(error) => Err(ObjectsError::Unavailable {
                    object: ledger.to_string(),
                    reason: format!("the ledger cannot be read: {error}"),
                }),
            },
            Err(ObjectsError::NotFound(_)) => Ok(Standing {
                ledger: None,
                etag: None,
            }),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn write_ledger(
        &self,
        ledger: &Ledger,
        condition: Condition,
    ) -> Result<String, ObjectsError> {
        // Strings and numbers: nothing that could fail to serialise.
        let bytes = serde_json::to_vec(ledger).unwrap_or_default();
        let object = NewObject {
            bucket: self.config.thumbnails_bucket.clone(),
            key: self.keys.ledger(),
            bytes: bytes.into(),
            content_type: "application/json".to_owned(),
            cache_control: None,
            metadata: BTreeMap::new(),
        };
        self.objects.put(object, condition).await
    }
}
