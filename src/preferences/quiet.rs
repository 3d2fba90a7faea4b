//! Quiet hours: when somebody doesn't want to be interrupted. Comes from `neurolink_user_preferences.quiet_hours`, decides when what
//! interrupts may go out. Pure: the moment and the zone are given.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use crate::kernel::hours::{Days, Wrong, only, time};

/// From one time of the day to another, in the person's zone; past midnight where `to` is the earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: Time,
    to: Time,
    /// On which they begin.
    days: Days,
}

impl QuietHours {
    /// From `{"from": "22:00", "to": "07:00", "days": ["sun"]}`; without days: every day.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn parse(value: &Value, place: &str) -> Result<Self, Wrong> {
        let Value::Object(object) = value else {
            return Err(Wrong::at(
                place,
                "quiet hours are an object with `from` and `to`, or null",
            ));
        };
        only(object, &["from", "to", "days"], place)?;
        let at = |key: &str| {
            let place = format!("{place}/{key}");
            match object.get(key) {
                Some(value) => time(value, &place),
                None => Err(Wrong::missing(&place, format!("quiet hours need `{key}`"))),
            }
        };
        let (from, to) = (at("from")?, at("to")?);
        if from == to {
            let detail = "they end at another time than they begin; who wants nothing at all switches the channels off";
            return Err(Wrong::at(&format!("{place}/to"), detail));
        }
        let days = match object.get("days") {
            Some(days) if !days.is_null() => Days::parse(days, &format!("{place}/days"))?,
            _ => Days::ALL,
        };
        Ok(Self { from, to, days })
    }

    /// When they end that are on at this moment; `None` = it isn't quiet. A time that the clocks skip comes as much later as they are
    /// put forward; one that they show twice is its first showing.
    #[must_use]
    pub fn until(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = zone.to_datetime(now).date();
        // Those that began yesterday may go on; and where the clocks were put forward over midnight, today's may have begun already.
        [today.yesterday().ok(), Some(today)]
            .into_iter()
            .flatten()
            .filter_map(|day| self.of(day, zone))
            .find(|(begin, end)| *begin <= now && now < *end)
            .map(|(_, end)| end)
    }

    /// Those that begin on that day.
    fn of(&self, day: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        if !self.days.has(day.weekday()) {
            return None;
        }
        let last = if self.to > self.from {
            day
        } else {
            day.checked_add(1.day()).ok()?
        };
        let moment = |day: Date, at: Time| zone.to_timestamp(day.to_datetime(at)).ok();
        Some((moment(day, self.from)?, moment(last, self.to)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hours(value: Value) -> QuietHours {
        QuietHours::parse(&value, "").unwrap()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn until(hours: QuietHours, now: &str, zone_name: &str) -> Option<String> {
        let end = hours.until(now.parse().unwrap(), &zone(zone_name))?;
        Some(end.to_string())
    }

    #[test]
    fn nights_cross_midnight_in_the_persons_own_zone() {
        let night = hours(json!({"from": "22:00", "to": "07:00"}));
        let end = Some("2026-12-15T04:00:00Z".to_owned());
        // Baghdad is three hours ahead of UTC, all year.
        assert_eq!(until(night, "2026-12-14T18:59:59Z", "Asia/Baghdad"), None);
        assert_eq!(until(night, "2026-12-14T19:00:00Z", "Asia/Baghdad"), end);
        assert_eq!(until(night, "2026-12-15T03:59:59Z", "Asia/Baghdad"), end);
        assert_eq!(until(night, "2026-12-15T04:00:00Z", "Asia/Baghdad"), None);
        assert_eq!(until(night, "2026-12-14T21:59:00Z", "UTC"), None);
    }

    #[test]
    fn a_break_at_noon_stays_within_its_day() {
        let noon = hours(json!({"from": "12:00", "to": "13:30"}));
        assert_eq!(
            until(noon, "2026-12-14T12:00:00Z", "UTC").unwrap(),
            "2026-12-14T13:30:00Z"
        );
        assert_eq!(until(noon, "2026-12-14T13:30:00Z", "UTC"), None);
    }

    #[test]
    fn days_are_those_on_which_they_begin() {
        // The weekend in Iraq. 2026-12-18 is a Friday.
        let weekend = hours(json!({"from": "20:00", "to": "10:00", "days": ["thu", "fri"]}));
        assert!(
            until(weekend, "2026-12-17T20:00:00Z", "UTC").is_some(),
            "Thursday evening"
        );
        assert!(
            until(weekend, "2026-12-18T09:00:00Z", "UTC").is_some(),
            "Friday morning"
        );
        assert!(
            until(weekend, "2026-12-19T09:00:00Z", "UTC").is_some(),
            "Saturday morning, begun on Friday"
        );
        assert!(
            until(weekend, "2026-12-19T21:00:00Z", "UTC").is_none(),
            "Saturday evening"
        );
        assert!(
            until(weekend, "2026-12-17T09:00:00Z", "UTC").is_none(),
            "Thursday morning"
        );
    }

    #[test]
    fn clocks_that_are_put_forward_or_back_dont_lose_a_night() {
        let night = hours(json!({"from": "22:00", "to": "02:30"}));
        // Berlin, 2027-03-28: 02:00 becomes 03:00, so 02:30 isn't there.
        assert_eq!(
            until(night, "2027-03-28T00:30:00Z", "Europe/Berlin").unwrap(),
            "2027-03-28T01:30:00Z"
        );
        // 2026-10-25: 03:00 becomes 02:00, so 02:30 is there twice.
        assert_eq!(
            until(night, "2026-10-24T23:00:00Z", "Europe/Berlin").unwrap(),
            "2026-10-25T00:30:00Z"
        );
        assert_eq!(until(night, "2026-10-25T00:45:00Z", "Europe/Berlin"), None);
    }

    #[test]
    fn what_they_cant_be_is_refused_with_its_place() {
        for (value, place) in [
            (json!([]), "/q"),
            (json!({"from": "22:00"}), "/q/to"),
            (json!({"to": "22:00"}), "/q/from"),
            (json!({"from": "22:00", "to": "22:00"}), "/q/to"),
            (json!({"from": "22", "to": "07:00"}), "/q/from"),
            (
                json!({"from": "22:00", "to": "07:00", "days": []}),
                "/q/days",
            ),
            (
                json!({"from": "22:00", "to": "07:00", "days": ["fri", "x"]}),
                "/q/days/1",
            ),
            (
                json!({"from": "22:00", "to": "07:00", "until": 1}),
                "/q/until",
            ),
        ] {
            assert_eq!(
                QuietHours::parse(&value, "/q").unwrap_err().place,
                place,
                "{value}"
            );
        }
    }
}
