//! Captured events through deployed functions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use fleet::delivery::{self, Delivery};
use fleet::env::Variables as _;
use fleet::notice::{self, Change, ObjectChange};
use fleet::objects::ObjectRef;
use fleet::report::{self, Report};
use handover::{Greeting, Place, PutAsk, Server};
use serde_json::Value;

use super::invoker::{Invoker, InvokerError};
use super::rewrite::Rewrite;
use crate::replay::{
    Replay, ReplayEnvironment, ReplayedEvent, Totals, UsageError, WORKERS, event_files, events_in,
    known_worker, known_workers, rounded, route_of, sources, worker_of,
};
use crate::report as page;
use crate::stand_ins::{OutFolder, source_file};

/// What to replay against what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgainstOptions {
    /// Events, objects, output folder, worker.
    pub replay: crate::replay::Options,
    /// Which stack.
    pub place: Place,
    /// Put the objects that events name into the stack's own bucket, and name that in the events.
    pub put_objects: bool,
    /// In an account, really do it.
    pub confirmed: bool,
}

/// Invokes the deployed functions with events, one after another, in order, and writes the report. Tells `each` of every
/// event as it ends, with the number of files that are behind and the number of all.
///
/// In local AWS the objects that an event names are put first, into buckets of the names that the event says: nothing but
/// the replay hears of them. Where it authorises, the workers may not read these, so the objects go into the stack's own
/// bucket, as they do when `put_objects` says so. In an account that is not done by itself, because the bucket is the one that
/// triggers the fleet; and nothing is done at all unless `confirmed`, because the mails are real.
pub fn replay_against(
    options: &AgainstOptions,
    mut each: impl FnMut(&ReplayedEvent, usize, usize),
) -> Result<Replay, UsageError> {
    let replay = &options.replay;
    if replay.events.is_empty() {
        return Err(UsageError::Nothing);
    }
    let chosen = replay.worker.as_deref().map(known_worker).transpose()?;
    let files = event_files(&replay.events)?;
    let folders = sources(replay, &files)?;
    let (invoker, greeting) = Invoker::start(&options.place)?;
    let mut rewrite = Rewrite::default();
    // A thumbnail's own upload is told apart by its bucket.
    if let Some(thumbnails) = thumbnails_bucket() {
        rewrite
            .buckets
            .insert(thumbnails, greeting.thumbnails_bucket.clone());
    }
    let mut runner = Runner {
        put_into: match (greeting.local, options.put_objects) {
            (_, true) => PutInto::Uploads,
            (true, false) if authorises(&greeting) => PutInto::Uploads,
            (true, false) => PutInto::TheirOwn,
            (false, false) => PutInto::Nothing,
        },
        invoker,
        greeting,
        chosen,
        folders,
        rewrite,
        put: BTreeMap::new(),
    };
    if !runner.greeting.local && !options.confirmed {
        return Err(UsageError::Unconfirmed(runner.intention(&files)));
    }
    let out = OutFolder::open(&replay.out)?;

    let mut events = Vec::new();
    for (behind, path) in files.iter().enumerate() {
        let file = path.display().to_string();
        for (index, event) in events_in(path).into_iter().enumerate() {
            let replayed = runner.event(&file, index, event)?;
            each(&replayed, behind, files.len());
            events.push(replayed);
        }
    }
    let path = replay.out.join(page::FILE_NAME);
    let objects = match runner.put_into {
        PutInto::Nothing => Vec::new(),
        PutInto::TheirOwn | PutInto::Uploads => runner
            .folders
            .iter()
            .map(|folder| folder.display().to_string())
            .collect(),
    };
    let replay = Replay {
        version: Replay::VERSION,
        against: Some(runner.greeting.place),
        totals: Totals::of(&events),
        events,
        objects,
        report: path.display().to_string(),
    };
    page::write(&replay, &out).map_err(|source| UsageError::Unwritable {
        path: replay.report.clone(),
        source,
    })?;
    Ok(replay)
}

/// Where the objects that events name are put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PutInto {
    /// Nowhere: they are there, or they are gone.
    Nothing,
    /// Into the buckets that the events name.
    TheirOwn,
    /// Into the stack's bucket of uploads, which the events then name.
    Uploads,
}

struct Runner {
    invoker: Invoker,
    greeting: Greeting,
    chosen: Option<&'static str>,
    folders: Vec<PathBuf>,
    put_into: PutInto,
    rewrite: Rewrite,
    /// What was put, so that a later event about it does not put it again, as a newer version.
    put: BTreeMap<(String, String, Option<String>), Option<String>>,
}

impl Runner {
    fn event(
        &mut self,
        file: &str,
        index: usize,
        event: Result<Value, String>,
    ) -> Result<ReplayedEvent, InvokerError> {
        let mut replayed = ReplayedEvent::unhandled(file, index);
        let mut event = match event {
            Ok(event) => event,
            Err(reason) => {
                replayed.rejected("not-json", reason);
                return Ok(replayed);
            }
        };
        let deliveries = delivery::deliveries(event.clone());
        replayed.route = route_of(&deliveries);
        if let Some(first) = deliveries.first() {
            replayed.source = first.source.to_string();
        }
        let Some(worker) = self.chosen.or_else(|| worker_of(&deliveries)) else {
            let reason = format!(
                "no worker takes this event: choose one of {} with --worker",
                known_workers()
            );
            replayed.event = event;
            replayed.rejected("no-worker", reason);
            return Ok(replayed);
        };
        replayed.worker = Some(worker);
        if !self.greeting.workers.iter().any(|known| known == worker) {
            let reason = format!("{worker} is not deployed in the {}", self.greeting.place);
            replayed.event = event;
            replayed.unanswered("not-deployed", reason);
            return Ok(replayed);
        }
        if let Err(reason) = self.put_objects(&deliveries)? {
            replayed.event = event;
            replayed.unanswered("not-put", reason);
            return Ok(replayed);
        }
        self.rewrite.apply(&mut event);
        let answer = self.invoker.invoke(worker, report::ask(&event))?;
        replayed.event = event;
        let answer = match answer {
            Ok(answer) => answer,
            Err(reason) => {
                replayed.unanswered("not-invoked", reason);
                return Ok(replayed);
            }
        };
        replayed.elapsed_ms = rounded(answer.elapsed_ms);
        if answer.function_error.is_some() {
            let message = answer.payload["errorMessage"].as_str().map(str::to_owned);
            let reason = message.unwrap_or_else(|| answer.payload.to_string());
            replayed.error = Some(reason.clone());
            replayed.unanswered("function-failed", reason);
            return Ok(replayed);
        }
        match Report::from_json(answer.payload) {
            Some(mut report) => {
                report.elapsed_ms = rounded(report.elapsed_ms);
                replayed.reported(report);
            }
            None => replayed.unanswered(
                "no-report",
                "the function answered without a report of its records: deploy it anew from this checkout"
                    .to_owned(),
            ),
        }
        Ok(replayed)
    }

    /// Puts what the event says was created. The inner error is that an object could not be put.
    fn put_objects(&mut self, deliveries: &[Delivery]) -> Result<Result<(), String>, InvokerError> {
        let own = match self.put_into {
            PutInto::Nothing => return Ok(Ok(())),
            PutInto::TheirOwn => true,
            PutInto::Uploads => false,
        };
        if !own {
            self.rewrite.any_bucket = Some(self.greeting.uploads_bucket.clone());
        }
        for change in created(deliveries) {
            let source = ObjectRef {
                bucket: change.bucket.clone(),
                key: change.key.clone(),
                version: change.version.clone(),
                etag: None,
            };
            let place = (
                change.bucket.clone(),
                change.key.clone(),
                change.version.clone(),
            );
            let Some(file) = source_file(&self.folders, &source) else {
                continue;
            };
            if self.put.contains_key(&place) {
                continue;
            }
            let ask = PutAsk {
                bucket: if own {
                    change.bucket
                } else {
                    self.greeting.uploads_bucket.clone()
                },
                key: change.key,
                file,
                versioned: change.version.is_some(),
            };
            let answer = match self.invoker.put(ask)? {
                Ok(answer) => answer,
                Err(reason) => return Ok(Err(reason)),
            };
            if let (Some(captured), Some(real)) = (change.version, &answer.version) {
                self.rewrite.versions.insert(captured, real.clone());
            }
            self.put.insert(place, answer.version);
        }
        Ok(Ok(()))
    }

    /// What would be done, for somebody who has to confirm it.
    fn intention(&self, files: &[PathBuf]) -> String {
        let mut workers: BTreeMap<&str, usize> = BTreeMap::new();
        for event in files.iter().flat_map(|file| events_in(file)).flatten() {
            let worker = self
                .chosen
                .or_else(|| worker_of(&delivery::deliveries(event)));
            *workers.entry(worker.unwrap_or("no worker")).or_default() += 1;
        }
        let workers: Vec<String> = workers
            .iter()
            .map(|(worker, events)| format!("{worker} {events}"))
            .collect();
        format!(
            "this invokes the functions of the {} with these numbers of events: {}. What they do is real, mails included: \
             add --yes to do it",
            self.greeting.place,
            workers.join(", ")
        )
    }
}

/// Whether the stack is in a local AWS that refuses what a function's role does not allow.
fn authorises(greeting: &Greeting) -> bool {
    std::env::current_dir()
        .ok()
        .and_then(|folder| Server::running(&folder))
        .is_some_and(|server| server.authorise && greeting.place.contains(&server.endpoint))
}

/// What captured events call the bucket of thumbnails.
fn thumbnails_bucket() -> Option<String> {
    let thumbnails = WORKERS.iter().find(|entry| entry.name == "thumbnails")?;
    ReplayEnvironment::of(thumbnails).get("THUMBNAILS_BUCKET")
}

/// The objects that the records say were created, each once.
fn created(deliveries: &[Delivery]) -> Vec<ObjectChange> {
    let mut known = BTreeSet::new();
    deliveries
        .iter()
        .filter_map(|delivery| notice::read(delivery.payload()).ok())
        .flat_map(|notice| notice.changes)
        .filter_map(|told| told.change.ok())
        .filter(|change| change.change == Change::Created)
        .filter(|change| {
            let object = (
                change.bucket.clone(),
                change.key.clone(),
                change.version.clone(),
            );
            known.insert(object)
        })
        .collect()
}
