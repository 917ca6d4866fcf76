//! The `flotilla` command.

use std::process::ExitCode;

use clap::Parser as _;
use flotilla::cli::Cli;

fn main() -> ExitCode {
    flotilla::cli::run(Cli::parse())
}
