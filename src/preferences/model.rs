//! What somebody wishes, as it is stored, and what it decides: channel switches per category, quiet hours, digests. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;

use crate::kernel::ChannelKind;
use crate::preferences::digest::Digest;
use crate::preferences::quiet::QuietHours;

/// The category that stands for all that aren't named.
pub const EVERY: &str = "*";

/// A recipient's wishes. The default is: everything on, at any hour, at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    channels: BTreeMap<String, BTreeMap<ChannelKind, bool>>,
    quiet: Option<QuietHours>,
    digests: BTreeMap<String, Digest>,
}

impl Wishes {
    /// From what is stored: three JSON texts. SQL may have stored anything: what is no wish is none.
    #[must_use]
    pub fn stored(channels: Option<&str>, quiet: Option<&str>, digests: Option<&str>) -> Self {
        let read = |text: Option<&str>| serde_json::from_str(text?).ok();
        Self {
            channels: members(read(channels))
                .map(|(category, channels)| (category, switches(channels)))
                .collect(),
            quiet: read(quiet).and_then(|value| QuietHours::parse(&value, "").ok()),
            digests: members(read(digests))
                .filter_map(|(category, wish)| Some((category, Digest::parse(&wish, "").ok()?)))
                .collect(),
        }
    }

    /// Whether a notification of this category is wanted on this channel: the category's own switch decides, else that of
    /// `*`, else it is.
    #[must_use]
    pub fn wants(&self, category: &str, channel: ChannelKind) -> bool {
        [category, EVERY]
            .into_iter()
            .find_map(|key| self.channels.get(key)?.get(&channel).copied())
            .unwrap_or(true)
    }

    /// How often notifications of this category are to be gathered: the category's own wish, else that of `*`; `None` = as the rule says.
    #[must_use]
    pub fn digest(&self, category: &str) -> Option<Digest> {
        [category, EVERY]
            .into_iter()
            .find_map(|key| self.digests.get(key).copied())
    }

    /// Whether anything is wished to be gathered.
    #[must_use]
    pub fn has_digests(&self) -> bool {
        !self.digests.is_empty()
    }

    /// When the quiet hours end that are on at this moment; `None` = it isn't quiet. The zone is the person's own (IANA); one that isn't
    /// known is UTC.
    #[must_use]
    pub fn quiet_until(&self, now: Timestamp, zone: &str) -> Option<Timestamp> {
        let quiet = self.quiet?;
        quiet.until(now, &TimeZone::get(zone).unwrap_or(TimeZone::UTC))
    }
}

fn members(value: Option<Value>) -> impl Iterator<Item = (String, Value)> {
    match value {
        Some(Value::Object(members)) => members,
        _ => serde_json::Map::new(),
    }
    .into_iter()
}

fn switches(channels: Value) -> BTreeMap<ChannelKind, bool> {
    members(Some(channels))
        .filter_map(|(channel, on)| Some((ChannelKind::parse(&channel)?, on.as_bool()?)))
        .collect()
}

/// Somebody's preferences, on their way out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preferences {
    /// Whose.
    pub user_id: String,
    /// `{"<category or *>": {"email": false}}`.
    pub channels: Value,
    /// `{"from": "22:00", "to": "07:00", "days": ["sun"]}`; `null` = none.
    pub quiet_hours: Option<Value>,
    /// `{"<category or *>": {"every": "1d", "at": "08:00"}}`.
    pub digest: Value,
    /// When they were last set; `null` = never.
    pub updated_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switched(text: &str) -> Wishes {
        Wishes::stored(Some(text), None, None)
    }

    #[test]
    fn a_categorys_own_switch_beats_the_one_for_all_and_what_isnt_said_is_on() {
        let wishes = switched(
            r#"{"*": {"email": false, "sms": false}, "finance": {"email": true, "in_app": false}}"#,
        );
        use ChannelKind::{Email, InApp, Sms, Telegram};
        assert!(wishes.wants("finance", Email), "its own beats *");
        assert!(!wishes.wants("finance", InApp));
        assert!(!wishes.wants("finance", Sms), "* for what it doesn't say");
        assert!(!wishes.wants("stock", Email));
        assert!(wishes.wants("stock", InApp) && wishes.wants("stock", Telegram));
        assert!(Wishes::default().wants("stock", Email));
    }

    #[test]
    fn whatever_sql_has_stored_is_read_as_far_as_it_makes_sense() {
        for odd in [
            "",
            "null",
            "[]",
            "{\"*\": 5}",
            "{\"*\": {\"email\": \"no\", \"pigeon\": false}}",
        ] {
            assert!(switched(odd).wants("x", ChannelKind::Email), "{odd}");
        }
        let half = switched(r#"{"*": {"pigeon": false, "email": false}, "x": []}"#);
        assert!(!half.wants("x", ChannelKind::Email));
    }

    #[test]
    fn a_categorys_own_digest_beats_the_one_for_all() {
        let wishes = Wishes::stored(
            None,
            None,
            Some(
                r#"{"*": {"every": "1d"}, "finance": "off", "odd": {"every": "1y"}, "stock": {"every": "1h"}}"#,
            ),
        );
        assert_eq!(wishes.digest("finance"), Some(Digest::Off));
        assert_ne!(wishes.digest("stock"), wishes.digest("sales"));
        assert_eq!(
            wishes.digest("odd"),
            wishes.digest("*"),
            "what is no wish is none"
        );
        assert_eq!(Wishes::default().digest("finance"), None);
    }

    #[test]
    fn it_is_quiet_in_the_persons_zone_and_in_utc_where_that_isnt_known() {
        let wishes = Wishes::stored(None, Some(r#"{"from": "22:00", "to": "07:00"}"#), None);
        let now = "2026-12-14T20:00:00Z".parse().unwrap();
        assert!(wishes.quiet_until(now, "Asia/Baghdad").is_some());
        assert!(wishes.quiet_until(now, "Mars/Olympus").is_none());
        let odd = Wishes::stored(None, Some(r#"{"from": "22:00"}"#), None);
        assert!(odd.quiet_until(now, "Asia/Baghdad").is_none());
    }
}
