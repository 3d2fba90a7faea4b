//! Dates and times as people write them in their language and zone. Comes from payload values, goes to `helpers`.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::rules::language::Language;

/// What a payload value can say about time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Moment {
    /// `2026-03-05`: a day, in no zone.
    Day(Date),
    /// `2026-03-05T14:30`: a clock's reading, taken as the reader's.
    Local(DateTime),
    /// With an offset, or seconds (or milliseconds) since 1970.
    Instant(Timestamp),
}

/// Which part is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The day.
    Date,
    /// The time of day, 24 hours.
    Time,
    /// Both.
    Both,
}

/// How a day is written, by the language's own pattern; here in English.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Style {
    /// `05/03/2026`; a time to the minute
    Short,
    /// `5 March 2026`; a time to the minute
    #[default]
    Medium,
    /// `Thursday, 5 March 2026`; a time to the second
    Long,
    /// `2026-03-05`, whatever the language
    Iso,
}

impl Style {
    /// The words, for messages.
    pub(crate) const NAMES: [&'static str; 4] = ["short", "medium", "long", "iso"];

    /// From its word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "short" => Some(Self::Short),
            "medium" => Some(Self::Medium),
            "long" => Some(Self::Long),
            "iso" => Some(Self::Iso),
            _ => None,
        }
    }
}

impl Moment {
    /// Reads what PostgreSQL, JSON libraries and people write. `None` for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > 64 {
            return None;
        }
        if text.len() <= 10 && text.contains('-') {
            return text.parse().ok().map(Self::Day);
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Some(Self::Instant(instant));
        }
        if let Ok(number) = text.parse::<f64>() {
            // Below 1e8 it is a count or a year, never a moment of this business; above 1e11 milliseconds.
            let seconds = if number.abs() >= 1e11 {
                number / 1000.0
            } else {
                number
            };
            if !(1e8..1e11).contains(&seconds) {
                return None;
            }
            #[allow(clippy::cast_possible_truncation)]
            return Timestamp::from_millisecond((seconds * 1000.0) as i64)
                .ok()
                .map(Self::Instant);
        }
        text.parse().ok().map(Self::Local)
    }

    /// As people write it. `None` when a day is asked for its time.
    pub(crate) fn write(
        self,
        part: Part,
        style: Style,
        language: &Language,
        zone: &TimeZone,
    ) -> Option<String> {
        let (moment, has_time) = match self {
            Self::Day(date) => (date.at(0, 0, 0, 0), false),
            Self::Local(moment) => (moment, true),
            Self::Instant(instant) => (zone.to_datetime(instant), true),
        };
        let (calendar, date, time) = (language.calendar(), moment.date(), moment.time());
        let written = match part {
            Part::Time if !has_time => return None,
            Part::Time => calendar.time(time, style),
            Part::Both if has_time => calendar.both(moment, style),
            Part::Date | Part::Both => calendar.day(date, style),
        };
        // What no language writes is written as machines do.
        Some(written.unwrap_or_else(|| match part {
            Part::Time => time.strftime("%H:%M:%S").to_string(),
            Part::Both if has_time => moment.strftime("%Y-%m-%dT%H:%M").to_string(),
            Part::Date | Part::Both => date.to_string(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, part: Part, style: Style, tag: &str) -> Option<String> {
        let zone = TimeZone::get("Asia/Baghdad").unwrap();
        Moment::parse(text).and_then(|m| m.write(part, style, &Language::of(tag), &zone))
    }

    #[test]
    fn an_instant_is_shown_in_the_readers_zone() {
        let utc = "2026-03-05T22:30:00Z";
        let en = |part, style| written(utc, part, style, "en").unwrap();
        assert_eq!(en(Part::Date, Style::Medium), "6 March 2026");
        assert_eq!(en(Part::Time, Style::Medium), "01:30");
        assert_eq!(en(Part::Both, Style::Medium), "6 March 2026 at 01:30");
        assert_eq!(en(Part::Both, Style::Iso), "2026-03-06T01:30");
        assert_eq!(en(Part::Date, Style::Long), "Friday, 6 March 2026");
        assert_eq!(en(Part::Date, Style::Short), "06/03/2026");
    }

    #[test]
    fn arabic_months_are_those_of_iraq() {
        let ar = |text, style| written(text, Part::Date, style, "ar").unwrap();
        assert_eq!(ar("2026-01-09", Style::Medium), "9 كانون الثاني 2026");
        assert_eq!(ar("2026-03-05", Style::Long), "الخميس، 5 آذار 2026");
        assert_eq!(
            written("2026-12-31T10:00:00+03:00", Part::Both, Style::Medium, "ar").unwrap(),
            "31 كانون الأول 2026 في 10:00"
        );
    }

    #[test]
    fn a_day_has_no_zone_and_no_time() {
        assert_eq!(
            written("2026-03-05", Part::Both, Style::Medium, "en").unwrap(),
            "5 March 2026"
        );
        assert_eq!(written("2026-03-05", Part::Time, Style::Medium, "en"), None);
    }

    #[test]
    fn times_are_read_as_postgres_and_programs_write_them() {
        for text in [
            "2026-03-05 13:00:00+03",
            "2026-03-05T10:00:00.123456Z",
            "1772704800",
            "1772704800000",
        ] {
            assert_eq!(
                written(text, Part::Time, Style::Medium, "en").as_deref(),
                Some("13:00"),
                "{text}"
            );
        }
        assert_eq!(
            written("2026-03-05T13:00:00", Part::Time, Style::Medium, "en").unwrap(),
            "13:00"
        );
        for text in ["", "soon", "12", "2026", "2026-13-01", "infinity", "NaN"] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
