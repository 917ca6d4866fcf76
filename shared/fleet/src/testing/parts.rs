use std::ops::Range;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{MemoryObjects, Operation};
use crate::objects::{Chunks, ObjectRef, ObjectsError, Parts, in_chunks};

/// Chunks are as small as those of a slow network, so that what stops in the middle does.
const CHUNK_BYTES: usize = 4096;

/// One state of an object in memory.
#[derive(Debug, Clone)]
pub struct MemoryParts {
    pub(super) objects: MemoryObjects,
    /// With the entity tag that it had when it was opened.
    pub(super) state: ObjectRef,
}

impl MemoryParts {
    /// The bytes of `range`, or as many of them as come before a cut. Notes the request, and counts each chunk when it is
    /// taken.
    pub(super) fn chunks(&self, bytes: &Bytes, range: &Range<u64>, cut: Option<usize>) -> Chunks {
        let key = self.state.key.clone();
        self.objects.lock().reads.push((key.clone(), range.clone()));
        let end = index(range.end).min(bytes.len());
        let wanted = bytes.slice(index(range.start).min(end)..end);
        let cut = cut.filter(|cut| *cut < wanted.len());
        let broken = cut.map(|cut| {
            Err(ObjectsError::Truncated {
                object: self.state.to_string(),
                actual: range.start.saturating_add(size(cut)),
                expected: size(bytes.len()),
            })
        });
        let sent = wanted.slice(..cut.unwrap_or(wanted.len()));
        let objects = self.objects.clone();
        in_chunks(sent, CHUNK_BYTES)
            .inspect_ok(move |chunk| {
                *objects.lock().sent.entry(key.clone()).or_default() += size(chunk.len());
            })
            .chain(stream::iter(broken))
            .boxed()
    }
}

impl Parts for MemoryParts {
    async fn part(&self, range: Range<u64>) -> Result<Chunks, ObjectsError> {
        let cut = self
            .objects
            .spring(Operation::Part, &self.state.key)
            .await?;
        let object = self.objects.read(&self.state)?;
        Ok(self.chunks(&object.bytes, &range, cut))
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Objects as _;

    fn store() -> (MemoryObjects, ObjectRef) {
        let objects = MemoryObjects::default();
        objects.place("b", "k", Some("v1"), vec![1; 10_000]);
        (objects, ObjectRef::current("b", "k"))
    }

    async fn length(chunks: Chunks) -> Result<usize, ObjectsError> {
        chunks
            .try_fold(0, |sum, chunk| async move { Ok(sum + chunk.len()) })
            .await
    }

    #[tokio::test]
    async fn every_request_is_known_and_only_what_is_taken_is_counted() {
        let (objects, source) = store();
        let opened = objects.open(&source, 1_000, 10_000).await.unwrap();
        assert_eq!((opened.length, opened.head_end), (10_000, 1_000));
        assert_eq!(length(opened.head).await, Ok(1_000));
        let mut part = opened.parts.part(1_000..10_000).await.unwrap();
        part.try_next().await.unwrap();
        drop(part);
        assert_eq!(objects.requests("k"), [[0, 1_000], [1_000, 10_000]]);
        assert_eq!(objects.sent_bytes("k"), 1_000 + 4_096);
    }

    #[tokio::test]
    async fn what_was_overwritten_has_no_more_parts_unless_its_version_is_kept() {
        let (objects, source) = store();
        let versioned = ObjectRef {
            version: Some("v1".to_owned()),
            ..source.clone()
        };
        let current = objects.open(&source, 1, 10_000).await.unwrap();
        let version = objects.open(&versioned, 1, 10_000).await.unwrap();
        objects.place("b", "k", Some("v2"), vec![2; 10_000]);
        let changed = current.parts.part(1..2).await.err();
        assert_eq!(
            changed,
            Some(ObjectsError::ConditionFailed("s3://b/k".to_owned()))
        );
        let old = version.parts.part(1..2).await.unwrap();
        assert_eq!(old.try_collect::<Vec<_>>().await.unwrap(), [&[1][..]]);
    }

    #[tokio::test]
    async fn a_connection_that_is_cut_is_an_error_after_the_bytes_that_came() {
        let (objects, source) = store();
        objects.cut_once(Operation::Part, "k", 5_000);
        let opened = objects.open(&source, 1_000, 10_000).await.unwrap();
        let cut = opened.parts.part(1_000..10_000).await.unwrap();
        let truncated = ObjectsError::Truncated {
            object: "s3://b/k".to_owned(),
            actual: 6_000,
            expected: 10_000,
        };
        assert_eq!(length(cut).await, Err(truncated));
        assert_eq!(objects.sent_bytes("k"), 5_000);
        let again = opened.parts.part(1_000..10_000).await.unwrap();
        assert_eq!(length(again).await, Ok(9_000));
    }
}
