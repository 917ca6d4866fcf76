//! A topic in memory that can be told to fail.

use std::sync::{Arc, Mutex};

use thumbnails::{AnnounceError, Announcer, News, PhotoEvent};
use tokio::sync::Semaphore;

/// What was announced. Clones share it.
#[derive(Clone)]
pub(crate) struct Announcements(Arc<Inner>);

struct Inner {
    told: Mutex<Vec<PhotoEvent>>,
    trap: Mutex<Option<Trap>>,
    reached: Semaphore,
    resumed: Semaphore,
}

/// What happens to the next announcement.
#[derive(Clone)]
pub(crate) enum Trap {
    /// It fails and nobody hears it.
    Fail(AnnounceError),
    /// It is heard, and the answer gets lost.
    LoseAnswer,
    /// It waits before it is heard.
    Pause,
}

impl Default for Announcements {
    fn default() -> Self {
        Self(Arc::new(Inner {
            told: Mutex::default(),
            trap: Mutex::default(),
            reached: Semaphore::new(0),
            resumed: Semaphore::new(0),
        }))
    }
}

impl Announcements {
    pub(crate) fn set(&self, trap: Trap) {
        *self.0.trap.lock().unwrap() = Some(trap);
    }

    /// Waits until an announcement pauses.
    pub(crate) async fn reached(&self) {
        let _ = self.0.reached.acquire().await;
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.0.resumed.add_permits(1);
    }

    pub(crate) fn events(&self) -> Vec<PhotoEvent> {
        self.0.told.lock().unwrap().clone()
    }

    /// Each as `photo-ready VERSION SEQUENCER/REVISION`, in the order in which they were heard; forgets them.
    pub(crate) fn take(&self) -> Vec<String> {
        let told = std::mem::take(&mut *self.0.told.lock().unwrap());
        told.iter().map(line).collect()
    }

    /// The version that subscribers take to be shown, whatever the order in which they heard of it.
    pub(crate) fn newest(&self) -> Option<String> {
        let told = self.events();
        let newest = told
            .iter()
            .max_by_key(|event| (event.sequencer.clone(), event.revision))?;
        (newest.event == News::PhotoReady).then(|| newest.source_version.clone())
    }
}

pub(crate) fn line(event: &PhotoEvent) -> String {
    let PhotoEvent {
        source_version,
        sequencer,
        revision,
        ..
    } = event;
    format!(
        "{} {source_version} {sequencer}/{revision}",
        event.event.name()
    )
}

impl Announcer for Announcements {
    async fn announce(&self, event: &PhotoEvent) -> Result<(), AnnounceError> {
        let trap = self.0.trap.lock().unwrap().take();
        let hear = || self.0.told.lock().unwrap().push(event.clone());
        match trap {
            None => hear(),
            Some(Trap::Fail(error)) => return Err(error),
            Some(Trap::LoseAnswer) => {
                hear();
                return Err(AnnounceError::Unavailable("the answer was lost".to_owned()));
            }
            Some(Trap::Pause) => {
                self.0.reached.add_permits(1);
                let _ = self.0.resumed.acquire().await;
                hear();
            }
        }
        Ok(())
    }
}
