//! What the workers do, as it happens.

mod batches;
mod line;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use handover::Tail;
use handover::terminal::Style;

use crate::aws::Aws;
use crate::clock::{milliseconds, now};
use crate::error::{CallError, LiveError, Trouble};
use crate::logs::{GroupReader, read};
use crate::stack::Stack;

use batches::Batches;
pub use line::Line;

/// Between two looks at all logs of local AWS.
const LOCAL_INTERVAL: Duration = Duration::from_millis(300);

/// Of an account: `FilterLogEvents` takes 5 calls a second in some regions, and there is one for each worker.
const ACCOUNT_INTERVAL: Duration = Duration::from_secs(3);

/// The longest pause after being throttled.
const LONGEST_INTERVAL: Duration = Duration::from_secs(30);

/// Prints what the workers of the stack did since a while ago, and then what they do, until Ctrl-C or, with `once`, until
/// all is printed.
pub async fn tail(aws: &Aws, options: &Tail) -> Result<(), LiveError> {
    let stack = Stack::find(aws).await?;
    let begin = now().saturating_sub(milliseconds(options.since));
    let mut readers: BTreeMap<String, GroupReader> = stack
        .functions_of(&options.worker)?
        .into_iter()
        .map(|(worker, function)| {
            let reader = GroupReader::new(aws.logs(), &function, begin);
            (worker, reader)
        })
        .collect();
    let mut printer = Printer {
        writer: io::stdout(),
        style: Style::of_stdout(),
        json: options.json,
    };
    let mut batches = Batches::default();
    if options.once {
        look(&mut readers, &mut batches).await?;
        return printer.print(batches.rest());
    }
    if !options.json {
        let workers = readers.keys().map(String::as_str).collect::<Vec<_>>();
        let waiting = format!("{}: {}. Ctrl-C ends.", aws.target, workers.join(", "));
        printer.note(&waiting)?;
    }
    let shortest = if aws.target.is_local() {
        LOCAL_INTERVAL
    } else {
        ACCOUNT_INTERVAL
    };
    let mut interval = shortest;
    loop {
        let looked = tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => return printer.print(batches.rest()),
            looked = look(&mut readers, &mut batches) => looked,
        };
        match looked {
            Ok(()) => interval = shortest,
            Err(error) if error.trouble == Trouble::Throttled => {
                interval = (interval * 2).min(LONGEST_INTERVAL);
            }
            Err(error) => {
                printer.print(batches.rest())?;
                return Err(error.into());
            }
        }
        printer.print(batches.ready())?;
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => return printer.print(batches.rest()),
            () = tokio::time::sleep(interval) => {}
        }
    }
}

/// Looks once at every log.
async fn look(
    readers: &mut BTreeMap<String, GroupReader>,
    batches: &mut Batches,
) -> Result<(), CallError> {
    for (worker, reader) in readers {
        for line in reader.new_lines().await? {
            if let Some(entry) = read(&line.message) {
                batches.add(worker, line.at, entry);
            }
        }
    }
    Ok(())
}

struct Printer<W> {
    writer: W,
    style: Style,
    json: bool,
}

impl<W: Write> Printer<W> {
    fn print(&mut self, lines: Vec<Line>) -> Result<(), LiveError> {
        for line in lines {
            let text = if self.json {
                line.to_json()
            } else {
                line.to_text(self.style)
            };
            writeln!(self.writer, "{text}")?;
        }
        Ok(self.writer.flush()?)
    }

    fn note(&mut self, text: &str) -> Result<(), LiveError> {
        Ok(writeln!(self.writer, "{}", self.style.dim(text))?)
    }
}
