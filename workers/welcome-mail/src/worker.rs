//! Claims, sends, records.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fleet::batch::{Handled, Record, in_lanes, isolated, panicked};
use fleet::claim::{ClaimTable, Claimed, Claims, Recorded, Ticket};
use fleet::clock::Clock;
use fleet::delivery::{Delivery, deliveries};
use fleet::fate::Fate;
use fleet::metrics::{Metric, Unit};
use fleet::rejection::{Rejections, kept_if_rejected};
use fleet::table::{Key, Table, TableError};
use fleet::worker::{Invocation, Worker};
use serde_json::Value;

use crate::address::Address;
use crate::config::Config;
use crate::mail::{ComposeError, Mail, compose};
use crate::record::{RecordError, Wish, read, subject};
use crate::send::{ClaimAction, Disposition, Mailer, Reason};
use crate::subscriber::Subscriber;

const NAME: &str = "welcome-mail";

/// How long a claim is held where no deadline ends the call.
const LEASE_WITHOUT_DEADLINE: Duration = Duration::from_mins(1);

/// How much longer than the call a claim is held: the function's clock and the table's next writer's may differ.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// Sends one welcome mail to each new subscriber.
///
/// Subscribers are worked side by side, and one failure does not stop the others, although everything from the lowest
/// failed sequence number is delivered again. That is allowed because every mail is claimed: the second delivery of one
/// that went out finds its claim done. And it is worth it, because one subscriber whose send is unknown would otherwise
/// keep everybody behind it waiting for the settle time.
#[derive(Debug, Clone)]
pub struct WelcomeWorker<M, A, T, R> {
    config: Config,
    mailer: M,
    addresses: Option<A>,
    claims: Claims<T>,
    rejections: R,
    clock: Clock,
}

/// A delivery, read.
struct Item {
    index: usize,
    delivery: Delivery,
    subject: String,
    wish: Result<Wish, RecordError>,
}

impl<M, A, T, R> WelcomeWorker<M, A, T, R>
where
    M: Mailer,
    A: Table,
    T: ClaimTable,
    R: Rejections,
{
    /// A worker that sends by `mailer`, but to no address that `addresses` (if there is such a table) has suppressed; that
    /// claims in `claims_table` and keeps what it rejects in `rejections`.
    pub fn new(
        config: Config,
        mailer: M,
        addresses: Option<A>,
        claims_table: T,
        rejections: R,
        clock: Clock,
    ) -> Self {
        Self {
            claims: Claims::new(claims_table, config.settle, config.claim_retention),
            config,
            mailer,
            addresses,
            rejections,
            clock,
        }
    }

    async fn record(&self, item: Item, invocation: &Invocation) -> Record {
        let fate = isolated(invocation, async {
            let fate = match &item.wish {
                Ok(Wish::Welcome(subscriber)) => {
                    let owner = self.owner(&item, invocation);
                    self.welcome(subscriber, &owner, lease(invocation)).await
                }
                Ok(Wish::Nothing(reason)) => Fate::skipped(reason),
                Err(error) => error.fate(),
            };
            kept_if_rejected(&self.rejections, NAME, &item.delivery, &item.subject, fate).await
        })
        .await;
        Record::new(&item.delivery, item.subject, fate)
    }

    /// Names one attempt at one record. The number tells apart what the rest does not: a claim that looked like this
    /// attempt's own, while an earlier one had died holding it, would be sent without waiting for evidence.
    fn owner(&self, item: &Item, invocation: &Invocation) -> String {
        static ATTEMPTS: AtomicU64 = AtomicU64::new(0);
        let (request_id, now) = (&invocation.request_id, self.clock.now());
        let attempt = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
        format!("{request_id}/{}/{now}/{attempt}", item.index)
    }

    /// Whether mail may go to the address -> claim -> send -> record.
    async fn welcome(&self, subscriber: &Subscriber, owner: &str, lease: Duration) -> Fate {
        let mail = match compose(&self.config, subscriber) {
            Ok(mail) => mail,
            Err(error) => return unwritten(&error),
        };
        match self.suppression(&subscriber.address).await {
            Ok(None) => {}
            Ok(Some(reason)) => {
                return Fate::skipped(format!(
                    "the address is suppressed, says the addresses table: {reason}"
                ));
            }
            // Without an answer nobody knows whether they have complained: better late than against their will.
            Err(error) => return error.fate(),
        }
        let key = subscriber.claim_key();
        let claimed = self
            .claims
            .claim(&key, owner, lease, self.clock.now())
            .await;
        match claimed {
            Ok(Claimed::Acquired(ticket)) => self.send(&mail, &key, &ticket).await,
            Ok(Claimed::Done(receipt)) => Fate::duplicate(format!(
                "the mail went out before, as {}",
                receipt.as_deref().unwrap_or("a message without an id")
            )),
            Ok(Claimed::Busy(until)) => Fate::retry(
                "busy",
                format!("another call is sending the mail, until {until} at the latest"),
            ),
            Ok(Claimed::Unknown(until)) => Fate::retry(
                "unsettled",
                format!(
                    "the mail may have gone out before; without evidence it is sent again after {until}"
                ),
            ),
            Err(error) => error.fate(),
        }
    }

    /// Why no mail may go to the address, if none may. What suppresses it after this look is too late for this mail, as it
    /// is for one that is under way.
    async fn suppression(&self, address: &Address) -> Result<Option<Reason>, TableError> {
        let Some(addresses) = &self.addresses else {
            return Ok(None);
        };
        let item = addresses.get(&Key::of(address.digest())).await?;
        Ok(item.and_then(|item| {
            // Whatever an operator wrote to forbid mail forbids it.
            let is_suppressed = !matches!(
                item.get("suppressed"),
                None | Some(Value::Null | Value::Bool(false))
            );
            let reason = item.get("reason").and_then(Value::as_str);
            is_suppressed.then(|| Reason::new(reason.unwrap_or("no reason is given")))
        }))
    }

    async fn send(&self, mail: &Mail, key: &str, ticket: &Ticket) -> Fate {
        match self.mailer.send(mail).await {
            Ok(message_id) => {
                self.complete(key, ticket, &message_id).await;
                Fate::applied(format!("sent in {} as {message_id}", mail.locale))
            }
            Err(failure) => {
                let Disposition { claim, fate } = failure.disposition();
                self.give_up(key, ticket, claim).await;
                fate
            }
        }
    }

    /// Records that the mail went out. A failure is no retry: it could only send the mail again.
    async fn complete(&self, key: &str, ticket: &Ticket, message_id: &str) {
        match self
            .claims
            .complete(ticket, message_id, self.clock.now())
            .await
        {
            Ok(Recorded::Yes) => {}
            Ok(Recorded::Fenced) => tracing::error!(
                claim = key,
                message_id,
                "the mail was sent after its claim had been taken over: it may go out twice"
            ),
            Err(error) => tracing::error!(
                claim = key,
                message_id,
                %error,
                "the mail was sent but not recorded: another delivery may send it again after the settle time"
            ),
        }
    }

    /// Says what is known of a send that failed. When the table does not take it, the lease lapses into *unknown* by
    /// itself, which is late but never wrong.
    async fn give_up(&self, key: &str, ticket: &Ticket, action: ClaimAction) {
        let now = self.clock.now();
        let recorded = match action {
            ClaimAction::Release => self.claims.release(ticket, now).await,
            ClaimAction::Doubt => self
                .claims
                .doubt(ticket, now)
                .await
                .map(|(recorded, _)| recorded),
        };
        match recorded {
            Ok(Recorded::Yes) => {}
            Ok(Recorded::Fenced) => {
                tracing::warn!(claim = key, "the claim had been taken over");
            }
            Err(error) => tracing::warn!(
                claim = key,
                %error,
                "the claim stays until its lease and the settle time end"
            ),
        }
    }
}

impl<M, A, T, R> Worker for WelcomeWorker<M, A, T, R>
where
    M: Mailer,
    A: Table,
    T: ClaimTable,
    R: Rejections,
{
    fn name(&self) -> &'static str {
        NAME
    }

    async fn handle(&self, event: Value, invocation: &Invocation) -> Handled {
        let mut items = Vec::new();
        let mut records = Vec::new();
        for (index, delivery) in deliveries(event).into_iter().enumerate() {
            // Reading is guarded by itself, because the lanes are known only after it.
            match catch_unwind(AssertUnwindSafe(|| read(&delivery))) {
                Ok(wish) => items.push(Item {
                    index,
                    subject: subject(&delivery, &wish),
                    delivery,
                    wish,
                }),
                Err(panic) => {
                    let fate = panicked(panic.as_ref());
                    records.push((index, Record::new(&delivery, "a record", fate)));
                }
            }
        }
        let worked = in_lanes(
            items,
            self.config.send_concurrency.get(),
            lane,
            async |item: Item| (item.index, self.record(item, invocation).await),
        )
        .await;
        records.extend(worked);
        records.sort_unstable_by_key(|(index, _)| *index);
        let records: Vec<Record> = records.into_iter().map(|(_, record)| record).collect();
        Handled {
            metrics: metrics(&records),
            records,
        }
    }
}

/// Records about the same person wait for each other, so that the second finds the first's claim done, not busy.
fn lane(item: &Item) -> String {
    match &item.wish {
        Ok(Wish::Welcome(subscriber)) => subscriber.claim_key(),
        Ok(Wish::Nothing(_)) | Err(_) => item.index.to_string(),
    }
}

fn lease(invocation: &Invocation) -> Duration {
    invocation
        .remaining()
        .map_or(LEASE_WITHOUT_DEADLINE, |remaining| remaining + LEASE_MARGIN)
}

/// The fate of a subscriber to whom no mail could be written. Nothing was claimed yet.
fn unwritten(error: &ComposeError) -> Fate {
    match error {
        // Our bug, not the subscriber's: everybody waits for the next release instead of being lost.
        ComposeError::Template { .. } => Fate::retry("template", error.to_string()),
        ComposeError::Header(_) => Fate::rejected("unsendable", error.to_string()),
    }
}

fn metrics(records: &[Record]) -> Vec<Metric> {
    let count = |name, kinds: &[&str]| {
        let number = records
            .iter()
            .filter(|record| kinds.contains(&record.fate.kind()))
            .count();
        Metric {
            name,
            unit: Unit::Count,
            value: f64::from(u32::try_from(number).unwrap_or(u32::MAX)),
        }
    };
    vec![
        count("MailsSent", &["applied"]),
        count("MailsUnknown", &["unknown", "unsettled"]),
    ]
}

#[cfg(test)]
mod tests;
