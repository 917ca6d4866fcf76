//! In-memory stores that can be told to fail, for the tests of workers.

mod parts;
mod table;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Semaphore;

use crate::claim::{Claim, ClaimError, ClaimTable, Replaced};
use crate::digest::sha256_hex;
use crate::objects::{Condition, NewObject, Object, ObjectRef, Objects, ObjectsError, Opened};
use crate::rejection::{KeepError, Rejection, Rejections};

pub use self::parts::MemoryParts;
pub use self::table::{MemoryTable, TableOperation};

/// The operations of a store, as faults and pauses name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// [`Objects::get`].
    Get,
    /// [`Objects::open`].
    Open,
    /// [`Parts::part`](crate::objects::Parts::part).
    Part,
    /// [`Objects::put`].
    Put,
    /// [`Objects::delete`].
    Delete,
    /// [`Objects::list`].
    List,
}

/// What happens at an operation whose key contains a text.
#[derive(Debug)]
enum Trap {
    Fail(ObjectsError),
    Panic,
    Pause(Pause),
    Cut(usize),
}

/// A call that waits in the middle, so that a test can let something else happen first.
#[derive(Debug, Clone)]
pub struct Pause {
    reached: Arc<Semaphore>,
    resumed: Arc<Semaphore>,
}

impl Pause {
    fn new() -> Self {
        Self {
            reached: Arc::new(Semaphore::new(0)),
            resumed: Arc::new(Semaphore::new(0)),
        }
    }

    async fn wait(&self) {
        self.reached.add_permits(1);
        let _ = self.resumed.acquire().await;
    }

    /// Waits until the call has come to the pause.
    pub async fn reached(&self) {
        let _ = self.reached.acquire().await;
    }

    /// Lets the call go on.
    pub fn resume(&self) {
        self.resumed.add_permits(1);
    }
}

/// An object store in memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryObjects(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    current: BTreeMap<(String, String), NewObject>,
    versions: HashMap<(String, String, String), Bytes>,
    traps: Vec<(Operation, String, Trap)>,
    journal: VecDeque<String>,
    reads: Vec<(String, Range<u64>)>,
    sent: HashMap<String, u64>,
}

impl MemoryObjects {
    /// Places an object without metadata, and under `version` too when one is given.
    pub fn place(&self, bucket: &str, key: &str, version: Option<&str>, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        let mut inner = self.lock();
        if let Some(version) = version {
            let name = (bucket.to_owned(), key.to_owned(), version.to_owned());
            inner.versions.insert(name, bytes.clone());
        }
        let object = NewObject {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            bytes,
            content_type: "application/octet-stream".to_owned(),
            cache_control: None,
            metadata: BTreeMap::new(),
        };
        inner
            .current
            .insert((bucket.to_owned(), key.to_owned()), object);
    }

    /// Takes an object away, with every version of it.
    pub fn remove(&self, bucket: &str, key: &str) {
        let mut inner = self.lock();
        inner.current.remove(&(bucket.to_owned(), key.to_owned()));
        inner
            .versions
            .retain(|(b, k, _), _| (b.as_str(), k.as_str()) != (bucket, key));
    }

    /// What stands under a key.
    pub fn object(&self, bucket: &str, key: &str) -> Option<NewObject> {
        self.lock()
            .current
            .get(&(bucket.to_owned(), key.to_owned()))
            .cloned()
    }

    /// All keys of a bucket, in order.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        let inner = self.lock();
        inner
            .current
            .keys()
            .filter(|(b, _)| b == bucket)
            .map(|(_, key)| key.clone())
            .collect()
    }

    /// Every write and delete so far, as `put KEY` and `delete KEY`; forgets them.
    pub fn take_journal(&self) -> Vec<String> {
        self.lock().journal.drain(..).collect()
    }

    /// Which bytes of `key` were asked for by [`Objects::open`] and after it, request by request: from where and to before
    /// where.
    pub fn requests(&self, key: &str) -> Vec<[u64; 2]> {
        let inner = self.lock();
        let of_key = inner.reads.iter().filter(|(read, _)| read == key);
        of_key.map(|(_, range)| [range.start, range.end]).collect()
    }

    /// How many bytes of `key` were taken by whoever opened it.
    pub fn sent_bytes(&self, key: &str) -> u64 {
        self.lock().sent.get(key).copied().unwrap_or_default()
    }

    /// Makes the connection of the next read by `operation` of a key that contains `part` break after `bytes` bytes.
    pub fn cut_once(&self, operation: Operation, part: &str, bytes: usize) {
        self.set(operation, part, Trap::Cut(bytes));
    }

    /// Makes the next operation on a key that contains `part` fail.
    pub fn fail_once(&self, operation: Operation, part: &str, error: ObjectsError) {
        self.set(operation, part, Trap::Fail(error));
    }

    /// Makes the next operation on a key that contains `part` panic.
    pub fn panic_once(&self, operation: Operation, part: &str) {
        self.set(operation, part, Trap::Panic);
    }

    /// Makes the next operation on a key that contains `part` wait.
    pub fn pause_once(&self, operation: Operation, part: &str) -> Pause {
        let pause = Pause::new();
        self.set(operation, part, Trap::Pause(pause.clone()));
        pause
    }

    fn set(&self, operation: Operation, part: &str, trap: Trap) {
        self.lock().traps.push((operation, part.to_owned(), trap));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Meets what the test has set for this operation; `Some` after how many bytes its connection is to break.
    async fn spring(&self, operation: Operation, key: &str) -> Result<Option<usize>, ObjectsError> {
        let trap = {
            let mut inner = self.lock();
            let index = inner
                .traps
                .iter()
                .position(|(kind, part, _)| *kind == operation && key.contains(part.as_str()));
            index.map(|index| inner.traps.remove(index).2)
        };
        match trap {
            None => Ok(None),
            Some(Trap::Fail(error)) => Err(error),
            Some(Trap::Panic) => panic!("the store was told to panic"),
            Some(Trap::Cut(bytes)) => Ok(Some(bytes)),
            Some(Trap::Pause(pause)) => {
                pause.wait().await;
                Ok(None)
            }
        }
    }

    /// What is there now of a version or a key, if its entity tag is the wanted one.
    fn read(&self, source: &ObjectRef) -> Result<Object, ObjectsError> {
        let inner = self.lock();
        let current = inner
            .current
            .get(&(source.bucket.clone(), source.key.clone()));
        let bytes = match &source.version {
            Some(version) => inner
                .versions
                .get(&(source.bucket.clone(), source.key.clone(), version.clone()))
                .cloned(),
            None => current.map(|object| object.bytes.clone()),
        }
        .ok_or_else(|| ObjectsError::NotFound(source.to_string()))?;
        let etag = etag(&bytes);
        if source.etag.as_ref().is_some_and(|wanted| *wanted != etag) {
            return Err(ObjectsError::ConditionFailed(source.to_string()));
        }
        Ok(Object {
            etag,
            metadata: current
                .map(|object| object.metadata.clone())
                .unwrap_or_default(),
            bytes,
        })
    }
}

/// The size of an object that is not over the limit.
fn within(source: &ObjectRef, object: &Object, limit: u64) -> Result<u64, ObjectsError> {
    let actual = u64::try_from(object.bytes.len()).unwrap_or(u64::MAX);
    if actual > limit {
        return Err(ObjectsError::TooLarge {
            object: source.to_string(),
            actual,
            limit,
        });
    }
    Ok(actual)
}

fn etag(bytes: &[u8]) -> String {
    sha256_hex([bytes])[..32].to_owned()
}

impl Objects for MemoryObjects {
    type Parts = MemoryParts;

    async fn open(
        &self,
        source: &ObjectRef,
        first_bytes: u64,
        max_bytes: u64,
    ) -> Result<Opened<MemoryParts>, ObjectsError> {
        let cut = self.spring(Operation::Open, &source.key).await?;
        let object = self.read(source)?;
        let length = within(source, &object, max_bytes)?;
        let head_end = first_bytes.min(length);
        let parts = MemoryParts {
            objects: self.clone(),
            state: ObjectRef {
                etag: Some(object.etag.clone()),
                ..source.clone()
            },
        };
        Ok(Opened {
            length,
            head: parts.chunks(&object.bytes, &(0..head_end), cut),
            head_end,
            etag: object.etag,
            metadata: object.metadata,
            parts,
        })
    }

    async fn get(&self, source: &ObjectRef, max_bytes: u64) -> Result<Object, ObjectsError> {
        let cut = self.spring(Operation::Get, &source.key).await?;
        let object = self.read(source)?;
        let expected = within(source, &object, max_bytes)?;
        match cut {
            None => Ok(object),
            Some(bytes) => Err(ObjectsError::Truncated {
                object: source.to_string(),
                actual: u64::try_from(bytes).unwrap_or(u64::MAX),
                expected,
            }),
        }
    }

    async fn put(&self, object: NewObject, condition: Condition) -> Result<String, ObjectsError> {
        self.spring(Operation::Put, &object.key).await?;
        let mut inner = self.lock();
        let name = (object.bucket.clone(), object.key.clone());
        let standing = inner.current.get(&name).map(|object| etag(&object.bytes));
        let holds = match condition {
            Condition::None => true,
            Condition::Absent => standing.is_none(),
            Condition::Unchanged(wanted) => standing == Some(wanted),
        };
        if !holds {
            return Err(ObjectsError::ConditionFailed(format!(
                "s3://{}/{}",
                name.0, name.1
            )));
        }
        let etag = etag(&object.bytes);
        inner.journal.push_back(format!("put {}", object.key));
        inner.current.insert(name, object);
        Ok(etag)
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), ObjectsError> {
        self.spring(Operation::Delete, key).await?;
        let mut inner = self.lock();
        inner.current.remove(&(bucket.to_owned(), key.to_owned()));
        inner.journal.push_back(format!("delete {key}"));
        Ok(())
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, ObjectsError> {
        self.spring(Operation::List, prefix).await?;
        let keys = self.keys(bucket);
        Ok(keys
            .into_iter()
            .filter(|key| key.starts_with(prefix))
            .collect())
    }
}

/// Rejections in memory, by name. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryRejections(Arc<Mutex<MemoryRejectionsInner>>);

#[derive(Debug, Default)]
struct MemoryRejectionsInner {
    kept: BTreeMap<String, Rejection>,
    failing: bool,
}

impl MemoryRejections {
    /// Everything that was kept.
    pub fn all(&self) -> BTreeMap<String, Rejection> {
        self.lock().kept.clone()
    }

    /// Makes every keeping fail, or succeed again.
    pub fn set_failing(&self, failing: bool) {
        self.lock().failing = failing;
    }

    fn lock(&self) -> MutexGuard<'_, MemoryRejectionsInner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rejections for MemoryRejections {
    async fn keep(&self, name: &str, rejection: &Rejection) -> Result<(), KeepError> {
        let mut inner = self.lock();
        if inner.failing {
            return Err(KeepError("the store was told to fail".to_owned()));
        }
        inner
            .kept
            .entry(name.to_owned())
            .or_insert_with(|| rejection.clone());
        Ok(())
    }
}

/// A table of claims in memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryClaims {
    claims: Arc<Mutex<HashMap<String, Claim>>>,
    faults: Arc<Mutex<VecDeque<Option<ClaimError>>>>,
}

impl MemoryClaims {
    /// What stands under a key.
    pub fn get(&self, key: &str) -> Option<Claim> {
        self.claims().get(key).cloned()
    }

    /// Every claim, in order of the keys.
    pub fn all(&self) -> BTreeMap<String, Claim> {
        self.claims().clone().into_iter().collect()
    }

    /// What the next writes meet, one each: `None` succeeds.
    pub fn fail_next(&self, faults: impl IntoIterator<Item = Option<ClaimError>>) {
        let mut queue = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        queue.extend(faults);
    }

    fn claims(&self) -> MutexGuard<'_, HashMap<String, Claim>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self) -> Result<(), ClaimError> {
        let mut queue = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        queue.pop_front().flatten().map_or(Ok(()), Err)
    }
}

impl ClaimTable for MemoryClaims {
    async fn insert(&self, key: &str, claim: &Claim) -> Result<Option<Claim>, ClaimError> {
        self.fault()?;
        let mut claims = self.claims();
        let standing = claims.get(key).cloned();
        if standing.is_none() {
            claims.insert(key.to_owned(), claim.clone());
        }
        Ok(standing)
    }

    async fn replace(
        &self,
        key: &str,
        revision: u64,
        claim: &Claim,
    ) -> Result<Replaced, ClaimError> {
        self.fault()?;
        let mut claims = self.claims();
        match claims.get(key) {
            Some(standing) if standing.revision == revision => {
                claims.insert(key.to_owned(), claim.clone());
                Ok(Replaced::Yes)
            }
            standing => Ok(Replaced::No(standing.cloned())),
        }
    }
}
