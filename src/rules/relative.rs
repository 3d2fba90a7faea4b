//! How far away a moment is, in the unit people would say it in: `3 days ago`, `tomorrow`. Comes from `setting`, which has
//! the moment, the reader's zone and now, goes to `calendar`, which has the words. Pure.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::rules::dates::Moment;

/// A unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Less than a minute either way.
    Now,
    /// Less than an hour.
    Minutes,
    /// Within the day.
    Hours,
    /// Counted from midnight to midnight in the reader's zone, up to `DAYS`.
    Days,
    /// Up to `MONTHS`.
    Months,
    /// From there on.
    Years,
}

/// From so many days on, months are said.
const DAYS: i64 = 60;
/// From so many months on, years are said.
const MONTHS: i64 = 24;

/// How far `moment` is from `now`; negative when it is over. A day without a time is counted in days alone.
pub(crate) fn distance(moment: Moment, now: Timestamp, zone: &TimeZone) -> Option<(Unit, i64)> {
    let today = zone.to_datetime(now).date();
    let (date, instant) = match moment {
        Moment::Day(date) => (date, None),
        Moment::Local(local) => (local.date(), Some(zone.to_timestamp(local).ok()?)),
        Moment::Instant(instant) => (zone.to_datetime(instant).date(), Some(instant)),
    };
    let days = i64::from(today.until(date).ok()?.get_days());
    if let Some(instant) = instant {
        let seconds = instant.as_second() - now.as_second();
        let minutes = rounded(seconds, 60);
        if minutes == 0 {
            return Some((Unit::Now, 0));
        }
        if minutes.abs() < 60 {
            return Some((Unit::Minutes, minutes));
        }
        if days == 0 {
            return Some((Unit::Hours, rounded(minutes, 60)));
        }
    }
    if days.abs() < DAYS {
        return Some((Unit::Days, days));
    }
    // A month is 30.44 days; from two of them on, nobody minds.
    let months = rounded(days * 100, 3_044);
    if months.abs() < MONTHS {
        return Some((Unit::Months, months));
    }
    Some((Unit::Years, rounded(months, 12)))
}

/// A quotient to the nearest whole number, halves away from zero.
fn rounded(number: i64, by: i64) -> i64 {
    (number.abs() + by / 2) / by * number.signum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> Option<(Unit, i64)> {
        // 23:30 on the 6th in Baghdad.
        let now = "2026-03-06T20:30:00Z".parse().unwrap();
        let zone = TimeZone::get("Asia/Baghdad").unwrap();
        distance(Moment::parse(text).unwrap(), now, &zone)
    }

    #[test]
    fn days_are_counted_from_midnight_to_midnight_in_the_readers_zone() {
        for (text, days) in [
            ("2026-03-06", 0),
            ("2026-03-07", 1),
            ("2026-03-05", -1),
            ("2026-05-04", 59),
            ("2026-03-07T21:00:00Z", 2),
            ("2026-03-07T20:59:00Z", 1),
            ("2026-03-05T20:00:00Z", -1),
            ("2026-03-05T22:00", -1),
        ] {
            assert_eq!(from(text), Some((Unit::Days, days)), "{text}");
        }
    }

    #[test]
    fn what_is_near_is_said_in_minutes_and_hours_and_what_is_far_in_months_and_years() {
        for (text, expected) in [
            ("2026-03-06T20:30:20Z", (Unit::Now, 0)),
            ("2026-03-06T21:10:00Z", (Unit::Minutes, 40)),
            ("2026-03-06T20:29:00Z", (Unit::Minutes, -1)),
            ("2026-03-06T14:10:00Z", (Unit::Hours, -6)),
            ("2026-03-06T18:00", (Unit::Hours, -6)),
            ("2026-05-05", (Unit::Months, 2)),
            ("2025-03-06", (Unit::Months, -12)),
            ("2028-03-06", (Unit::Years, 2)),
            ("1999-01-01", (Unit::Years, -27)),
        ] {
            assert_eq!(from(text), Some(expected), "{text}");
        }
    }
}
