//! Bounds what photos in flight take of the function's memory and cores.

use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory is counted in these: a semaphore has too few permits for bytes.
const UNIT_BYTES: u64 = 64 * 1024;

/// Lambda gives a core for so much memory ("Configure Lambda function memory"). With less it shows two cores, but lets them
/// run for a part of the time, so that a second thread gains nothing.
const CORE_BYTES: u64 = 1_769 * 1024 * 1024;

/// How the photos of a batch share the cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sharing {
    /// How many threads may work on one photo: all cores on one that is alone, else one, because photos side by side lose
    /// nothing at the seams. A decoder uses several only on a photo that is all there, and none waits for that: one core
    /// decodes faster than a connection brings bytes.
    pub(crate) threads: NonZero<usize>,
    /// Whether a photo is decoded while it arrives: when each has a core of its own. Else a core goes to a photo that is
    /// there, and never waits for the network while another photo could have it.
    pub(crate) overlaps: bool,
}

impl Sharing {
    /// For so many photos in a function with `memory_bytes`.
    pub(crate) fn new(photos: usize, memory_bytes: u64) -> Self {
        let cores = usize::try_from(memory_bytes / CORE_BYTES).unwrap_or(usize::MAX);
        let cores = cores.min(available_parallelism().map_or(1, NonZero::get));
        let cores = NonZero::new(cores).unwrap_or(NonZero::<usize>::MIN);
        Self {
            threads: if photos > 1 {
                NonZero::<usize>::MIN
            } else {
                cores
            },
            overlaps: photos <= cores.get(),
        }
    }
}

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
pub(crate) struct Share(Vec<OwnedSemaphorePermit>);

impl Share {
    /// Gives back what a share of memory has beyond `bytes`.
    pub(crate) fn shrink_to(&mut self, bytes: u64) {
        let units = usize::try_from(bytes / UNIT_BYTES + 1).unwrap_or(usize::MAX);
        for permit in &mut self.0 {
            let surplus = permit.num_permits().saturating_sub(units);
            drop(permit.split(surplus));
        }
    }
}

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
        let cores = available_parallelism().map_or(1, NonZero::get);
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
    async fn what_turns_out_smaller_gives_the_rest_back() {
        let budget = Budget::new(64 * 1024 * 1024);
        let mut share = budget.download(16 * 1024 * 1024).await;
        share.shrink_to(2 * 1024 * 1024);
        let second = budget.download(13 * 1024 * 1024).await;
        let third = timeout(Duration::from_secs(1), budget.download(2 * 1024 * 1024)).await;
        assert!(third.is_err());
        drop((share, second));
        budget.download(16 * 1024 * 1024).await;
    }

    #[test]
    fn only_a_photo_that_is_alone_gets_more_threads_and_only_where_lambda_has_cores() {
        let cores = available_parallelism().map_or(1, NonZero::get);
        let threads = |photos, memory_bytes| Sharing::new(photos, memory_bytes).threads.get();
        assert_eq!(threads(1, u64::MAX), cores);
        assert_eq!(threads(2, u64::MAX), 1);
        assert_eq!(threads(1, 2 * CORE_BYTES - 1), 1);
        assert_eq!(threads(1, 2 * CORE_BYTES), cores.min(2));
        assert_eq!(threads(0, 0), 1);
    }

    #[test]
    fn only_a_photo_with_a_core_of_its_own_is_decoded_while_it_arrives() {
        let cores = available_parallelism().map_or(1, NonZero::get);
        assert!(Sharing::new(1, 0).overlaps);
        assert!(!Sharing::new(2, CORE_BYTES).overlaps);
        assert!(Sharing::new(cores, u64::MAX).overlaps);
        assert!(!Sharing::new(cores + 1, u64::MAX).overlaps);
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
