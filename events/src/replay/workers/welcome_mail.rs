//! One mail to each new subscriber.

use fleet::clock::Clock;
use fleet::delivery::Source;
use welcome_mail::{Config, WelcomeWorker};

use super::WorkerEntry;

pub(super) const ENTRY: WorkerEntry = WorkerEntry {
    name: "welcome-mail",
    takes: "records of the subscribers table's DynamoDB stream",
    recognises: |delivery| delivery.source == Source::DynamoDb,
    takes_the_rest_of: &[],
    environment: &[
        ("WELCOME_FROM", "MyBlog <hello@example.com>"),
        ("UNSUBSCRIBE_URL", "https://example.com/unsubscribe"),
        ("UNSUBSCRIBE_KEY", "replay only, not a secret"),
        ("BLOG_URL", "https://example.com/"),
    ],
    start: |stand_ins, environment| {
        let config = Config::from_env(environment).map_err(|error| error.to_string())?;
        Ok(Box::new(WelcomeWorker::new(
            config,
            stand_ins.outbox.clone(),
            Some(stand_ins.table("addresses")),
            stand_ins.claims.clone(),
            stand_ins.rejections.clone(),
            Clock::system(),
        )))
    },
};
