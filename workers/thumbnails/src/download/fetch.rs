use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use fleet::objects::{Chunks, ObjectsError, Opened, Parts};
use futures_util::TryStreamExt as _;
use thumbnailer::{InputError, Plan};
use tokio::sync::{mpsc, watch};

use super::arriving::Arriving;
use super::pace::{Pace, next_end, pace};

/// The fetching end of a download.
pub(crate) struct Fetch<P> {
    parts: P,
    /// What is left of the first request.
    head: Option<Chunks>,
    /// Up to where bytes were asked for.
    fetched: u64,
    length: u64,
    pace: Pace,
    arrivals: mpsc::UnboundedSender<Result<Bytes, InputError>>,
    wanted: watch::Receiver<u64>,
    /// How many bytes came.
    received: Arc<AtomicU64>,
}

/// Both ends of the download of an object, into `buffer`. Waits for the head when it is not all, to see how to go on. The
/// caller has a share of the memory for the whole object.
pub(crate) async fn begin<P: Parts>(
    opened: Opened<P>,
    mut buffer: Vec<u8>,
    plan: &Plan,
) -> Result<(Arriving, Fetch<P>), ObjectsError> {
    let Opened {
        length,
        mut head,
        head_end,
        parts,
        ..
    } = opened;
    let size = usize::try_from(length).unwrap_or(usize::MAX);
    buffer.clear();
    // One piece of memory, which the system gives page by page as they are written. The store has checked the limit.
    buffer.reserve_exact(size);
    let in_part = head_end < length;
    while in_part && let Some(chunk) = head.try_next().await? {
        buffer.extend_from_slice(&chunk);
    }
    let received = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
    let (sender, arrivals) = mpsc::unbounded_channel();
    let (wanted, wants) = watch::channel(0);
    let fetch = Fetch {
        parts,
        fetched: head_end,
        length,
        pace: if in_part {
            pace(&buffer, plan)
        } else {
            Pace::Whole
        },
        head: (!in_part).then_some(head),
        arrivals: sender,
        wanted: wants,
        received: Arc::new(AtomicU64::new(received)),
    };
    let arriving = Arriving {
        bytes: buffer,
        length: size,
        broken: None,
        unasked: fetch.pace == Pace::Whole,
        arrivals,
        wanted,
    };
    Ok((arriving, fetch))
}

impl<P: Parts> Fetch<P> {
    /// How many bytes have come so far.
    pub(crate) fn received(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.received)
    }

    /// Brings the bytes, until all are there or nobody wants more. What goes wrong the other end is told too.
    pub(crate) async fn run(mut self) -> Result<(), ObjectsError> {
        let brought = self.bring().await;
        if let Err(error) = &brought {
            let reason = error.to_string();
            let _ = self.arrivals.send(Err(InputError { reason }));
        }
        brought
    }

    async fn bring(&mut self) -> Result<(), ObjectsError> {
        if let Some(head) = self.head.take() {
            self.forward(head).await?;
        }
        while self.fetched < self.length && !self.arrivals.is_closed() {
            if self.pace == Pace::OnDemand {
                let fetched = self.fetched;
                let wanted = self.wanted.wait_for(|wanted| *wanted > fetched).await;
                if wanted.is_err() {
                    return Ok(());
                }
            }
            let wanted = *self.wanted.borrow();
            let end = next_end(self.pace, self.fetched, wanted, self.length);
            let part = self.parts.part(self.fetched..end).await?;
            self.forward(part).await?;
            self.fetched = end;
        }
        Ok(())
    }

    async fn forward(&mut self, mut chunks: Chunks) -> Result<(), ObjectsError> {
        while let Some(chunk) = chunks.try_next().await? {
            let bytes = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            self.received.fetch_add(bytes, Ordering::Relaxed);
            if self.arrivals.send(Ok(chunk)).is_err() {
                break;
            }
        }
        Ok(())
    }
}
