//! The object store as workers see it: S3 in Lambda, a directory in the replay, a table in tests.

mod opened;

use std::collections::BTreeMap;
use std::future::Future;

use bytes::Bytes;

use crate::fate::Fate;

pub use self::opened::{Chunks, Opened, Parts, in_chunks};

/// Which bytes to read: a key, and which state of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// The bucket's name.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// Read this version, in a versioned bucket.
    pub version: Option<String>,
    /// Read only if the object still has this entity tag. Without quotes.
    pub etag: Option<String>,
}

impl ObjectRef {
    /// The current state of a key.
    pub fn current(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            key: key.into(),
            version: None,
            etag: None,
        }
    }
}

impl std::fmt::Display for ObjectRef {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "s3://{}/{}", self.bucket, self.key)
    }
}

/// An object that was read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Its user metadata; names in lower case, without the `x-amz-meta-` prefix.
    pub metadata: BTreeMap<String, String>,
}

/// An object to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewObject {
    /// The bucket's name.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// `Content-Type`.
    pub content_type: String,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// User metadata; names in lower case, values printable ASCII.
    pub metadata: BTreeMap<String, String>,
}

/// When a write may take place. S3 decides it atomically.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Always.
    None,
    /// Only if the key does not exist (`If-None-Match: *`).
    Absent,
    /// Only if the object has this entity tag (`If-Match`).
    Unchanged(String),
}

/// An object store.
///
/// Every method says what went wrong in a way that a fate can be chosen from. A missing bucket is not a missing object:
/// it is [`ObjectsError::Denied`], something that an operator mends. Clones are cheap and share the store.
pub trait Objects: Clone + Send + Sync + 'static {
    /// Reads parts of an object that was opened.
    type Parts: Parts;

    /// Opens an object of at most `max_bytes`: asks for its first `first_bytes`, or for all of it in one stream when that
    /// is as much or more, and for what is known of it. A larger object is refused before its bytes are read. An empty
    /// one has an empty head.
    fn open(
        &self,
        source: &ObjectRef,
        first_bytes: u64,
        max_bytes: u64,
    ) -> impl Future<Output = Result<Opened<Self::Parts>, ObjectsError>> + Send;

    /// Reads an object of at most `max_bytes`, streaming: a larger one is refused before or while it is read, and one that
    /// ends early is [`ObjectsError::Truncated`], never a short object.
    fn get(
        &self,
        source: &ObjectRef,
        max_bytes: u64,
    ) -> impl Future<Output = Result<Object, ObjectsError>> + Send;

    /// Writes an object and returns its entity tag, or [`ObjectsError::ConditionFailed`].
    fn put(
        &self,
        object: NewObject,
        condition: Condition,
    ) -> impl Future<Output = Result<String, ObjectsError>> + Send;

    /// Deletes an object. Deleting what is not there succeeds.
    fn delete(
        &self,
        bucket: &str,
        key: &str,
    ) -> impl Future<Output = Result<(), ObjectsError>> + Send;

    /// All keys that begin with `prefix`, in order.
    fn list(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> impl Future<Output = Result<Vec<String>, ObjectsError>> + Send;
}

/// Why an object store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectsError {
    /// No such key, or no such version of it.
    #[error("there is no object {0}")]
    NotFound(String),
    /// The condition of a read or a write does not hold (any more).
    #[error("{0} has changed in the meantime")]
    ConditionFailed(String),
    /// Larger than the reader allows.
    #[error("{object} has {actual} bytes, over the limit of {limit}")]
    TooLarge {
        /// The object.
        object: String,
        /// Its size in bytes, or how many were read when the limit was passed.
        actual: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The connection ended before the object did.
    #[error("the read of {object} ended after {actual} of {expected} bytes")]
    Truncated {
        /// The object.
        object: String,
        /// How many bytes came.
        actual: u64,
        /// How many were announced.
        expected: u64,
    },
    /// Access denied, no such bucket, a key of KMS out of reach: an operator must mend it.
    #[error("access to {object} was refused: {reason}")]
    Denied {
        /// The object.
        object: String,
        /// What the store said.
        reason: String,
    },
    /// Too many requests.
    #[error("requests for {object} are throttled: {reason}")]
    Throttled {
        /// The object.
        object: String,
        /// What the store said.
        reason: String,
    },
    /// A timeout, a lost connection, a server error, or an answer that nobody foresaw.
    #[error("the object store failed on {object}: {reason}")]
    Unavailable {
        /// The object.
        object: String,
        /// What happened, with its causes.
        reason: String,
    },
}

impl ObjectsError {
    /// The fate of a record whose work needed this to succeed. What a missing or changed *source* means is for its
    /// worker to say before it comes here; here they are lost races, worth another try.
    pub fn fate(&self) -> Fate {
        let reason = self.to_string();
        // Exhaustive on purpose: a new error does not compile until its fate is chosen.
        match self {
            Self::NotFound(_) => Fate::retry("missing", reason),
            Self::ConditionFailed(_) => Fate::retry("contended", reason),
            Self::TooLarge { .. } => Fate::rejected("limit", reason),
            Self::Truncated { .. } => Fate::retry("truncated", reason),
            Self::Denied { .. } => Fate::retry("denied", reason),
            Self::Throttled { .. } => Fate::retry("throttled", reason),
            Self::Unavailable { .. } => Fate::retry("unavailable", reason),
        }
    }
}
