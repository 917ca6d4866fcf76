//! What is kept of a record that will never succeed.

use std::collections::BTreeMap;
use std::future::Future;

use serde::Serialize;
use serde_json::Value;

use crate::delivery::Delivery;
use crate::digest::sha256_hex;
use crate::fate::{Fate, Rejected};
use crate::objects::{Condition, NewObject, Objects, ObjectsError};

/// A rejected record as an operator finds it.
///
/// Holds no time and no request id: a redelivery of the same record yields the same rejection under the same
/// [`name`](Self::name), so it is kept once however often it comes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rejection {
    /// The worker that rejected it.
    pub worker: String,
    /// A short stable name of the reason.
    pub kind: String,
    /// The reason in words.
    pub reason: String,
    /// What the record is about.
    pub subject: String,
    /// The record, scrubbed.
    pub record: Value,
}

impl Rejection {
    /// The rejection of `record` by `worker`.
    pub fn new(worker: &str, subject: &str, rejected: &Rejected, record: Value) -> Self {
        Self {
            worker: worker.to_owned(),
            kind: rejected.kind.to_owned(),
            reason: rejected.reason.clone(),
            subject: subject.to_owned(),
            record,
        }
    }

    /// Names the rejection: 32 hexadecimal digits, a pure function of the worker and of `identity`, the parts that make
    /// two records the same one (a body, a bucket and key and version).
    pub fn name<'a>(worker: &'a str, identity: impl IntoIterator<Item = &'a str>) -> String {
        let parts = std::iter::once(worker).chain(identity);
        let mut name = sha256_hex(parts.map(str::as_bytes));
        name.truncate(32);
        name
    }

    /// As indented JSON.
    pub fn to_json(&self) -> String {
        // Strings and a JSON tree: nothing that could fail to serialise.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// Where rejections are kept.
pub trait Rejections: Send + Sync + 'static {
    /// Keeps `rejection` under `name`. Keeping the same name again changes nothing.
    fn keep(
        &self,
        name: &str,
        rejection: &Rejection,
    ) -> impl Future<Output = Result<(), KeepError>> + Send;
}

/// A rejection could not be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rejected record could not be kept: {0}")]
pub struct KeepError(pub String);

/// Keeps what was rejected, then says the fate: a rejection that could not be kept is a retry, because acknowledging it
/// would lose the record.
pub async fn kept(
    rejections: &impl Rejections,
    name: &str,
    rejection: &Rejection,
    fate: Fate,
) -> Fate {
    match rejections.keep(name, rejection).await {
        Ok(()) => fate,
        Err(error) => Fate::retry(
            "unkept",
            format!("{error}; it was rejected because {}", fate.reason()),
        ),
    }
}

/// [`kept`] for the record of `delivery`, which is about `subject`; any other fate goes through as it is.
pub async fn kept_if_rejected(
    rejections: &impl Rejections,
    worker: &str,
    delivery: &Delivery,
    subject: &str,
    fate: Fate,
) -> Fate {
    let Fate::Rejected(rejected) = &fate else {
        return fate;
    };
    let name = Rejection::name(worker, [delivery.identity().as_str()]);
    let rejection = Rejection::new(worker, subject, rejected, delivery.scrubbed());
    kept(rejections, &name, &rejection, fate).await
}

/// Rejections kept as objects: `rejected/WORKER/NAME.json`.
#[derive(Debug, Clone)]
pub struct ObjectRejections<S> {
    /// The object store.
    pub objects: S,
    /// The bucket.
    pub bucket: String,
}

impl<S: Objects> Rejections for ObjectRejections<S> {
    async fn keep(&self, name: &str, rejection: &Rejection) -> Result<(), KeepError> {
        let object = NewObject {
            bucket: self.bucket.clone(),
            key: format!("rejected/{}/{name}.json", rejection.worker),
            bytes: rejection.to_json().into(),
            content_type: "application/json".to_owned(),
            cache_control: None,
            metadata: BTreeMap::new(),
        };
        match self.objects.put(object, Condition::Absent).await {
            Ok(_) | Err(ObjectsError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(KeepError(error.to_string())),
        }
    }
}
