//! `flotilla up`, `flotilla status` and `flotilla down`.

use clap::Args;

/// Start local AWS on this machine, with the whole fleet deployed to it.
///
/// The CDK stack of cdk/, with the workers of this checkout, on an emulator that listens on loopback: S3, SNS, SQS,
/// DynamoDB Streams, Kinesis and SES trigger the workers as they do in an account. Everything it needs goes to .flotilla/
/// in the checkout. Called again, it does only what is not done yet and deploys only what changed.
#[derive(Debug, Args)]
#[command(
    after_help = "It needs Rust, Python 3.10 or later with its venv module, and Node.js 20 or later with npm.\n\
\n\
With --json, standard output gets one document once it is over: up, changed, seconds; steps, each with step (tools, \
emulator, packages, workers, server, stack), outcome (done, unchanged, failed), seconds and detail; failure, with step, \
problem, mend, log and last_lines, or null; server, with pid, port, endpoint, region, stage, started and authorise; \
stack, outputs, and next with commands and environment. Progress goes to standard error.\n\
\n\
Exit status: 0 it is up, 1 a step failed, 2 the command was wrong.\n\
\n\
Examples:\n  \
    flotilla up\n  \
    flotilla up --port 4600\n  \
    flotilla up --fresh                    forget every object, row and mail\n  \
    flotilla up --authorise                refuse what a function's role does not allow\n  \
    flotilla up --json | jq -r .outputs.UploadsBucket"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct UpArguments {
    /// Where local AWS listens [default: 4566, or where it listens already]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Start anew and empty, if it runs already
    #[arg(long)]
    fresh: bool,
    /// Refuse what a function's role does not allow, as an account does
    #[arg(long)]
    authorise: bool,
    /// Build the workers as for an account: slower to build, faster to run
    #[arg(long)]
    release: bool,
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// Say whether local AWS runs, where, and what is deployed to it.
///
/// Changes nothing.
#[derive(Debug, Args)]
#[command(
    after_help = "With --json: running, healthy (it answers), server as in flotilla up, functions by worker, outputs.\n\
\n\
Exit status: 0 it runs and answers, 1 it does not, 2 the command was wrong.\n\
\n\
Examples:\n  \
    flotilla status\n  \
    flotilla status --json | jq -r .server.endpoint"
)]
pub(super) struct StatusArguments {
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// End local AWS and every process that it started.
///
/// Objects, rows and mails go with it: local AWS keeps all that it has in memory.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 nothing runs any more, 2 the command was wrong, or another flotilla up is at work.\n\
\n\
Examples:\n  \
    flotilla down\n  \
    flotilla down --json"
)]
pub(super) struct DownArguments {
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

#[cfg(unix)]
mod here {
    use std::env;
    use std::io::{self, Write as _};

    use anyhow::Context as _;

    use super::{DownArguments, StatusArguments, UpArguments};
    use crate::cli::print_json;
    use crate::local::{self, Checkout, Interrupt, LocalError, Options, Progress};
    use crate::terminal::Style;

    pub(in crate::cli) fn up(arguments: &UpArguments) -> anyhow::Result<bool> {
        let checkout = checkout()?;
        let interrupt = Interrupt::listen().context("cannot listen for Ctrl-C")?;
        let options = Options {
            port: arguments.port,
            fresh: arguments.fresh,
            authorise: arguments.authorise,
            release: arguments.release,
        };
        let report = local::up(&checkout, options, &mut Progress::of_stderr(), &interrupt)
            .map_err(with_mend)?;
        if let Some(failure) = &report.failure {
            complain_in_lines(&failure.told(&checkout));
        }
        if arguments.json {
            print_json(&report)?;
        } else {
            say(&report.told(Style::of_stdout()))?;
        }
        Ok(report.up)
    }

    pub(in crate::cli) fn status(arguments: &StatusArguments) -> anyhow::Result<bool> {
        let status = local::status(&checkout()?);
        if arguments.json {
            print_json(&status)?;
        } else {
            say(&status.told())?;
        }
        Ok(status.healthy)
    }

    pub(in crate::cli) fn down(arguments: &DownArguments) -> anyhow::Result<bool> {
        let down = local::down(&checkout()?).map_err(with_mend)?;
        if arguments.json {
            print_json(&down)?;
        } else {
            say(if down.ended {
                "local AWS is down\n"
            } else {
                "local AWS was not running\n"
            })?;
        }
        Ok(true)
    }

    fn checkout() -> anyhow::Result<Checkout> {
        let folder = env::current_dir().context("there is no current folder")?;
        Checkout::around(&folder).map_err(with_mend)
    }

    /// An error of the command itself, on one line with what to do about it.
    fn with_mend(error: LocalError) -> anyhow::Error {
        match error.mend() {
            Some(mend) => anyhow::anyhow!("{error}; {mend}"),
            None => error.into(),
        }
    }

    fn say(text: &str) -> anyhow::Result<()> {
        io::stdout()
            .write_all(text.as_bytes())
            .context("standard output failed")
    }

    /// An error whose lines were made fit for a terminal one by one.
    fn complain_in_lines(text: &str) {
        // With standard error gone there is nobody left to tell.
        let _ = writeln!(io::stderr(), "error: {text}");
    }
}

#[cfg(not(unix))]
mod here {
    use super::{DownArguments, StatusArguments, UpArguments};

    fn elsewhere() -> anyhow::Result<bool> {
        anyhow::bail!("local AWS needs Linux or macOS; on Windows it runs within WSL")
    }

    pub(in crate::cli) fn up(_: &UpArguments) -> anyhow::Result<bool> {
        elsewhere()
    }

    pub(in crate::cli) fn status(_: &StatusArguments) -> anyhow::Result<bool> {
        elsewhere()
    }

    pub(in crate::cli) fn down(_: &DownArguments) -> anyhow::Result<bool> {
        elsewhere()
    }
}

pub(super) use here::{down, status, up};
