//! The replay itself.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use fleet::delivery;
use fleet::worker::Invocation;
use serde_json::Value;

use super::event::{Replay, ReplayedEvent, Totals, rounded};
use super::files::{event_files, events_in, nearest_objects};
use super::history::History;
use super::workers::{Fleet, WORKERS, route_of, worker_of};
use crate::live::InvokerError;
use crate::report;
use crate::stand_ins::{OutError, OutFolder, StandIns};

/// What to replay, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Files of events, or folders of them.
    pub events: Vec<PathBuf>,
    /// The folder of source objects; without one, the nearest to each file.
    pub objects: Option<PathBuf>,
    /// The output folder.
    pub out: PathBuf,
    /// The worker that handles every event; without one, each event's own.
    pub worker: Option<String>,
}

/// The replay could not begin, or its report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// Nothing was named.
    #[error("name an event, or a folder of events, such as `flotilla replay events`")]
    Nothing,
    /// A path cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The path.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A folder without events.
    #[error("there is no .json or .jsonl file in {0}")]
    NoEvents(String),
    /// `--objects` is no folder.
    #[error("{0} is not a folder: --objects takes the folder that holds BUCKET/KEY")]
    NoObjects(String),
    /// `--worker` is no worker.
    #[error("there is no worker {name}: choose one of {known}")]
    NoWorker {
        /// What was named.
        name: String,
        /// What there is.
        known: String,
    },
    /// A worker's environment is wrong.
    #[error("a worker does not start: {0}")]
    Configuration(String),
    /// The output folder cannot be used.
    #[error(transparent)]
    Out(#[from] OutError),
    /// Somebody must confirm what is to be done.
    #[error("{0}")]
    Unconfirmed(String),
    /// No deployed function can be invoked.
    #[error(transparent)]
    Invoker(#[from] InvokerError),
    /// The output folder was writable and is no more.
    #[error("{path} cannot be written: {source}")]
    Unwritable {
        /// The path.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

/// Replays events one after another, in order, and writes the report. Tells `each` of every event as it ends, with the number
/// of files that are behind and the number of all.
pub async fn replay(
    options: &Options,
    mut each: impl FnMut(&ReplayedEvent, usize, usize),
) -> Result<Replay, UsageError> {
    if options.events.is_empty() {
        return Err(UsageError::Nothing);
    }
    let chosen = options.worker.as_deref().map(known_worker).transpose()?;
    let files = event_files(&options.events)?;
    let sources = sources(options, &files)?;
    let objects = sources
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    let stand_ins = StandIns::new(sources, OutFolder::open(&options.out)?);
    let runner = Runner {
        fleet: Fleet::start(&stand_ins).map_err(UsageError::Configuration)?,
        history: History::new(stand_ins.out.clone()),
        run: run_id(),
        chosen,
        stand_ins,
    };

    let mut events = Vec::new();
    for (behind, path) in files.iter().enumerate() {
        let file = path.display().to_string();
        for (index, event) in events_in(path).into_iter().enumerate() {
            let number = events.len();
            let replayed = runner.event(&file, index, number, event).await?;
            each(&replayed, behind, files.len());
            events.push(replayed);
        }
    }
    let path = options.out.join(report::FILE_NAME);
    let replay = Replay {
        version: Replay::VERSION,
        against: None,
        totals: Totals::of(&events),
        events,
        objects,
        report: path.display().to_string(),
    };
    report::write(&replay, &runner.stand_ins.out).map_err(|source| UsageError::Unwritable {
        path: replay.report.clone(),
        source,
    })?;
    Ok(replay)
}

struct Runner {
    stand_ins: StandIns,
    fleet: Fleet,
    history: History,
    chosen: Option<&'static str>,
    run: String,
}

impl Runner {
    async fn event(
        &self,
        file: &str,
        index: usize,
        number: usize,
        event: Result<Value, String>,
    ) -> Result<ReplayedEvent, UsageError> {
        let mut replayed = ReplayedEvent::unhandled(file, index);
        let event = match event {
            Ok(event) => event,
            Err(reason) => {
                replayed.rejected("not-json", reason);
                return Ok(replayed);
            }
        };
        let deliveries = delivery::deliveries(event.clone());
        replayed.event = event;
        replayed.route = route_of(&deliveries);
        if let Some(first) = deliveries.first() {
            replayed.source = first.source.to_string();
        }
        let name = self.chosen.or_else(|| worker_of(&deliveries));
        let Some((name, worker)) = name.and_then(|name| Some((name, self.fleet.get(name)?))) else {
            let reason = format!(
                "no worker takes this event: choose one of {} with --worker",
                known_workers()
            );
            replayed.rejected("no-worker", reason);
            return Ok(replayed);
        };
        replayed.worker = Some(name);

        // Claims tell two attempts apart by the request.
        let invocation = Invocation::local(format!("replay-{}-{number}", self.run));
        let start = Instant::now();
        let handled = worker.handle(replayed.event.clone(), &invocation).await;
        replayed.elapsed_ms = rounded(start.elapsed().as_secs_f64() * 1_000.0);
        replayed.answered(&handled);
        replayed.effects = self.stand_ins.journal.take();
        replayed.past = self
            .history
            .add(name, &replayed.event, &replayed.effects)
            .map_err(|source| UsageError::Unwritable {
                path: self
                    .stand_ins
                    .out
                    .root()
                    .join("history")
                    .display()
                    .to_string(),
                source,
            })?;
        Ok(replayed)
    }
}

pub(crate) fn known_worker(name: &str) -> Result<&'static str, UsageError> {
    WORKERS
        .iter()
        .find(|entry| entry.name == name)
        .map(|entry| entry.name)
        .ok_or_else(|| UsageError::NoWorker {
            name: name.to_owned(),
            known: known_workers(),
        })
}

pub(crate) fn known_workers() -> String {
    let names: Vec<&str> = WORKERS.iter().map(|entry| entry.name).collect();
    names.join(", ")
}

pub(crate) fn sources(options: &Options, files: &[PathBuf]) -> Result<Vec<PathBuf>, UsageError> {
    if let Some(objects) = &options.objects {
        return if objects.is_dir() {
            Ok(vec![objects.clone()])
        } else {
            Err(UsageError::NoObjects(objects.display().to_string()))
        };
    }
    let mut folders: Vec<&Path> = files.iter().filter_map(|file| file.parent()).collect();
    folders.dedup();
    let mut sources = Vec::new();
    for folder in folders {
        // Any name: the search begins beside it.
        if let Some(objects) = nearest_objects(&folder.join("event"))
            && !sources.contains(&objects)
        {
            sources.push(objects);
        }
    }
    Ok(sources)
}

/// Tells this run from every other.
fn run_id() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_nanos());
    format!("{now:x}-{:x}", std::process::id())
}
