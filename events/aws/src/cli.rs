//! The command line.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;
use handover::terminal::{Style, visible};
use handover::{AwsCommand, Live, Mail, Place, Put, Server, Subscribe};
use serde::Serialize;

use crate::aws::Aws;
use crate::error::LiveError;
use crate::target::Target;
use crate::{invoke, mail, put, subscribe, tail};

/// Something is not done, or failed.
const EXIT_UNFINISHED: u8 = 1;

/// The command was wrong, or AWS cannot be reached: nothing was done.
const EXIT_USAGE: u8 = 2;

/// The commands of flotilla that talk to AWS.
///
/// `flotilla` hands over to this program: type `flotilla put`, not `flotilla-aws put`.
#[derive(Debug, Parser)]
#[command(name = "flotilla-aws", version)]
pub struct Cli {
    #[command(subcommand)]
    command: AwsCommand,
}

/// Runs a command and says how it went.
pub fn run(cli: Cli) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("the async runtime does not start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(command(cli.command));
    // A read of standard input that nobody needs any more would keep the process.
    runtime.shutdown_background();
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => EXIT_UNFINISHED.into(),
        // Nobody reads any more, as in `flotilla tail | head`.
        Err(LiveError::Stream(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&error.to_string());
            if error.is_usage() {
                EXIT_USAGE.into()
            } else {
                EXIT_UNFINISHED.into()
            }
        }
    }
}

async fn command(command: AwsCommand) -> Result<bool, LiveError> {
    match command {
        AwsCommand::Live(Live::Put(options)) => put_command(&options).await,
        AwsCommand::Live(Live::Subscribe(options)) => subscribe_command(&options).await,
        AwsCommand::Live(Live::Tail(options)) => {
            tail::tail(&aws(&options.place).await?, &options).await?;
            Ok(true)
        }
        AwsCommand::Live(Live::Mail(options)) => mail_command(&options).await,
        AwsCommand::Invoke(place) => {
            let aws = aws(&place).await?;
            let asks = tokio::io::BufReader::new(tokio::io::stdin());
            invoke::serve(&aws, asks, io::stdout()).await?;
            Ok(true)
        }
    }
}

async fn aws(place: &Place) -> Result<Aws, LiveError> {
    let endpoint = std::env::var("AWS_ENDPOINT_URL").ok();
    let endpoint = endpoint.as_deref().filter(|endpoint| !endpoint.is_empty());
    let server = Server::running(&std::env::current_dir()?);
    Aws::at(Target::choose(place, endpoint, server.as_ref())?).await
}

async fn put_command(options: &Put) -> Result<bool, LiveError> {
    let aws = aws(&options.place).await?;
    let mut printer = put::Printer::new(io::stdout(), Style::of_stdout());
    let session = put::put(&aws, options, |photo| {
        if options.json {
            Ok(())
        } else {
            Ok(printer.photo(photo)?)
        }
    })
    .await?;
    if options.json {
        print_json(&session)?;
    } else {
        printer.summary(&session)?;
    }
    Ok(session.is_finished())
}

async fn subscribe_command(options: &Subscribe) -> Result<bool, LiveError> {
    let aws = aws(&options.place).await?;
    let subscribed = subscribe::subscribe(&aws, options).await?;
    if options.json {
        print_json(&subscribed)?;
    } else {
        subscribed.print(&mut io::stdout(), Style::of_stdout(), aws.target.is_local())?;
    }
    Ok(subscribed.is_finished())
}

async fn mail_command(options: &Mail) -> Result<bool, LiveError> {
    let aws = aws(&options.place).await?;
    let outbox = mail::outbox(&aws)?;
    let chosen = mail::chosen(&outbox.mails, options)?;
    let mut printer = mail::Printer::new(io::stdout(), Style::of_stdout());
    match chosen {
        None if options.json => print_json(&outbox)?,
        None => printer.list(&outbox)?,
        Some(mail) if options.json => print_json(mail)?,
        Some(mail) if options.open => {
            let (path, opened) = mail::open(mail)?;
            let path = path.display();
            let done = if opened {
                format!("opened {path}")
            } else {
                format!("there is no desktop here: open {path} in a browser")
            };
            writeln!(io::stdout(), "{done}")?;
        }
        Some(mail) => printer.mail(mail)?,
    }
    Ok(true)
}

fn print_json(document: &impl Serialize) -> Result<(), LiveError> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    serde_json::to_writer_pretty(&mut stdout, document).map_err(io::Error::from)?;
    writeln!(stdout)?;
    Ok(stdout.flush()?)
}

fn complain(error: &str) {
    // With standard error gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "error: {}", visible(error));
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
