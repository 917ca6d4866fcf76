//! What the workers' logs say.

mod entry;
mod reader;

pub(crate) use entry::{Entry, Failure, Record, Sum, read};
pub(crate) use reader::GroupReader;
