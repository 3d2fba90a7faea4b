//! How often what is gathered is told: every so many minutes or hours, or at a time of the day on some days. Comes from a person's
//! `digest` or from a rule's; the same words mean the same in both. Pure: the moment and the zone are given.

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use crate::kernel::hours::{Days, Wrong, only, time};

/// When what is gathered is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Every so many minutes, counted from midnight; a divisor of the day.
    Every(i64),
    /// Once a day.
    At {
        /// At this time.
        time: Time,
        /// On these days.
        days: Days,
    },
}

const EVERY: [(&str, i64); 12] = [
    ("5m", 5),
    ("10m", 10),
    ("15m", 15),
    ("20m", 20),
    ("30m", 30),
    ("1h", 60),
    ("2h", 120),
    ("3h", 180),
    ("4h", 240),
    ("6h", 360),
    ("8h", 480),
    ("12h", 720),
];
const PERIODS: &str = "`every` is 5m, 10m, 15m, 20m, 30m, 1h, 2h, 3h, 4h, 6h, 8h, 12h, 1d or 1w";
/// When a day's digest comes, unless it is said.
const MORNING: Time = Time::constant(8, 0, 0, 0);

impl Schedule {
    /// From `{"every": "1h"}`, `{"every": "1d", "at": "08:00", "on": ["sun", "mon"]}` or `{"every": "1w", "at": "08:00", "on": "sun"}`.
    /// Unsaid, `at` is 08:00, and `on` every day; of a week: Sunday.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn parse(value: &Value, place: &str) -> Result<Self, Wrong> {
        let Value::Object(object) = value else {
            return Err(Wrong::at(place, "a schedule is an object with `every`"));
        };
        only(object, &["every", "at", "on"], place)?;
        let at = |key: &str| format!("{place}/{key}");
        let given = |key: &str| object.get(key).filter(|value| !value.is_null());
        let Some(every) = object.get("every") else {
            return Err(Wrong::missing(&at("every"), "a schedule needs `every`"));
        };
        let period = every.as_str().unwrap_or_default();
        if let Some((_, minutes)) = EVERY.iter().find(|(word, _)| *word == period) {
            return match ["at", "on"].into_iter().find(|key| given(key).is_some()) {
                None => Ok(Self::Every(*minutes)),
                Some(key) => Err(Wrong::at(
                    &at(key),
                    format!("only `1d` and `1w` have `{key}`"),
                )),
            };
        }
        let weekly = match period {
            "1d" => false,
            "1w" => true,
            _ => return Err(Wrong::at(&at("every"), PERIODS)),
        };
        let time = given("at").map_or(Ok(MORNING), |value| time(value, &at("at")))?;
        let days = match given("on") {
            Some(days) => Days::parse(days, &at("on"))?,
            None if weekly => Days::one(Weekday::Sunday),
            None => Days::ALL,
        };
        if weekly && days.count() != 1 {
            return Err(Wrong::at(
                &at("on"),
                "once a week is on one day; `1d` can be on several",
            ));
        }
        Ok(Self::At { time, days })
    }

    /// The first moment after this one. A time that the clocks skip comes as much later as they are put forward; one that they show
    /// twice is its first showing.
    #[must_use]
    pub fn next_after(&self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        let local = zone.to_datetime(now);
        let found = match *self {
            Self::Every(minutes) => every(minutes, now, local, zone),
            Self::At { time, days } => (0..=8)
                .filter_map(|ahead| local.date().checked_add(ahead.days()).ok())
                .filter(|day| days.has(day.weekday()))
                .filter_map(|day| zone.to_timestamp(day.to_datetime(time)).ok())
                .find(|moment| *moment > now),
        };
        // Only at the end of time is there none.
        found.unwrap_or(Timestamp::MAX)
    }
}

/// The next full step of the local day. Steps of an hour and less are counted by the offset of this moment, so that none is lost or
/// doubled while clocks show an hour twice; longer ones by the clock on the wall.
fn every(minutes: i64, now: Timestamp, local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let step = minutes * 60;
    if minutes <= 60 {
        let offset = i64::from(zone.to_offset(now).seconds());
        let next = (now.as_second() + offset).div_euclid(step) * step + step - offset;
        return Timestamp::from_second(next).ok();
    }
    let midnight = local.date().to_datetime(Time::midnight());
    let seconds =
        i64::from(local.hour()) * 3600 + i64::from(local.minute()) * 60 + i64::from(local.second());
    let first = seconds.div_euclid(step) * step;
    (0..=2)
        .filter_map(|ahead| midnight.checked_add((first + ahead * step).seconds()).ok())
        .filter_map(|moment| zone.to_timestamp(moment).ok())
        .find(|moment| *moment > now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn next(schedule: Value, now: &str, zone: &str) -> String {
        let schedule = Schedule::parse(&schedule, "").unwrap();
        let zone = TimeZone::get(zone).unwrap();
        schedule.next_after(now.parse().unwrap(), &zone).to_string()
    }

    #[test]
    fn hourly_is_on_the_hour_of_the_persons_own_clock() {
        let hourly = || json!({"every": "1h"});
        assert_eq!(
            next(hourly(), "2026-12-14T10:00:00Z", "Asia/Baghdad"),
            "2026-12-14T11:00:00Z"
        );
        assert_eq!(
            next(hourly(), "2026-12-14T10:59:59.9Z", "Asia/Baghdad"),
            "2026-12-14T11:00:00Z"
        );
        // Kathmandu is 5:45 ahead.
        assert_eq!(
            next(hourly(), "2026-12-14T10:00:00Z", "Asia/Kathmandu"),
            "2026-12-14T10:15:00Z"
        );
        assert_eq!(
            next(json!({"every": "15m"}), "2026-12-14T10:16:00Z", "UTC"),
            "2026-12-14T10:30:00Z"
        );
        // From midnight in Baghdad: 03, 06, 09 …
        assert_eq!(
            next(
                json!({"every": "3h"}),
                "2026-12-14T10:00:00Z",
                "Asia/Baghdad"
            ),
            "2026-12-14T12:00:00Z"
        );
        assert_eq!(
            next(
                json!({"every": "12h"}),
                "2026-12-14T10:00:00Z",
                "Asia/Baghdad"
            ),
            "2026-12-14T21:00:00Z"
        );
    }

    #[test]
    fn no_hour_is_lost_or_doubled_when_clocks_change() {
        // Berlin, 2026-10-25, 03:00 becomes 02:00: the hour from 00:00 to 01:00 UTC, then the one to 02:00.
        assert_eq!(
            next(
                json!({"every": "1h"}),
                "2026-10-25T00:10:00Z",
                "Europe/Berlin"
            ),
            "2026-10-25T01:00:00Z"
        );
        assert_eq!(
            next(
                json!({"every": "1h"}),
                "2026-10-25T01:00:00Z",
                "Europe/Berlin"
            ),
            "2026-10-25T02:00:00Z"
        );
        // 2027-03-28, 02:00 becomes 03:00: there is no 02:00, and the step of 2 h comes at what the clock shows then.
        assert_eq!(
            next(
                json!({"every": "2h"}),
                "2027-03-28T00:10:00Z",
                "Europe/Berlin"
            ),
            "2027-03-28T01:00:00Z"
        );
        assert_eq!(
            next(
                json!({"every": "2h"}),
                "2027-03-28T01:00:00Z",
                "Europe/Berlin"
            ),
            "2027-03-28T02:00:00Z"
        );
    }

    #[test]
    fn daily_is_at_that_time_on_those_days() {
        let daily = || json!({"every": "1d", "at": "07:30"});
        assert_eq!(
            next(daily(), "2026-12-14T04:29:59Z", "Asia/Baghdad"),
            "2026-12-14T04:30:00Z"
        );
        assert_eq!(
            next(daily(), "2026-12-14T04:30:00Z", "Asia/Baghdad"),
            "2026-12-15T04:30:00Z"
        );
        // Working days where the weekend is Friday and Saturday; 2026-12-17 is a Thursday.
        let working = json!({"every": "1d", "on": ["sun", "mon", "tue", "wed", "thu"]});
        assert_eq!(
            next(working, "2026-12-17T05:00:00Z", "Asia/Baghdad"),
            "2026-12-20T05:00:00Z"
        );
        // A time that isn't there comes an hour later.
        let skipped = json!({"every": "1d", "at": "02:30"});
        assert_eq!(
            next(skipped.clone(), "2027-03-27T12:00:00Z", "Europe/Berlin"),
            "2027-03-28T01:30:00Z"
        );
        // One that is there twice comes once.
        assert_eq!(
            next(skipped.clone(), "2026-10-24T23:00:00Z", "Europe/Berlin"),
            "2026-10-25T00:30:00Z"
        );
        assert_eq!(
            next(skipped, "2026-10-25T00:30:00Z", "Europe/Berlin"),
            "2026-10-26T01:30:00Z"
        );
    }

    #[test]
    fn weekly_goes_over_the_weeks_border() {
        let weekly = || json!({"every": "1w", "at": "08:00"});
        // Sunday 2026-12-20, 08:00 in Baghdad.
        assert_eq!(
            next(weekly(), "2026-12-18T05:00:00Z", "Asia/Baghdad"),
            "2026-12-20T05:00:00Z"
        );
        assert_eq!(
            next(weekly(), "2026-12-20T05:00:00Z", "Asia/Baghdad"),
            "2026-12-27T05:00:00Z"
        );
        let thursdays = json!({"every": "1w", "on": "thu", "at": "16:00"});
        assert_eq!(
            next(thursdays, "2026-12-31T14:00:00Z", "Asia/Baghdad"),
            "2027-01-07T13:00:00Z"
        );
    }

    #[test]
    fn what_it_cant_be_is_refused_with_its_place() {
        for (value, place) in [
            (json!({}), "/d/every"),
            (json!({"every": "7m"}), "/d/every"),
            (json!({"every": 1}), "/d/every"),
            (json!({"every": "1h", "at": "08:00"}), "/d/at"),
            (json!({"every": "1d", "at": "8"}), "/d/at"),
            (json!({"every": "1w", "on": ["sun", "mon"]}), "/d/on"),
            (json!({"every": "1w", "on": "sunday"}), "/d/on"),
            (json!({"every": "1d", "in": 1}), "/d/in"),
        ] {
            assert_eq!(
                Schedule::parse(&value, "/d").unwrap_err().place,
                place,
                "{value}"
            );
        }
    }
}
