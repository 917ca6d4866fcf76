//! What SES tells of mails.

use email_feedback::{Config, FeedbackWorker, is_feedback};
use fleet::clock::Clock;
use fleet::delivery::Source;

use super::WorkerEntry;

pub(super) const ENTRY: WorkerEntry = WorkerEntry {
    name: "email-feedback",
    takes: "notices of SES about mails, by SNS, SQS or EventBridge",
    recognises: |delivery| {
        let takes = [Source::Sqs, Source::Sns, Source::EventBridge];
        takes.contains(&delivery.source) && is_feedback(delivery.payload())
    },
    takes_the_rest_of: &[],
    environment: &[],
    start: |stand_ins, environment| {
        let config = Config::from_env(environment).map_err(|error| error.to_string())?;
        Ok(Box::new(FeedbackWorker::new(
            config,
            // The table that the welcome mail asks.
            stand_ins.table("addresses"),
            Some(stand_ins.table("subscribers")),
            stand_ins.claims.clone(),
            stand_ins.rejections.clone(),
            Clock::system(),
        )))
    },
};
