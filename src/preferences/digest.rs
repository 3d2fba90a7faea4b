//! A person's wish for a category: told at once, or gathered and told by a schedule. Comes from `neurolink_user_preferences.digest`.
//! Pure.

use serde_json::Value;

use crate::kernel::Schedule;
use crate::kernel::hours::Wrong;

/// A person's wish for a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// At once, even where a rule gathers.
    Off,
    /// Gathered, and told then.
    On(Schedule),
}

impl Digest {
    /// From `"off"` or a schedule.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn parse(value: &Value, place: &str) -> Result<Self, Wrong> {
        match value {
            Value::String(word) if word == "off" => Ok(Self::Off),
            Value::Object(_) => Ok(Self::On(Schedule::parse(value, place)?)),
            _ => Err(Wrong::at(
                place,
                "a digest is \"off\", or an object with `every`",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_digest_is_off_or_a_schedule() {
        assert_eq!(Digest::parse(&json!("off"), ""), Ok(Digest::Off));
        let hourly = Schedule::parse(&json!({"every": "1h"}), "").unwrap();
        assert_eq!(
            Digest::parse(&json!({"every": "1h"}), ""),
            Ok(Digest::On(hourly))
        );
        for (odd, place) in [
            (json!("on"), "/d"),
            (json!(null), "/d"),
            (json!({"every": "2y"}), "/d/every"),
        ] {
            assert_eq!(Digest::parse(&odd, "/d").unwrap_err().place, place, "{odd}");
        }
    }
}
