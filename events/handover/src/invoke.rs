//! What `flotilla replay --against` and `flotilla-aws invoke` say to each other.
//!
//! Lines of JSON: first a [`Greeting`], then an [`Answer`] to each [`Ask`]. So the report of a replay is made in one place,
//! whichever side of the network the worker ran on.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The first line: the stack was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// Where it is, for people: `local AWS at http://127.0.0.1:4566, stage local`.
    pub place: String,
    /// Whether it is local AWS, where nothing costs anything and nobody gets mail.
    pub local: bool,
    /// The bucket for uploads, which the workers may read.
    pub uploads_bucket: String,
    /// The bucket of thumbnails, which they write.
    pub thumbnails_bucket: String,
    /// The workers that are deployed.
    pub workers: Vec<String>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Put an object.
    Put(PutAsk),
    /// Invoke a worker's function.
    Invoke(InvokeAsk),
}

/// An object to put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutAsk {
    /// Its bucket. In local AWS it is made if it is missing.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// The file that has its bytes.
    pub file: PathBuf,
    /// Whether the event names a version: a bucket that is made keeps versions then.
    pub versioned: bool,
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvokeAsk {
    /// Whose.
    pub worker: String,
    /// What it gets.
    pub payload: Value,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The object is there.
    Put(PutAnswer),
    /// The function was called.
    Invoke(InvokeAnswer),
    /// Neither could be done, for this reason.
    Failed(String),
}

/// An object that was put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutAnswer {
    /// Its version, in a bucket that keeps versions.
    pub version: Option<String>,
}

/// A call that ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvokeAnswer {
    /// What the function returned.
    pub payload: Value,
    /// `Handled` or `Unhandled`: the function failed, and the payload says how.
    pub function_error: Option<String>,
    /// From the request to the answer, in milliseconds.
    pub elapsed_ms: f64,
}
