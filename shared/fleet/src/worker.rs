//! What a worker is: one event in, a fate for each of its records out.

use std::future::Future;
use std::time::Duration;

use serde_json::Value;

use crate::batch::Handled;
use crate::clock::{Clock, UnixMillis};
use crate::trace::Trace;

/// A worker of the fleet. The same value is driven by the Lambda runtime and by the replay.
pub trait Worker: Send + Sync + 'static {
    /// Its name in logs, metrics and kept rejections, such as `thumbnails`.
    fn name(&self) -> &'static str;

    /// Handles one event. Never fails as a whole: whatever goes wrong is some record's fate.
    fn handle(&self, event: Value, invocation: &Invocation)
    -> impl Future<Output = Handled> + Send;
}

/// The circumstances of one call.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's request id. A retry of an asynchronous event has the same one.
    pub request_id: String,
    /// When Lambda ends the call; `None` where nobody does.
    pub deadline: Option<UnixMillis>,
    /// The trace that the call belongs to.
    pub trace: Option<Trace>,
    /// The time.
    pub clock: Clock,
}

impl Invocation {
    /// A call without a deadline, outside Lambda.
    pub fn local(request_id: impl Into<String>) -> Self {
        Self {
            request_id: request_id.into(),
            deadline: None,
            trace: None,
            clock: Clock::system(),
        }
    }

    /// How long the call may still take; `None` when nobody ends it.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline
            .map(|deadline| Duration::from_millis(deadline.saturating_sub(self.clock.now())))
    }
}
