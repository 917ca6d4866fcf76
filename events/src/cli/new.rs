//! The command that adds to the checkout.

use std::env;
use std::io;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::print_json;
use crate::scaffold::{self, NewSource, Plan, Report, WorkerName};
use crate::terminal::Style;

/// Add a worker to this checkout.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    flotilla new worker order-totals --source dynamodb\n  \
    flotilla new worker --help             more about it")]
pub(super) struct NewArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Worker(WorkerArguments),
}

/// Add a worker that builds, is tested, can be replayed, and is deployed with the others.
///
/// It writes each record to a table of its own, once or the newest state, so that all of it works from the first minute:
/// workers/NAME/README.md says what to put in its place.
#[derive(Debug, Args)]
#[command(
    after_help = "Written are workers/NAME (the core, its tests, and lambda/ for AWS), its entry in the replay, events/NAME \
with two captured events, its block in cdk/, and a line where each of them is listed; all of it or nothing.\n\
\n\
Examples:\n  \
    flotilla new worker order-totals --source dynamodb\n  \
    flotilla new worker order-totals --source dynamodb --dry-run\n  \
    flotilla new worker invoices --source sqs --json | jq .next"
)]
struct WorkerArguments {
    /// Its name, in lower-case words with hyphens between them
    #[arg(value_name = "NAME")]
    name: WorkerName,
    /// What it takes
    #[arg(long, value_enum, value_name = "SOURCE")]
    source: NewSource,
    /// Only say what would be written
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// Adds a worker.
pub(super) fn new(arguments: NewArguments) -> anyhow::Result<bool> {
    let What::Worker(arguments) = arguments.what;
    let folder = env::current_dir().context("the current folder cannot be found")?;
    let plan = Plan::new(&folder, arguments.name, arguments.source)?;
    let locked = if arguments.dry_run {
        false
    } else {
        scaffold::write(&plan)?;
        scaffold::lock(&plan.root)
    };
    let report = Report::of(&plan, arguments.dry_run, locked);
    if arguments.json {
        print_json(&report)?;
    } else {
        let _ = scaffold::print(&report, &mut io::stdout(), Style::of_stdout());
    }
    Ok(true)
}
