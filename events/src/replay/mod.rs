//! Captured events through the workers, and what became of them.

mod environment;
mod event;
mod files;
mod history;
mod print;
mod run;
mod workers;

pub use environment::ReplayEnvironment;
pub(crate) use event::rounded;
pub use event::{Replay, ReplayedEvent, ReplayedRecord, Totals};
pub use files::{event_files, events_in, nearest_objects};
pub use history::{History, Past, PastManifest};
pub use print::{Printer, Progress};
pub use run::{Options, UsageError, replay};
pub(crate) use run::{known_worker, known_workers, sources};
pub use workers::{AnyWorker, Fleet, WORKERS, WorkerEntry};
pub(crate) use workers::{route_of, worker_of};
