//! What stands in for AWS in a replay: folders and files.
//!
//! Everything that a worker does ends in the output folder and in one [`Journal`]; everything it reads comes from there or
//! from folders that are only read. Nothing here opens a connection.

mod cache;
mod claims;
mod journal;
mod objects;
mod out;
mod outbox;
mod paths;
mod rejections;
mod sources;
mod table;
mod topic;

use std::path::PathBuf;
use std::sync::Arc;

pub use cache::DirectoryCache;
pub use claims::DirectoryClaims;
pub use journal::{Effect, EffectKind, Journal};
pub use objects::DirectoryObjects;
pub(crate) use objects::{object_path, source_path, with_slashes};
pub use out::{OutError, OutFolder};
pub use outbox::{Outbox, OutboxMail};
pub use paths::path_of;
pub use rejections::DirectoryRejections;
pub(crate) use sources::source_file;
pub use table::DirectoryTable;
pub use topic::DirectoryTopic;

/// One of each, over one output folder. Clones share everything.
#[derive(Debug, Clone)]
pub struct StandIns {
    /// The output folder.
    pub out: Arc<OutFolder>,
    /// What changed.
    pub journal: Journal,
    /// The object store.
    pub objects: DirectoryObjects,
    /// The mailer.
    pub outbox: Outbox,
    /// The claims table.
    pub claims: DirectoryClaims,
    /// Where rejections are kept.
    pub rejections: DirectoryRejections,
    /// The topic of photos.
    pub topic: DirectoryTopic,
    /// The content delivery network.
    pub cache: DirectoryCache,
}

impl StandIns {
    /// Stand-ins that read source objects from `sources` and write to `out`.
    pub fn new(sources: Vec<PathBuf>, out: OutFolder) -> Self {
        let out = Arc::new(out);
        let journal = Journal::default();
        Self {
            objects: DirectoryObjects::new(sources, out.clone(), journal.clone()),
            outbox: Outbox::new(out.clone(), journal.clone()),
            claims: DirectoryClaims::new(out.clone()),
            rejections: DirectoryRejections::new(out.clone(), journal.clone()),
            topic: DirectoryTopic::new(out.clone(), journal.clone()),
            cache: DirectoryCache::new(out.clone(), journal.clone()),
            out,
            journal,
        }
    }

    /// The table of that name. Two of the same name are the same table.
    pub fn table(&self, name: &str) -> DirectoryTable {
        DirectoryTable::new(name, self.out.clone(), self.journal.clone())
    }
}
