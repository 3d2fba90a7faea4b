//! Where a reader of an inbox stands: `<epoch>.<rev>`. SSE's `id:` and `Last-Event-ID`, and `since` everywhere else.

use std::fmt;

use crate::kernel::{Error, Result};

/// A place in an inbox's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The database's epoch; `None` in a bare number, which no restore can be noticed by.
    pub epoch: Option<String>,
    /// The last revision seen.
    pub rev: i64,
}

impl Cursor {
    /// Reads `<epoch>.<rev>`, or a bare revision. `place` is the parameter's or header's name.
    ///
    /// # Errors
    /// `Invalid` for anything else.
    pub fn parse(text: &str, place: &'static str) -> Result<Self> {
        let (epoch, rev) = match text.split_once('.') {
            Some((epoch, rev)) => (Some(epoch), rev),
            None => (None, text),
        };
        let word =
            |e: &str| (1..=32).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_alphanumeric());
        match rev.parse::<i64>() {
            Ok(number)
                if number >= 0
                    && rev.bytes().all(|b| b.is_ascii_digit())
                    && epoch.is_none_or(word) =>
            {
                Ok(Self {
                    epoch: epoch.map(str::to_owned),
                    rev: number,
                })
            }
            _ => Err(Error::invalid_at(
                "invalid_cursor",
                place,
                "a cursor is <epoch>.<revision>, as it was given out",
            )),
        }
    }

    /// Whether a reader standing here can go on in an inbox of this state, or must reload: another epoch (the database was
    /// restored or failed over), a revision from the future, or one whose later deletions were already swept away.
    #[must_use]
    pub fn resumes(&self, epoch: &str, inbox_rev: i64, floor_rev: i64) -> bool {
        self.epoch.as_deref().is_none_or(|own| own == epoch)
            && self.rev <= inbox_rev
            && self.rev >= floor_rev
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.epoch {
            Some(epoch) => write!(f, "{epoch}.{}", self.rev),
            None => write!(f, "{}", self.rev),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_from_its_text() {
        let cursor = Cursor {
            epoch: Some("1f9fd49e".into()),
            rev: 42,
        };
        assert_eq!(cursor.to_string(), "1f9fd49e.42");
        assert_eq!(Cursor::parse("1f9fd49e.42", "since").unwrap(), cursor);
        assert_eq!(
            Cursor::parse("0", "since").unwrap(),
            Cursor {
                epoch: None,
                rev: 0
            }
        );
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for bad in [
            "",
            ".",
            "a.",
            ".1",
            "a.-1",
            "a.1.2",
            "a.+1",
            "x y.1",
            "1e3",
            "9223372036854775808",
            "a.١",
        ] {
            assert!(Cursor::parse(bad, "since").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_reader_must_reload_after_a_restore_from_the_future_and_from_below_the_floor() {
        let at = |epoch: &str, rev| Cursor {
            epoch: Some(epoch.into()),
            rev,
        };
        assert!(at("e", 5).resumes("e", 9, 5));
        assert!(at("e", 9).resumes("e", 9, 0));
        assert!(!at("old", 5).resumes("e", 9, 0));
        assert!(!at("e", 10).resumes("e", 9, 0));
        assert!(!at("e", 4).resumes("e", 9, 5));
        assert!(
            Cursor {
                epoch: None,
                rev: 0
            }
            .resumes("e", 9, 0)
        );
    }
}
