//! Dates of the calendar, in UTC: what ISO 8601 in an event means, and the hour that a moment belongs to.

use std::fmt;

use crate::clock::UnixMillis;

const MS_A_SECOND: u64 = 1_000;
const MS_A_DAY: u64 = 24 * 60 * 60 * MS_A_SECOND;

/// The last moment with a year of four digits: 9999-12-31T23:59:59.999Z.
const MAX: UnixMillis = 253_402_300_799_999;

/// A moment by the calendar, in UTC. Printed as ISO 8601 to the millisecond: `2026-03-14T09:26:53.589Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Utc {
    /// 1970 to 9999.
    pub year: u64,
    /// 1 to 12.
    pub month: u64,
    /// 1 to 31.
    pub day: u64,
    /// 0 to 23.
    pub hour: u64,
    /// 0 to 59.
    pub minute: u64,
    /// 0 to 59.
    pub second: u64,
    /// 0 to 999.
    pub millisecond: u64,
}

impl Utc {
    /// The date of a moment; later ones than the year 9999 are its end.
    pub fn at(moment: UnixMillis) -> Self {
        let moment = moment.min(MAX);
        let in_day = moment % MS_A_DAY;
        let (year, month, day) = day_of_calendar(moment / MS_A_DAY);
        Self {
            year,
            month,
            day,
            hour: in_day / 3_600_000,
            minute: in_day / 60_000 % 60,
            second: in_day / MS_A_SECOND % 60,
            millisecond: in_day % MS_A_SECOND,
        }
    }

    /// The hour it is in: `2026-03-14T09`.
    pub fn to_hour(self) -> String {
        let Self {
            year,
            month,
            day,
            hour,
            ..
        } = self;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}")
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            minute,
            second,
            millisecond,
            ..
        } = self;
        let hour = self.to_hour();
        write!(
            formatter,
            "{hour}:{minute:02}:{second:02}.{millisecond:03}Z"
        )
    }
}

/// Reads a date and time of ISO 8601 with its zone, as RFC 3339 has it: `2026-03-14T09:26:53Z`,
/// `2026-03-14T16:26:53.589+07:00`. What is finer than a millisecond is cut off. `None` for anything else, for dates
/// that the calendar does not have, for leap seconds and for years outside 1970 to 9999.
pub fn parse(text: &str) -> Option<UnixMillis> {
    let (date, time) = text.split_once('T')?;
    let mut date = date.split('-');
    let (year, month, day) = (
        number(date.next()?, 4)?,
        number(date.next()?, 2)?,
        number(date.next()?, 2)?,
    );
    let (clock, zone_ms) = zone(time)?;
    let mut clock = clock.split(':');
    let (hour, minute, seconds) = (
        number(clock.next()?, 2)?,
        number(clock.next()?, 2)?,
        clock.next()?,
    );
    let (second, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let second = number(second, 2)?;
    if date.next().is_some() || clock.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let day = days_before(year, month, day)?;
    let local = day * MS_A_DAY
        + ((hour * 60 + minute) * 60 + second) * MS_A_SECOND
        + milliseconds(fraction)?;
    let moment = i64::try_from(local).ok()?.checked_sub(zone_ms)?;
    u64::try_from(moment).ok().filter(|moment| *moment <= MAX)
}

/// Splits off the zone: milliseconds east of UTC.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let at = time.rfind(['+', '-'])?;
    let (clock, zone) = time.split_at(at);
    let (sign, hours, minutes) = (
        zone.get(..1)?,
        number(zone.get(1..3)?, 2)?,
        zone.get(3..)?.strip_prefix(':')?,
    );
    let minutes = number(minutes, 2)?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    let east = i64::try_from((hours * 60 + minutes) * 60 * MS_A_SECOND).ok()?;
    Some((clock, if sign == "-" { -east } else { east }))
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<u64> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// The first three digits of a fraction of a second.
fn milliseconds(fraction: &str) -> Option<u64> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{fraction:0<3}").get(..3)?.parse().ok()
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of January of a year from 1970 on.
fn days_before_year(year: u64) -> u64 {
    // Leap days in the years before it, less the 477 before 1970.
    let last = year.saturating_sub(1);
    let leap_days = last / 4 - last / 100 + last / 400;
    year.saturating_sub(1970) * 365 + leap_days.saturating_sub(477)
}

fn days_before(year: u64, month: u64, day: u64) -> Option<u64> {
    let valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of_month(year, month)).contains(&day);
    let months: u64 = (1..month).map(|month| days_of_month(year, month)).sum();
    valid.then(|| days_before_year(year) + months + day - 1)
}

/// Year, month and day of the day so many days after 1970-01-01.
fn day_of_calendar(days: u64) -> (u64, u64, u64) {
    // No year is longer, so this is the year or an earlier one.
    let mut year = 1970 + days / 366;
    while days_before_year(year + 1) <= days {
        year += 1;
    }
    let mut day = days - days_before_year(year);
    let mut month = 1;
    while day >= days_of_month(year, month) {
        day -= days_of_month(year, month);
        month += 1;
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_date_is_read_in_every_zone() {
        for text in [
            "2026-03-14T09:26:53.589Z",
            "2026-03-14T16:26:53.589+07:00",
            "2026-03-13T23:56:53.589-09:30",
            "2026-03-14T09:26:53.589999999Z",
        ] {
            assert_eq!(parse(text), Some(1_773_480_413_589), "{text}");
        }
        assert_eq!(parse("2026-03-14T09:26:53Z"), Some(1_773_480_413_000));
        assert_eq!(parse("2026-03-14T09:26:53.5Z"), Some(1_773_480_413_500));
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "T",
            "2026-03-14",
            "2026-03-14T09:26:53",
            "2026-03-14 09:26:53Z",
            "2026-3-14T09:26:53Z",
            "2026-02-29T09:26:53Z",
            "2100-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-03-14T24:00:00Z",
            "2026-03-14T09:60:00Z",
            "2026-03-14T09:26:60Z",
            "2026-03-14T09:26:53.Z",
            "2026-03-14T09:26:53.5xZ",
            "2026-03-14T09:26:53+7:00",
            "2026-03-14T09:26:53+0700",
            "2026-03-14T09:26:53+24:00",
            "2026-03-14T09:26:53:00Z",
            "2026-03-14-01T09:26:53Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "+026-03-14T09:26:53Z",
            "2026-03-14T09:26:5é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_calendar_has_its_leap_days() {
        for (moment, date) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_735_689_599_999, "2024-12-31T23:59:59.999Z"),
            (1_735_689_600_000, "2025-01-01T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Utc::at(moment).to_string(), date);
        }
        assert_eq!(Utc::at(1_773_480_413_589).to_hour(), "2026-03-14T09");
    }

    proptest! {
        #[test]
        fn a_moment_that_is_printed_and_read_is_the_same(moment in 0..=MAX) {
            prop_assert_eq!(parse(&Utc::at(moment).to_string()), Some(moment));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9TZ:.+-]{0,40}|.{0,40}") {
            let _ = parse(&text);
        }
    }
}
