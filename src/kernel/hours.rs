//! Times of the day and days of the week as people write them: `"22:00"`, `["fri", "sat"]`. What quiet hours and schedules are made
//! of; comes from JSON, refused with the place of the fault. Pure.

use jiff::civil::{Time, Weekday};
use serde_json::Value;

use crate::kernel::Error;

/// Why a text isn't what was asked for, and where in the JSON it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// `invalid_field`, `missing_field` or `unknown_field`.
    pub code: &'static str,
    /// A JSON pointer.
    pub place: String,
    /// One sentence.
    pub detail: String,
}

impl Wrong {
    /// At this place.
    #[must_use]
    pub fn at(place: &str, detail: impl Into<String>) -> Self {
        Self {
            code: "invalid_field",
            place: place.to_owned(),
            detail: detail.into(),
        }
    }

    /// A field that isn't there.
    #[must_use]
    pub fn missing(place: &str, detail: impl Into<String>) -> Self {
        Self {
            code: "missing_field",
            ..Self::at(place, detail)
        }
    }
}

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        Self::invalid_at(wrong.code, &wrong.place, wrong.detail)
    }
}

const NAMES: [(&str, Weekday); 7] = [
    ("sun", Weekday::Sunday),
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
];

/// Days of the week; never none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days(u8);

impl Days {
    /// All seven.
    pub const ALL: Self = Self(0b111_1111);

    /// One.
    #[must_use]
    pub fn one(day: Weekday) -> Self {
        Self(bit(day))
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn has(self, day: Weekday) -> bool {
        self.0 & bit(day) != 0
    }

    /// How many.
    #[must_use]
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// From a word, or a list of them.
    ///
    /// # Errors
    /// What isn't a day, or no day at all, with its place.
    pub fn parse(value: &Value, place: &str) -> Result<Self, Wrong> {
        match value {
            Value::String(word) => Ok(Self::one(day(word, place)?)),
            Value::Array(words) if !words.is_empty() => {
                let mut days = 0;
                for (index, word) in words.iter().enumerate() {
                    let place = format!("{place}/{index}");
                    let Value::String(word) = word else {
                        return Err(Wrong::at(&place, KNOWN));
                    };
                    days |= bit(day(word, &place)?);
                }
                Ok(Self(days))
            }
            _ => Err(Wrong::at(place, format!("days are a list: {KNOWN}"))),
        }
    }
}

const KNOWN: &str = "a day is sun, mon, tue, wed, thu, fri or sat";

fn bit(day: Weekday) -> u8 {
    1 << day.to_sunday_zero_offset()
}

fn day(word: &str, place: &str) -> Result<Weekday, Wrong> {
    let found = NAMES.iter().find(|(name, _)| *name == word);
    found
        .map(|(_, day)| *day)
        .ok_or_else(|| Wrong::at(place, KNOWN))
}

/// A time of the day, `"07:30"`.
///
/// # Errors
/// Anything else, with its place.
pub fn time(value: &Value, place: &str) -> Result<Time, Wrong> {
    let wrong = || {
        Wrong::at(
            place,
            "a time of the day is like 07:30, from 00:00 to 23:59",
        )
    };
    let text = value.as_str().ok_or_else(wrong)?;
    let &[h1, h2, b':', m1, m2] = text.as_bytes() else {
        return Err(wrong());
    };
    let number = |tens: u8, ones: u8| match (tens, ones) {
        (b'0'..=b'9', b'0'..=b'9') => i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok(),
        _ => None,
    };
    let (Some(hour), Some(minute)) = (number(h1, h2), number(m1, m2)) else {
        return Err(wrong());
    };
    Time::new(hour, minute, 0, 0).map_err(|_| wrong())
}

/// Refuses what an object has besides these keys.
///
/// # Errors
/// The first such key, with its place.
pub fn only(
    object: &serde_json::Map<String, Value>,
    known: &[&str],
    place: &str,
) -> Result<(), Wrong> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => {
            let mut at = place.to_owned();
            crate::kernel::json::push_step(&mut at, key);
            Err(Wrong {
                code: "unknown_field",
                ..Wrong::at(
                    &at,
                    format!(
                        "there is no such field here; there are {}",
                        known.join(", ")
                    ),
                )
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_are_two_digits_each_of_a_day() {
        assert_eq!(
            time(&json!("07:30"), ""),
            Ok(jiff::civil::time(7, 30, 0, 0))
        );
        assert_eq!(time(&json!("00:00"), ""), Ok(Time::midnight()));
        for odd in [
            json!("24:00"),
            json!("7:30"),
            json!("07:60"),
            json!("07:30:00"),
            json!("٠٧:٣٠"),
            json!(7),
            json!("-1:00"),
        ] {
            assert_eq!(time(&odd, "/at").unwrap_err().place, "/at", "{odd}");
        }
    }

    #[test]
    fn days_are_a_word_or_a_list_of_words() {
        assert_eq!(
            Days::parse(&json!("sun"), ""),
            Ok(Days::one(Weekday::Sunday))
        );
        let weekend = Days::parse(&json!(["fri", "sat", "fri"]), "").unwrap();
        assert!(
            weekend.has(Weekday::Friday)
                && weekend.has(Weekday::Saturday)
                && !weekend.has(Weekday::Sunday)
        );
        assert_eq!(weekend.count(), 2);
        for (odd, place) in [
            (json!([]), "/days"),
            (json!("Friday"), "/days"),
            (json!(["fri", "x"]), "/days/1"),
            (json!(["fri", 5]), "/days/1"),
        ] {
            assert_eq!(
                Days::parse(&odd, "/days").unwrap_err().place,
                place,
                "{odd}"
            );
        }
    }
}
