use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::ops::Range;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use super::ObjectsError;

/// Bytes as they arrive. They are exactly those that were asked for, or the last item is an error: what ends early is
/// [`ObjectsError::Truncated`]. Dropping it ends the transfer.
pub type Chunks = BoxStream<'static, Result<Bytes, ObjectsError>>;

/// An object of which reading has begun.
pub struct Opened<P> {
    /// Its size in bytes.
    pub length: u64,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// Its user metadata; names in lower case, without the `x-amz-meta-` prefix.
    pub metadata: BTreeMap<String, String>,
    /// Its bytes from the first to `head_end`, on their way already.
    pub head: Chunks,
    /// Where the head ends: what was asked for, or the size of the object if that is less. A store that cannot send a part
    /// sends everything, and this is the object's size.
    pub head_end: u64,
    /// The way to the other bytes.
    pub parts: P,
}

impl<P> fmt::Debug for Opened<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Opened")
            .field("length", &self.length)
            .field("etag", &self.etag)
            .field("head_end", &self.head_end)
            .finish_non_exhaustive()
    }
}

/// Reads parts of one state of an object.
pub trait Parts: Send + Sync + 'static {
    /// The bytes of `range`, which lies within the object and is not empty, of exactly the state that was opened: one that
    /// was overwritten since is [`ObjectsError::ConditionFailed`], or the old bytes where the store still has them, never
    /// a mixture.
    fn part(&self, range: Range<u64>) -> impl Future<Output = Result<Chunks, ObjectsError>> + Send;
}

/// Bytes that are all there as chunks of at most `chunk_bytes`.
pub fn in_chunks(bytes: Bytes, chunk_bytes: usize) -> Chunks {
    let chunk_bytes = chunk_bytes.max(1);
    stream::unfold(bytes, move |mut rest| async move {
        let chunk = rest.split_to(chunk_bytes.min(rest.len()));
        (!chunk.is_empty()).then_some((Ok(chunk), rest))
    })
    .boxed()
}
