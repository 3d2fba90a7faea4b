//! Days, times and distances in time as a language writes them: ICU4X's formatters, made when first needed. Comes from
//! `language`, goes to `dates` and `relative`, which know what a payload's value means. The calendar is the Gregorian one
//! everywhere: it is the one invoices are dated by.

use icu_calendar::{Date, Gregorian};
use icu_datetime::fieldsets::{T, YMD, YMDE, YMDET, YMDT};
use icu_datetime::{
    DateTimeFormatterPreferences, FixedCalendarDateTimeFormatter as Formatter, NoCalendarFormatter,
};
use icu_experimental::relativetime::options::Numeric;
use icu_experimental::relativetime::{RelativeTimeFormatter, RelativeTimeFormatterOptions};
use icu_locale::Locale;
use icu_time::{DateTime, Time};
use jiff::civil;

use crate::rules::dates::Style;
use crate::rules::decimal::Decimal;
use crate::rules::language::{Lazy, made};
use crate::rules::relative::Unit;

/// A language's days and times.
pub(crate) struct Calendar {
    tag: Locale,
    numeric: Lazy<Formatter<Gregorian, YMD>>,
    words: Lazy<Formatter<Gregorian, YMD>>,
    weekday: Lazy<Formatter<Gregorian, YMDE>>,
    numeric_time: Lazy<Formatter<Gregorian, YMDT>>,
    words_time: Lazy<Formatter<Gregorian, YMDT>>,
    weekday_time: Lazy<Formatter<Gregorian, YMDET>>,
    minutes: Lazy<NoCalendarFormatter<T>>,
    seconds: Lazy<NoCalendarFormatter<T>>,
    relatives: [Lazy<RelativeTimeFormatter>; 6],
}

impl Calendar {
    /// Of a language, whose digits and hours are in its tag.
    pub(crate) fn of(tag: &Locale) -> Self {
        Self {
            tag: tag.clone(),
            numeric: Lazy::new(),
            words: Lazy::new(),
            weekday: Lazy::new(),
            numeric_time: Lazy::new(),
            words_time: Lazy::new(),
            weekday_time: Lazy::new(),
            minutes: Lazy::new(),
            seconds: Lazy::new(),
            relatives: Default::default(),
        }
    }

    fn prefs(&self) -> DateTimeFormatterPreferences {
        (&self.tag).into()
    }

    /// A day. `None` for `Style::Iso`, which is no language's, and for what no calendar has.
    pub(crate) fn day(&self, date: civil::Date, style: Style) -> Option<String> {
        let day = gregorian(date)?;
        Some(match style {
            Style::Iso => return None,
            Style::Short => made(&self.numeric, || {
                Formatter::try_new(self.prefs(), YMD::short())
            })?
            .format(&day)
            .to_string(),
            Style::Medium => made(&self.words, || {
                Formatter::try_new(self.prefs(), YMD::long())
            })?
            .format(&day)
            .to_string(),
            Style::Long => made(&self.weekday, || {
                Formatter::try_new(self.prefs(), YMDE::long())
            })?
            .format(&day)
            .to_string(),
        })
    }

    /// A day and its time, to the minute. `None` as for `day`.
    pub(crate) fn both(&self, moment: civil::DateTime, style: Style) -> Option<String> {
        let both = DateTime {
            date: gregorian(moment.date())?,
            time: of_day(moment.time())?,
        };
        Some(match style {
            Style::Iso => return None,
            Style::Short => made(&self.numeric_time, || {
                Formatter::try_new(self.prefs(), YMD::short().with_time_hm())
            })?
            .format(&both)
            .to_string(),
            Style::Medium => made(&self.words_time, || {
                Formatter::try_new(self.prefs(), YMD::long().with_time_hm())
            })?
            .format(&both)
            .to_string(),
            Style::Long => made(&self.weekday_time, || {
                Formatter::try_new(self.prefs(), YMDE::long().with_time_hm())
            })?
            .format(&both)
            .to_string(),
        })
    }

    /// A time of day: to the minute, as `Style::Long` to the second. `None` as for `day`.
    pub(crate) fn time(&self, time: civil::Time, style: Style) -> Option<String> {
        let time = of_day(time)?;
        let (kept, fields) = match style {
            Style::Iso => return None,
            Style::Short | Style::Medium => (&self.minutes, T::hm()),
            Style::Long => (&self.seconds, T::hms()),
        };
        let formatter = made(kept, || NoCalendarFormatter::try_new(self.prefs(), fields))?;
        Some(formatter.format(&time).to_string())
    }

    /// So many units from now; negative ones are ago. `None` where CLDR has no words for it in this language (Sorani), only
    /// signs like `+3 d`.
    pub(crate) fn relative(&self, unit: Unit, count: i64) -> Option<String> {
        let formatter = made(&self.relatives[unit as usize], || {
            let prefs = (&self.tag).into();
            let options = RelativeTimeFormatterOptions::default().with_numeric(Numeric::Auto);
            match unit {
                Unit::Now => RelativeTimeFormatter::try_new_long_second(prefs, options),
                Unit::Minutes => RelativeTimeFormatter::try_new_long_minute(prefs, options),
                Unit::Hours => RelativeTimeFormatter::try_new_long_hour(prefs, options),
                Unit::Days => RelativeTimeFormatter::try_new_long_day(prefs, options),
                Unit::Months => RelativeTimeFormatter::try_new_long_month(prefs, options),
                Unit::Years => RelativeTimeFormatter::try_new_long_year(prefs, options),
            }
        })?;
        let written = |count| {
            formatter
                .format(Decimal::of(count).digits().clone())
                .to_string()
        };
        if written(9).starts_with('+') {
            return None;
        }
        Some(written(count))
    }
}

fn gregorian(date: civil::Date) -> Option<Date<Gregorian>> {
    let month = u8::try_from(date.month()).ok()?;
    let day = u8::try_from(date.day()).ok()?;
    Date::try_new_gregorian(date.year().into(), month, day).ok()
}

fn of_day(time: civil::Time) -> Option<Time> {
    let part = |n: i8| u8::try_from(n).ok();
    Time::try_new(
        part(time.hour())?,
        part(time.minute())?,
        part(time.second())?,
        0,
    )
    .ok()
}
