//! Bounds what photos in flight take of the function's memory and cores.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory is counted in these: a semaphore has too few permits for bytes.
const UNIT_BYTES: u64 = 64 * 1024;

/// What all photos in flight share.
///
/// Two memory budgets, so that photos which wait to be decoded cannot starve the one that is: a photo takes of the download
/// budget, then of the decoding budget, then a core, and gives all back at the end; nothing is ever waited for in the
/// other direction.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    downloads: Pool,
    decoding: Pool,
    cores: Pool,
}

/// A share of the budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share(
    #[expect(dead_code, reason = "held for its drop")] Vec<OwnedSemaphorePermit>,
);

#[derive(Debug, Clone)]
struct Pool {
    semaphore: Arc<Semaphore>,
    size: u32,
}

impl Pool {
    fn new(size: u64) -> Self {
        let size = u32::try_from(size).unwrap_or(u32::MAX).max(1);
        // The semaphore's own limit is far above this on 64 bits.
        let permits = usize::try_from(size).unwrap_or(usize::MAX);
        Self {
            semaphore: Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS))),
            size,
        }
    }

    /// Waits for `wanted`, or for all there is when that is less: alone is the best that a large photo can be.
    async fn take(&self, wanted: u64) -> Option<OwnedSemaphorePermit> {
        let wanted = u32::try_from(wanted)
            .unwrap_or(u32::MAX)
            .clamp(1, self.size);
        // Fails only when the semaphore is closed, which nobody does.
        Arc::clone(&self.semaphore)
            .acquire_many_owned(wanted)
            .await
            .ok()
    }
}

impl Budget {
    /// The budget of a function with `memory_bytes`: a quarter for encoded bytes, half for decoding, the rest for the
    /// process itself and for the thumbnails.
    pub(crate) fn new(memory_bytes: u64) -> Self {
        let cores = available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            downloads: Pool::new(memory_bytes / 4 / UNIT_BYTES),
            decoding: Pool::new(memory_bytes / 2 / UNIT_BYTES),
            cores: Pool::new(u64::try_from(cores).unwrap_or(1)),
        }
    }

    /// Waits until `bytes` may be downloaded.
    pub(crate) async fn download(&self, bytes: u64) -> Share {
        Share(
            self.downloads
                .take(bytes / UNIT_BYTES + 1)
                .await
                .into_iter()
                .collect(),
        )
    }

    /// Waits until `bytes` may be used for decoding, and for a core to do it on.
    pub(crate) async fn decode(&self, bytes: u64) -> Share {
        let memory = self.decoding.take(bytes / UNIT_BYTES + 1).await;
        let core = self.cores.take(1).await;
        Share(memory.into_iter().chain(core).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_does_not_fit_waits() {
        let budget = Budget::new(64 * 1024 * 1024);
        let share = budget.download(15 * 1024 * 1024).await;
        let second = timeout(Duration::from_secs(1), budget.download(2 * 1024 * 1024)).await;
        assert!(second.is_err());
        drop(share);
        budget.download(2 * 1024 * 1024).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_larger_than_all_goes_alone() {
        let budget = Budget::new(64 * 1024 * 1024);
        let share = budget.decode(u64::MAX).await;
        assert!(
            timeout(Duration::from_secs(1), budget.decode(1))
                .await
                .is_err()
        );
        drop(share);
        budget.decode(1).await;
    }
}
