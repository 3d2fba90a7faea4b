//! Dates and times as people write them in their language and zone. Comes from payload values, goes to `helpers`.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::rules::locale::Language;

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

/// How a day is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Style {
    /// `05/03/2026`
    Short,
    /// `5 March 2026`
    #[default]
    Medium,
    /// `Thursday, 5 March 2026`
    Long,
    /// `2026-03-05`
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
        language: Language,
        zone: &TimeZone,
    ) -> Option<String> {
        let (moment, has_time) = match self {
            Self::Day(date) => (date.at(0, 0, 0, 0), false),
            Self::Local(moment) => (moment, true),
            Self::Instant(instant) => (Zoned::new(instant, zone.clone()).datetime(), true),
        };
        let time = || format!("{:02}:{:02}", moment.hour(), moment.minute());
        let day = || Self::day(moment.date(), style, language);
        match part {
            Part::Date => Some(day()),
            Part::Time => has_time.then(time),
            Part::Both if !has_time => Some(day()),
            Part::Both if style == Style::Iso => Some(format!("{}T{}", day(), time())),
            Part::Both => Some(format!("{}{}{}", day(), language.comma(), time())),
        }
    }

    fn day(date: Date, style: Style, language: Language) -> String {
        let (year, month, day) = (date.year(), date.month(), date.day());
        match style {
            Style::Iso => format!("{year:04}-{month:02}-{day:02}"),
            Style::Short => format!("{day:02}/{month:02}/{year:04}"),
            Style::Medium => format!("{day} {} {year}", language.month(month)),
            Style::Long => format!(
                "{}{}{day} {} {year}",
                language.weekday(date.weekday().to_monday_zero_offset()),
                language.comma(),
                language.month(month)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, part: Part, style: Style, language: Language) -> Option<String> {
        let zone = TimeZone::get("Asia/Baghdad").unwrap();
        Moment::parse(text).and_then(|m| m.write(part, style, language, &zone))
    }

    #[test]
    fn an_instant_is_shown_in_the_readers_zone() {
        let utc = "2026-03-05T22:30:00Z";
        let en = |part, style| written(utc, part, style, Language::English).unwrap();
        assert_eq!(en(Part::Date, Style::Medium), "6 March 2026");
        assert_eq!(en(Part::Time, Style::Medium), "01:30");
        assert_eq!(en(Part::Both, Style::Medium), "6 March 2026, 01:30");
        assert_eq!(en(Part::Both, Style::Iso), "2026-03-06T01:30");
        assert_eq!(en(Part::Date, Style::Long), "Friday, 6 March 2026");
        assert_eq!(en(Part::Date, Style::Short), "06/03/2026");
    }

    #[test]
    fn arabic_months_are_those_of_iraq() {
        let ar = |text, style| written(text, Part::Date, style, Language::Arabic).unwrap();
        assert_eq!(ar("2026-01-09", Style::Medium), "9 كانون الثاني 2026");
        assert_eq!(ar("2026-03-05", Style::Long), "الخميس، 5 آذار 2026");
        assert_eq!(
            written(
                "2026-12-31T10:00:00+03:00",
                Part::Both,
                Style::Medium,
                Language::Arabic
            )
            .unwrap(),
            "31 كانون الأول 2026، 10:00"
        );
    }

    #[test]
    fn a_day_has_no_zone_and_no_time() {
        assert_eq!(
            written("2026-03-05", Part::Both, Style::Medium, Language::English).unwrap(),
            "5 March 2026"
        );
        assert_eq!(
            written("2026-03-05", Part::Time, Style::Medium, Language::English),
            None
        );
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
                written(text, Part::Time, Style::Medium, Language::English).as_deref(),
                Some("13:00"),
                "{text}"
            );
        }
        assert_eq!(
            written(
                "2026-03-05T13:00:00",
                Part::Time,
                Style::Medium,
                Language::English
            )
            .unwrap(),
            "13:00"
        );
        for text in ["", "soon", "12", "2026", "2026-13-01", "infinity", "NaN"] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
