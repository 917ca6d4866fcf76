//! Adds a worker to the checkout: everything that makes it build, tested, replayed and deployed.
//!
//! A new worker is a dozen new files and one or two lines in some old ones. All of it is made from templates and checked
//! before anything is written, and what fails half-way is taken back: a checkout has the whole worker or nothing of it.
//!
//! What a template makes works as it stands: it writes each record once, or the newest state, to a table of its own. So every
//! part of a worker can be tried before the first line of one's own, and each is there to be replaced.

mod edit;
mod name;
mod plan;
mod print;
mod report;
mod source;
mod template;
mod write;

pub use name::{NameError, WorkerName};
pub use plan::{EditedFile, NewFile, Plan, PlanError};
pub use print::print;
pub use report::Report;
pub use source::NewSource;
pub use write::{WriteError, lock, write};
