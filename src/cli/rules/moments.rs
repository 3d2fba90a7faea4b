//! Moments as managers read them: to the minute, in UTC and in the zone of whoever they are about. Pure.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `2026-12-10 06:00 UTC (09:00 Asia/Baghdad)`; of another day there: `(2026-12-11 01:30 Asia/Baghdad)`. Without a zone, or one that
/// isn't known or is UTC itself, in UTC alone.
pub(super) fn moment(at: Timestamp, zone: Option<&str>) -> String {
    let utc = TimeZone::UTC.to_datetime(at);
    let said = utc.strftime("%Y-%m-%d %H:%M UTC");
    let Some((name, zone)) = zone.and_then(|name| Some((name, TimeZone::get(name).ok()?))) else {
        return said.to_string();
    };
    let there = zone.to_datetime(at);
    let form = match (there == utc, there.date() == utc.date()) {
        (true, _) => return said.to_string(),
        (_, true) => "%H:%M",
        (_, false) => "%Y-%m-%d %H:%M",
    };
    format!("{said} ({} {name})", there.strftime(form))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_to_the_minute_in_utc_and_in_the_zone_that_is_known() {
        let at: Timestamp = "2026-12-10T06:00:46.392736412Z".parse().unwrap();
        for (zone, said) in [
            (None, "2026-12-10 06:00 UTC"),
            (Some("UTC"), "2026-12-10 06:00 UTC"),
            (Some("Nowhere/At all"), "2026-12-10 06:00 UTC"),
            (
                Some("Asia/Baghdad"),
                "2026-12-10 06:00 UTC (09:00 Asia/Baghdad)",
            ),
            (
                Some("America/Los_Angeles"),
                "2026-12-10 06:00 UTC (2026-12-09 22:00 America/Los_Angeles)",
            ),
        ] {
            assert_eq!(moment(at, zone), said);
        }
    }
}
