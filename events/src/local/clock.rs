//! Dates of the system's clock, in the two forms that are needed here.

use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_A_DAY: u64 = 86_400;

/// A time in UTC, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Utc {
    year: u64,
    month: u64,
    day: u64,
    second_of_day: u64,
}

impl Utc {
    pub(super) fn now() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
        Self::from_unix(elapsed.map_or(0, |elapsed| elapsed.as_secs()))
    }

    /// Seconds since 1970 as a date of the Gregorian calendar: Howard Hinnant's `civil_from_days`, whose years begin
    /// in March and whose eras are 400 years. <https://howardhinnant.github.io/date_algorithms.html>
    pub(super) fn from_unix(seconds: u64) -> Self {
        // From 0000-03-01 to 1970-01-01.
        let days = seconds / SECONDS_A_DAY + 719_468;
        let day_of_era = days % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        Self {
            year: days / 146_097 * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            second_of_day: seconds % SECONDS_A_DAY,
        }
    }

    /// ISO 8601 with its signs: `2026-11-23T08:00:00Z`.
    pub(super) fn extended(self) -> String {
        let (hour, minute, second) = self.time();
        format!(
            "{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z",
            self.year, self.month, self.day
        )
    }

    /// ISO 8601 without them, as AWS signs it: `20261123T080000Z`. The first eight characters are the day.
    pub(super) fn basic(self) -> String {
        self.extended().replace(['-', ':'], "")
    }

    fn time(self) -> (u64, u64, u64) {
        (
            self.second_of_day / 3_600,
            self.second_of_day / 60 % 60,
            self.second_of_day % 60,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_before_and_after_a_leap_day_are_right() {
        // Each as `date -u -d @SECONDS` tells it.
        for (seconds, date) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_795_420_799, "2026-11-23T07:59:59Z"),
            (4_102_444_800, "2100-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Utc::from_unix(seconds).extended(), date);
        }
    }

    #[test]
    fn the_basic_form_has_no_signs() {
        assert_eq!(Utc::from_unix(1_440_938_160).basic(), "20150830T123600Z");
    }
}
