//! The `flotilla-aws` command, which `flotilla` hands over to.

use std::process::ExitCode;

use clap::Parser as _;
use flotilla_aws::Cli;

fn main() -> ExitCode {
    flotilla_aws::run(Cli::parse())
}
