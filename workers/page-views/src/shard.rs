//! Counts the views of one shard, transaction by transaction.

use std::sync::Mutex;

use fleet::batch;
use fleet::fate::Fate;
use fleet::table::{Table, TableError, Written};
use fleet::worker::Invocation;

use crate::checkpoint::Checkpoint;
use crate::chunk::{Chunk, Met};
use crate::recent::Remembered;
use crate::record::Placed;

/// How often a transaction is tried that another call forestalls. Two calls meet on a shard only when Lambda gave up one of
/// them, so there is nobody to lose against for long.
const MAX_TRIES: usize = 5;

/// A shard, being counted.
pub(crate) struct Shard<'a, T> {
    pub(crate) table: &'a T,
    pub(crate) remembered: Remembered,
    /// `STREAM/SHARD`.
    pub(crate) name: &'a str,
}

/// What became of some views.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// The fate of each, in their order.
    pub(crate) fates: Vec<Fate>,
    /// How many were found to be sent twice.
    pub(crate) repeated: usize,
    /// How many items were written.
    pub(crate) items: usize,
}

/// What is known of where a shard stands.
enum Standing {
    /// Nothing yet.
    Unread,
    /// Here, or nothing of it was ever counted.
    At(Option<Checkpoint>),
}

/// One transaction, done.
struct Step {
    met: Vec<Met>,
    standing: Option<Checkpoint>,
    items: usize,
}

impl<T: Table> Shard<'_, T> {
    /// Counts `views`, which are in the order of their sequence numbers. The first that cannot be counted stops the shard:
    /// a checkpoint past it would say that it was.
    pub(crate) async fn count(&self, views: &[Placed], invocation: &Invocation) -> Counted {
        let mut counted = Counted::default();
        let mut rest = views;
        let mut standing = Standing::Unread;
        while !rest.is_empty() {
            let step = Mutex::new(None);
            // On the heap, or the layout of the batch's future is nested deeper than the compiler follows.
            let work = Box::pin(async {
                match self.step(standing, rest).await {
                    Ok(done) => {
                        if let Ok(mut step) = step.lock() {
                            *step = Some(done);
                        }
                        Fate::applied("counted")
                    }
                    Err(fate) => fate,
                }
            });
            let fate = batch::isolated(invocation, work).await;
            let Some(step) = step.into_inner().unwrap_or_default() else {
                counted.fates.push(fate);
                counted.fates.resize(views.len(), behind());
                break;
            };
            let (done, later) = rest.split_at_checked(step.met.len()).unwrap_or((rest, &[]));
            let fates = done.iter().zip(&step.met);
            counted
                .fates
                .extend(fates.map(|(view, met)| fate_of(view, *met)));
            let repeated = step.met.iter().filter(|met| **met == Met::Repeated);
            counted.repeated += repeated.count();
            counted.items += step.items;
            standing = Standing::At(step.standing);
            rest = later;
        }
        counted
    }

    /// Counts as many views as fit into one transaction.
    async fn step(&self, standing: Standing, views: &[Placed]) -> Result<Step, Fate> {
        let mut standing = match standing {
            Standing::Unread => self.read().await?,
            Standing::At(checkpoint) => checkpoint,
        };
        for _ in 0..MAX_TRIES {
            let chunk = Chunk::of(standing.as_ref(), views, self.remembered);
            if chunk.next.is_none() {
                return Ok(Step {
                    met: chunk.met,
                    standing,
                    items: 0,
                });
            }
            let writes = chunk.writes(self.name, standing.as_ref());
            let items = writes.len();
            match self.table.write(writes).await {
                Ok(Written::Yes) => {
                    return Ok(Step {
                        met: chunk.met,
                        standing: chunk.next,
                        items,
                    });
                }
                Ok(Written::Refused) => standing = self.read().await?,
                Err(error) => return Err(fate_of_failure(&error)),
            }
        }
        Err(Fate::retry(
            "contended",
            format!("another call counts the shard {}", self.name),
        ))
    }

    async fn read(&self) -> Result<Option<Checkpoint>, Fate> {
        let item = self
            .table
            .get(&Checkpoint::key(self.name))
            .await
            .map_err(|error| fate_of_failure(&error))?;
        item.map(|item| Checkpoint::read(&item))
            .transpose()
            .map_err(|error| Fate::retry("checkpoint", error.to_string()))
    }
}

fn behind() -> Fate {
    Fate::retry(
        "behind",
        "a view before it in its shard could not be counted",
    )
}

fn fate_of(placed: &Placed, met: Met) -> Fate {
    match met {
        Met::Counted => Fate::applied(format!("counted in {}", placed.view.hour)),
        Met::Delivered => Fate::duplicate("its shard was counted past it before"),
        Met::Repeated => Fate::duplicate("its producer sent it twice"),
    }
}

fn fate_of_failure(error: &TableError) -> Fate {
    match error {
        TableError::Denied(_) | TableError::Throttled(_) | TableError::Unavailable(_) => {
            error.fate()
        }
        // Keys and items are bounded when they are read, so this is our bug and not the views'.
        TableError::Invalid(_) => Fate::retry("invalid-write", error.to_string()),
    }
}
