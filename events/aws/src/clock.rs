//! The time, in words and numbers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fleet::clock::UnixMillis;
use fleet::date::Utc;

/// Milliseconds since 1970.
pub(crate) fn now() -> UnixMillis {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// `09:26:53.589`, in UTC.
pub(crate) fn time_of_day(moment: UnixMillis) -> String {
    let Utc {
        hour,
        minute,
        second,
        millisecond,
        ..
    } = Utc::at(moment);
    format!("{hour:02}:{minute:02}:{second:02}.{millisecond:03}")
}

/// Whole milliseconds.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Longer and longer waits, up to a second: most things happen at once, and what does not is not asked for all the time.
#[derive(Debug)]
pub(crate) struct Patience {
    next: Duration,
    ends: std::time::Instant,
}

impl Patience {
    /// At most `longest` in all.
    pub(crate) fn new(longest: Duration) -> Self {
        Self {
            next: Duration::from_millis(40),
            ends: std::time::Instant::now() + longest,
        }
    }

    /// Waits; `false` when there is no patience left.
    pub(crate) async fn wait(&mut self) -> bool {
        let left = self
            .ends
            .saturating_duration_since(std::time::Instant::now());
        if left.is_zero() {
            return false;
        }
        tokio::time::sleep(self.next.min(left)).await;
        self.next = (self.next * 5 / 4).min(Duration::from_secs(1));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_has_milliseconds() {
        assert_eq!(time_of_day(1_773_480_413_589), "09:26:53.589");
    }
}
