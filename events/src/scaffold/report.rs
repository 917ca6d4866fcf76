//! What was added, for people and programs.

use serde::Serialize;

use super::plan::Plan;
use super::source::NewSource;

/// A worker that was added, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Its name.
    pub worker: String,
    /// What it takes.
    pub source: NewSource,
    /// Whether nothing was written, as asked.
    pub dry_run: bool,
    /// The new files, below the checkout.
    pub created: Vec<String>,
    /// The files that got lines.
    pub edited: Vec<Edited>,
    /// Whether `Cargo.lock` knows the new crates.
    pub locked: bool,
    /// The commands to go on with.
    pub next: Vec<String>,
}

/// A file that got lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edited {
    /// Below the checkout.
    pub path: String,
    /// The lines.
    pub added: Vec<String>,
}

impl Report {
    /// Of a plan.
    pub fn of(plan: &Plan, dry_run: bool, locked: bool) -> Self {
        let name = &plan.name;
        let update = (!locked && !dry_run).then(|| "cargo update --workspace".to_owned());
        let next = [
            format!("cargo test -p {name} -p {name}-lambda"),
            format!("cargo run -- replay events/{name}"),
            "cargo run -- up".to_owned(),
        ];
        Self {
            worker: name.to_string(),
            source: plan.source,
            dry_run,
            created: plan.created.iter().map(|file| file.path.clone()).collect(),
            edited: plan
                .edited
                .iter()
                .map(|file| Edited {
                    path: file.path.to_owned(),
                    added: file.added.clone(),
                })
                .collect(),
            locked,
            next: update.into_iter().chain(next).collect(),
        }
    }
}
