//! What will be written, all of it, before anything is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::edit;
use super::name::WorkerName;
use super::source::NewSource;
use super::template;

/// A worker to be added to a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The checkout.
    pub root: PathBuf,
    /// The worker's name.
    pub name: WorkerName,
    /// What it takes.
    pub source: NewSource,
    /// The files that come into being.
    pub created: Vec<NewFile>,
    /// The files that get lines.
    pub edited: Vec<EditedFile>,
}

/// A file that comes into being.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Below the checkout.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// A file that gets lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedFile {
    /// Below the checkout.
    pub path: &'static str,
    /// What is in it now.
    pub before: String,
    /// What will be.
    pub after: String,
    /// The lines that it gets.
    pub added: Vec<String>,
}

/// The worker cannot be added. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Not below a checkout.
    #[error(
        "this is no checkout of Flotilla: go to the folder that has Cargo.toml and workers/, or below it"
    )]
    NoCheckout,
    /// A file or folder of the new worker is there.
    #[error("{0} is there already: choose another name, or remove it first")]
    Exists(String),
    /// The build has a crate of that name.
    #[error("the build has a crate called {0}: choose another name")]
    CrateExists(String),
    /// The stack has a table of that name.
    #[error("the stack has a table called {0}: choose another name")]
    TableExists(String),
    /// A queue of another worker ends like that of the new one, so a replay could take one for the other.
    #[error("a queue of {0} ends in the same name: choose another")]
    Ambiguous(String),
    /// A file is not as it must be.
    #[error(
        "{path} has changed: {expected} is not there any more, which is where a new worker's line goes"
    )]
    NoPlace {
        /// Which file.
        path: &'static str,
        /// What is looked for.
        expected: String,
    },
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A template cannot be filled in: a bug.
    #[error("a template cannot be filled in: {0}")]
    Template(#[from] minijinja::Error),
}

const WORKSPACE: &str = "Cargo.toml";
const CLI: &str = "events/Cargo.toml";
const REPLAY: &str = "events/src/replay/workers/mod.rs";
const EVENTS: &str = "events/README.md";
const STACK: &str = "cdk/lib/workers.ts";
const DOORS: &str = "cdk/test/doors.test.ts";

/// The comments and headings that lines are added at.
const WORKSPACE_LIST: &str = "# The fleet";
const CLI_LIST: &str = "[dependencies]";
const REPLAY_LIST: &str = "    // New workers go below this line.";
const EVENTS_TABLES: &str = "<!-- The tables are written by";
const STACK_LIST: &str = "  // New workers go above this line.";

impl Plan {
    /// Plans the worker of that name for the checkout around `folder`.
    pub fn new(folder: &Path, name: WorkerName, source: NewSource) -> Result<Self, PlanError> {
        let root = handover::checkout(folder).ok_or(PlanError::NoCheckout)?;
        let created: Vec<NewFile> = template::files(&name, source)?
            .into_iter()
            .map(|(path, text)| NewFile { path, text })
            .collect();
        free(root, &name)?;
        let edited = edits(root, &name, source)?;
        Ok(Self {
            root: root.to_owned(),
            name,
            source,
            created,
            edited,
        })
    }
}

/// That nothing else has the name.
fn free(root: &Path, name: &WorkerName) -> Result<(), PlanError> {
    for path in [
        format!("workers/{name}"),
        format!("events/{name}"),
        format!("events/src/replay/workers/{}.rs", name.snake()),
        format!("cdk/lib/workers/{name}.ts"),
    ] {
        // A link to nowhere is there too.
        if root.join(&path).symlink_metadata().is_ok() {
            return Err(PlanError::Exists(path));
        }
    }
    let lock = read(root, "Cargo.lock")?;
    for package in [name.to_string(), format!("{name}-lambda")] {
        // Cargo takes a hyphen and an underscore for the same.
        let spellings = [package.clone(), package.replace('-', "_")];
        let named = |spelling: &String| lock.contains(&format!("\nname = \"{spelling}\"\n"));
        if spellings.iter().any(named) {
            return Err(PlanError::CrateExists(package));
        }
    }
    let tables = read(root, "cdk/lib/tables.ts")?;
    let pascal = name.pascal();
    if tables.contains(&format!("'{pascal}'")) {
        return Err(PlanError::TableExists(pascal));
    }
    match workers(root)?
        .into_iter()
        .find(|worker| worker.ends_with(&format!("-{name}")))
    {
        Some(worker) => Err(PlanError::Ambiguous(worker)),
        None => Ok(()),
    }
}

/// The names of the workers that are there.
fn workers(root: &Path) -> Result<Vec<String>, PlanError> {
    let unreadable = |source| PlanError::Unreadable {
        path: "workers".to_owned(),
        source,
    };
    fs::read_dir(root.join("workers"))
        .map_err(unreadable)?
        .map(|entry| {
            Ok(entry
                .map_err(unreadable)?
                .file_name()
                .to_string_lossy()
                .into_owned())
        })
        .collect()
}

fn edits(root: &Path, name: &WorkerName, source: NewSource) -> Result<Vec<EditedFile>, PlanError> {
    let (snake, camel) = (name.snake(), name.camel());
    let workspace = format!("{name} = {{ path = \"workers/{name}\" }}");
    let dependency = format!("{name} = {{ workspace = true }}");
    let entry = format!("    {snake}::ENTRY,\n");
    let section = template::events_section(name, source)? + "\n";
    let import = format!("import {{ {camel}Worker }} from './workers/{name}.ts';");
    let permissions = template::permissions(name, source)?;
    let block = format!("  worker('{name}', {camel}Worker(scope, resources));\n\n");
    Ok(vec![
        edited(root, WORKSPACE, WORKSPACE_LIST, |text| {
            edit::sorted_into(text, WORKSPACE_LIST, &workspace)
        })?,
        edited(root, CLI, CLI_LIST, |text| {
            edit::sorted_into(text, CLI_LIST, &dependency)
        })?,
        edited(root, REPLAY, REPLAY_LIST, |text| {
            edit::after(&edit::module(text, &snake)?, REPLAY_LIST, &entry)
        })?,
        edited(root, EVENTS, EVENTS_TABLES, |text| {
            edit::before(text, EVENTS_TABLES, &section)
        })?,
        edited(root, STACK, STACK_LIST, |text| {
            let text = edit::import(text, "./workers/", &import)?;
            edit::before(&text, STACK_LIST, &block)
        })?,
        edited(root, DOORS, STACK_LIST, |text| {
            edit::before(text, STACK_LIST, &permissions)
        })?,
    ])
}

fn edited(
    root: &Path,
    path: &'static str,
    expected: &str,
    edit: impl FnOnce(&str) -> Option<String>,
) -> Result<EditedFile, PlanError> {
    let before = read(root, path)?;
    let after = edit(&before).ok_or_else(|| PlanError::NoPlace {
        path,
        expected: format!("\"{}\"", expected.trim()),
    })?;
    let added = added(&before, &after);
    Ok(EditedFile {
        path,
        before,
        after,
        added,
    })
}

/// The lines of `after` that `before` has not: lines are only ever inserted.
fn added(before: &str, after: &str) -> Vec<String> {
    let mut standing = before.lines().peekable();
    after
        .lines()
        .filter(|line| standing.next_if_eq(line).is_none())
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

fn read(root: &Path, path: &str) -> Result<String, PlanError> {
    fs::read_to_string(root.join(path)).map_err(|source| PlanError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    fn plan(name: &str, source: NewSource) -> Result<Plan, PlanError> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        Plan::new(folder, name.parse().unwrap(), source)
    }

    #[test]
    fn this_checkout_takes_a_worker_of_every_source() {
        for source in NewSource::value_variants() {
            let plan = plan("scaffold-test", *source).unwrap();
            for edited in &plan.edited {
                let lines = |text: &str| text.lines().count();
                assert!(!edited.added.is_empty());
                assert!(
                    lines(&edited.after) > lines(&edited.before),
                    "{}",
                    edited.path
                );
            }
        }
    }

    #[test]
    fn each_file_gets_only_what_is_the_new_worker_s() {
        let plan = plan("scaffold-test", NewSource::Sqs).unwrap();
        let added: Vec<String> = plan
            .edited
            .iter()
            .map(|edited| format!("{}: {}", edited.path, edited.added.join("\n")))
            .collect();
        insta::assert_snapshot!(added.join("\n"), @r#"
        Cargo.toml: scaffold-test = { path = "workers/scaffold-test" }
        events/Cargo.toml: scaffold-test = { workspace = true }
        events/src/replay/workers/mod.rs: mod scaffold_test;
            scaffold_test::ENTRY,
        events/README.md: ### scaffold-test/: messages of its own queue
        | file | shows | fate |
        |---|---|---|
        | `first` | The plain case | applied |
        | `poison` | Not JSON, and a message without an id, behind a good one | applied, two rejected |
        cdk/lib/workers.ts: import { scaffoldTestWorker } from './workers/scaffold-test.ts';
          worker('scaffold-test', scaffoldTestWorker(scope, resources));
        cdk/test/doors.test.ts:   'scaffold-test': [
            // What invokes it, its own table, and what it rejects.
            ...queue('scaffold-test'),
            'dynamodb:PutItem Tables/ScaffoldTest',
            'dynamodb:PutItem Tables/Rejections',
          ],
        "#);
    }

    #[test]
    fn a_name_that_something_has_is_refused() {
        let error = |name: &str| plan(name, NewSource::Sqs).unwrap_err().to_string();
        insta::assert_snapshot!(error("thumbnails"), @"workers/thumbnails is there already: choose another name, or remove it first");
        insta::assert_snapshot!(error("src"), @"events/src is there already: choose another name, or remove it first");
        insta::assert_snapshot!(error("tokio"), @"the build has a crate called tokio: choose another name");
        insta::assert_snapshot!(error("fleet-dynamodb"), @"the build has a crate called fleet-dynamodb: choose another name");
        insta::assert_snapshot!(error("claims"), @"the stack has a table called Claims: choose another name");
        insta::assert_snapshot!(error("mail"), @"a queue of welcome-mail ends in the same name: choose another");
    }

    #[test]
    fn outside_of_a_checkout_nothing_is_planned() {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan::new(folder.path(), "orders".parse().unwrap(), NewSource::Sqs);
        assert!(matches!(plan, Err(PlanError::NoCheckout)));
    }
}
