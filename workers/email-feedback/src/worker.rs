//! Judges, notes, settles.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fleet::batch::{Handled, Record, in_lanes, isolated, panicked};
use fleet::claim::{ClaimTable, Claims, Settled};
use fleet::clock::Clock;
use fleet::delivery::{Delivery, deliveries};
use fleet::fate::{Done, Fate};
use fleet::metrics::{Metric, Unit};
use fleet::rejection::{Rejections, kept_if_rejected};
use fleet::table::{Condition, Item, Key, Table, TableError, Write, Written};
use fleet::worker::{Invocation, Worker};
use serde_json::Value;

use crate::config::Config;
use crate::envelope::{Content, open};
use crate::feedback::{Event, Feedback, FeedbackError};
use crate::read::read;
use crate::recipient::Recipient;
use crate::standing::{Told, Verdict, What, judge};

const NAME: &str = "email-feedback";

/// Notices worked at once. Each waits for two to four calls of DynamoDB.
const CONCURRENCY: usize = 8;

/// How often a lost race for an address is run again before its notice is retried.
const MAX_RACES: usize = 4;

/// Lets what SES tells of mails have its effect: on addresses, on subscribers and on claims.
///
/// Every effect is idempotent by itself, so that a notice which failed half way is simply done again.
#[derive(Debug, Clone)]
pub struct FeedbackWorker<A, S, C, R> {
    config: Config,
    addresses: A,
    subscribers: Option<S>,
    claims: Claims<C>,
    rejections: R,
    clock: Clock,
}

/// A delivery, read. `Ok(None)` is a trial of the topic.
struct Notice {
    index: usize,
    delivery: Delivery,
    feedback: Result<Option<Feedback>, FeedbackError>,
}

/// What a call of the worker counted.
#[derive(Debug, Default)]
struct Tally {
    permanent_bounces: AtomicU32,
    transient_bounces: AtomicU32,
    complaints: AtomicU32,
    suppressed: AtomicU32,
    settled: AtomicU32,
}

impl<A, S, C, R> FeedbackWorker<A, S, C, R>
where
    A: Table,
    S: Table,
    C: ClaimTable,
    R: Rejections,
{
    /// A worker that keeps how addresses stand in `addresses`, tells `subscribers` (if there is such a table) who must not
    /// be written to, settles what is in `claims_table` and keeps what it rejects in `rejections`.
    pub fn new(
        config: Config,
        addresses: A,
        subscribers: Option<S>,
        claims_table: C,
        rejections: R,
        clock: Clock,
    ) -> Self {
        Self {
            // Nothing waits here, so the settle time does not matter.
            claims: Claims::new(claims_table, Duration::ZERO, config.claim_retention),
            config,
            addresses,
            subscribers,
            rejections,
            clock,
        }
    }

    async fn record(&self, notice: Notice, invocation: &Invocation, tally: &Tally) -> Record {
        let subject = subject(&notice);
        let fate = isolated(invocation, async {
            let fate = match &notice.feedback {
                Ok(Some(feedback)) => self.feedback(feedback, tally).await,
                Ok(None) => Fate::skipped("SES tried out the topic"),
                Err(error) => error.fate(),
            };
            kept_if_rejected(&self.rejections, NAME, &notice.delivery, &subject, fate).await
        })
        .await;
        Record::new(&notice.delivery, subject, fate)
    }

    /// All effects of one notice. A failure of one does not keep the others from taking place.
    async fn feedback(&self, feedback: &Feedback, tally: &Tally) -> Fate {
        let mut fates = Vec::new();
        if let Some(what) = what(&feedback.event) {
            let told = Told {
                what,
                message_id: &feedback.message_id,
                at: feedback.at.unwrap_or_else(|| self.clock.now()),
            };
            for recipient in &feedback.recipients {
                fates.push(self.recipient(recipient, told, tally).await);
            }
        }
        if feedback.unreadable_recipients > 0 {
            let number = feedback.unreadable_recipients;
            fates.push(Fate::rejected(
                "invalid-recipient",
                format!("{number} of the recipients are no addresses"),
            ));
        }
        fates.extend(refusal(&feedback.event));
        if feedback.event.is_evidence() {
            fates.extend(self.settle(feedback, tally).await);
        }
        if fates.is_empty() {
            let name = feedback.event.name();
            return Fate::skipped(format!("a {name} changes nothing"));
        }
        Fate::together(fates)
    }

    /// The effect on one address: on how it stands, then on the subscriber's row, whose status follows from that.
    async fn recipient(&self, recipient: &Recipient, told: Told<'_>, tally: &Tally) -> Fate {
        let verdict = match self.note(recipient, told).await {
            Ok(Some(verdict)) => verdict,
            Ok(None) => {
                let reason = format!("{recipient} is changed by too many at once");
                return Fate::retry("contended", reason);
            }
            Err(error) => return error.fate(),
        };
        tally.count(told.what, &verdict);
        let forbids = !matches!(told.what, What::Delivery);
        if let Some(reason) = verdict.suppressed.as_deref().filter(|_| forbids)
            // Again with a duplicate: the first notice may have come no further than the address.
            && let Err(error) = self.tell_subscriber(recipient, reason).await
        {
            return error.fate();
        }
        match verdict.fate {
            Fate::Done(done) => {
                let reason = format!("{recipient}: {}", done.reason);
                Fate::Done(Done { reason, ..done })
            }
            fate => fate,
        }
    }

    /// Reads, judges and writes, and begins anew when somebody else wrote in between; `None` after too many races.
    async fn note(
        &self,
        recipient: &Recipient,
        told: Told<'_>,
    ) -> Result<Option<Verdict>, TableError> {
        let key = Key::of(recipient.digest());
        for _ in 0..MAX_RACES {
            let item = self.addresses.get(&key).await?;
            let verdict = judge(item.as_ref(), told, self.config.transient_limit);
            if verdict.set.is_empty() {
                return Ok(Some(verdict));
            }
            // An update and no put: an operator may keep attributes of theirs in the item.
            let write = Write::Update {
                key: key.clone(),
                set: verdict.set.clone(),
                add: BTreeMap::new(),
                condition: verdict.condition.clone(),
            };
            if self.addresses.write(vec![write]).await? == Written::Yes {
                return Ok(Some(verdict));
            }
        }
        Ok(None)
    }

    /// Marks the row of a subscriber who must not be written to, if there is one under this id.
    async fn tell_subscriber(&self, recipient: &Recipient, reason: &str) -> Result<(), TableError> {
        let Some(subscribers) = &self.subscribers else {
            return Ok(());
        };
        let status = match reason {
            "bounce" | "transient-bounces" => "bounced",
            "complaint" => "complained",
            _ => "suppressed",
        };
        let write = Write::Update {
            key: Key::of(recipient.digest()),
            set: Item::from_iter([
                ("suppressed".to_owned(), true.into()),
                ("status".to_owned(), status.into()),
            ]),
            add: BTreeMap::new(),
            condition: Condition::Present,
        };
        // Refused: they are no subscriber, or one whose row has another id. The addresses table tells either way.
        subscribers.write(vec![write]).await.map(drop)
    }

    /// The mail went out, so whoever waits to know need not wait, nor send it again.
    async fn settle(&self, feedback: &Feedback, tally: &Tally) -> Option<Fate> {
        let key = feedback.claim.as_deref()?;
        let now = self.clock.now();
        Some(
            match self.claims.settle(key, &feedback.message_id, now).await {
                Ok(Settled::Now(before)) => {
                    tally.settled.fetch_add(1, Ordering::Relaxed);
                    let before = before.map_or_else(
                        || "not there".to_owned(),
                        |state| format!("{state:?}").to_lowercase(),
                    );
                    Fate::applied(format!("the claim was {before} and is done"))
                }
                Ok(Settled::Before) => Fate::duplicate("the claim was done before"),
                Err(error) => error.fate(),
            },
        )
    }
}

impl<A, S, C, R> Worker for FeedbackWorker<A, S, C, R>
where
    A: Table,
    S: Table,
    C: ClaimTable,
    R: Rejections,
{
    fn name(&self) -> &'static str {
        NAME
    }

    async fn handle(&self, event: Value, invocation: &Invocation) -> Handled {
        let mut notices = Vec::new();
        let mut records = Vec::new();
        for (index, delivery) in deliveries(event).into_iter().enumerate() {
            // Reading is guarded by itself, because the lanes are known only after it.
            match catch_unwind(AssertUnwindSafe(|| understood(&delivery))) {
                Ok(feedback) => notices.push(Notice {
                    index,
                    delivery,
                    feedback,
                }),
                Err(panic) => {
                    let fate = panicked(panic.as_ref());
                    records.push((index, Record::new(&delivery, "a record", fate)));
                }
            }
        }
        let tally = Tally::default();
        let worked = in_lanes(notices, CONCURRENCY, lane, async |notice: Notice| {
            (notice.index, self.record(notice, invocation, &tally).await)
        })
        .await;
        records.extend(worked);
        records.sort_unstable_by_key(|(index, _)| *index);
        Handled {
            records: records.into_iter().map(|(_, record)| record).collect(),
            metrics: tally.metrics(),
        }
    }
}

fn understood(delivery: &Delivery) -> Result<Option<Feedback>, FeedbackError> {
    match open(delivery.payload())? {
        Content::Notice(notice) => read(&notice).map(Some),
        Content::Trial => Ok(None),
    }
}

/// Notices of the same person wait for each other, which saves races; those of several people may still race.
fn lane(notice: &Notice) -> String {
    let feedback = notice.feedback.as_ref().ok().and_then(Option::as_ref);
    feedback
        .and_then(|feedback| {
            let recipient = feedback.recipients.first().map(Recipient::digest);
            recipient.or(feedback.claim.as_deref())
        })
        .map_or_else(|| notice.index.to_string(), str::to_owned)
}

fn subject(notice: &Notice) -> String {
    match &notice.feedback {
        Ok(Some(feedback)) => {
            format!("{} of mail {}", feedback.event.name(), feedback.message_id)
        }
        Ok(None) => "a trial of the topic".to_owned(),
        Err(_) => "a notice".to_owned(),
    }
}

/// What an event says of the addresses it names.
fn what(event: &Event) -> Option<What<'_>> {
    match event {
        Event::PermanentBounce(sub_type) => Some(What::PermanentBounce(sub_type)),
        Event::TransientBounce(_) => Some(What::TransientBounce),
        Event::Complaint(kind) => Some(What::Complaint(kind)),
        Event::Delivery => Some(What::Delivery),
        Event::Send
        | Event::Delay
        | Event::NotSpam
        | Event::Reject(_)
        | Event::RenderingFailure(_)
        | Event::Engagement(_) => None,
    }
}

/// The fate of a mail that SES took and then did not send: nobody will send it again by itself, so an operator must know.
fn refusal(event: &Event) -> Option<Fate> {
    match event {
        Event::Reject(reason) => Some(Fate::rejected(
            "ses-reject",
            format!("ses took the mail and did not send it: {reason}"),
        )),
        Event::RenderingFailure(reason) => Some(Fate::rejected(
            "rendering-failure",
            format!("ses could not write the mail from its template: {reason}"),
        )),
        Event::Send
        | Event::Delivery
        | Event::Delay
        | Event::PermanentBounce(_)
        | Event::TransientBounce(_)
        | Event::Complaint(_)
        | Event::NotSpam
        | Event::Engagement(_) => None,
    }
}

impl Tally {
    /// Counts what changed; a duplicate changes nothing.
    fn count(&self, what: What<'_>, verdict: &Verdict) {
        let Verdict { set, is_new, .. } = verdict;
        if !set.is_empty() {
            match what {
                What::PermanentBounce(_) => Some(&self.permanent_bounces),
                What::TransientBounce => Some(&self.transient_bounces),
                What::Complaint(_) => Some(&self.complaints),
                What::Delivery => None,
            }
            .map(|counter| counter.fetch_add(1, Ordering::Relaxed));
        }
        self.suppressed
            .fetch_add(u32::from(*is_new), Ordering::Relaxed);
    }

    fn metrics(self) -> Vec<Metric> {
        [
            ("PermanentBounces", self.permanent_bounces),
            ("TransientBounces", self.transient_bounces),
            ("Complaints", self.complaints),
            ("AddressesSuppressed", self.suppressed),
            ("ClaimsSettled", self.settled),
        ]
        .map(|(name, counter)| Metric {
            name,
            unit: Unit::Count,
            value: f64::from(counter.into_inner()),
        })
        .into()
    }
}

#[cfg(test)]
mod tests;
