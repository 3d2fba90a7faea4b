//! Telling people something directly, without an event or a rule. Comes from an admin, by `POST /v1/notifications` (or `psql`, by
//! the same function); goes into inboxes and the delivery log. Law: who is told, on what channel, and what is withheld is decided in
//! `sql/functions/tell.sql`, as a rule's telling would be: preferences count, unless it is mandatory.

pub mod routes;
pub mod store;

use serde::{Deserialize, Serialize};

use crate::kernel::decode::Id;
use crate::kernel::{ChannelKind, Error, Result, Severity};

/// People in one call.
pub const MOST: usize = 1_000;
const TITLE: usize = 500;
const BODY: usize = 20_000;
const LABEL: usize = 100;
const CATEGORY: usize = 64;
const URL: usize = 2_000;
/// Languages of one text.
const LANGUAGES: usize = 20;

/// A text for everybody, or one a language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Text {
    /// As it is.
    One(String),
    /// By language tag.
    Each(std::collections::BTreeMap<String, String>),
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = Text;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a text, or an object of texts by language")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Text, E> {
                Ok(Text::One(text.to_owned()))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Text, A::Error> {
                let mut texts = std::collections::BTreeMap::new();
                while let Some((language, text)) = map.next_entry::<String, String>()? {
                    texts.insert(language, text);
                }
                Ok(Text::Each(texts))
            }
        }
        d.deserialize_any(Either)
    }
}

impl Text {
    fn check(&self, place: &str, most: usize) -> Result<()> {
        let texts: Vec<&String> = match self {
            Self::One(text) => vec![text],
            Self::Each(texts) => texts.values().collect(),
        };
        if texts.is_empty() || texts.len() > LANGUAGES {
            let said = format!("1 to {LANGUAGES} languages");
            return Err(Error::invalid_at("invalid_field", place, said));
        }
        if texts.iter().any(|text| text.chars().count() > most) {
            let said = format!("at most {most} characters");
            return Err(Error::invalid_at("invalid_field", place, said));
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::One(text) => text.trim().is_empty(),
            Self::Each(texts) => texts.values().any(|text| text.trim().is_empty()),
        }
    }
}

/// Who is to be told what.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a message (an object)")]
pub struct Body {
    user_ids: Vec<Id>,
    title: Text,
    body: Option<Text>,
    severity: Option<String>,
    category: Option<String>,
    action_url: Option<String>,
    action_label: Option<Text>,
    channels: Option<Vec<String>>,
    mandatory: Option<bool>,
}

/// As the database's function takes it.
#[derive(Debug, Serialize)]
pub struct Message {
    title: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Text>,
    severity: Severity,
    category: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_label: Option<Text>,
    channels: Vec<ChannelKind>,
    mandatory: bool,
}

/// What became of it for one person on one channel.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Who.
    pub user_id: String,
    /// Their notification.
    pub notification_id: i64,
    /// On which channel.
    pub channel: String,
    /// delivered (in the inbox), pending or suppressed.
    pub status: String,
    /// Why it is suppressed.
    pub reason: Option<String>,
}

impl Body {
    /// The people and the message.
    ///
    /// # Errors
    /// `invalid_field` with the place of the fault.
    pub fn checked(self) -> Result<(Vec<String>, Message)> {
        let wrong = |place: &str, said: String| Error::invalid_at("invalid_field", place, said);
        if self.user_ids.is_empty() || self.user_ids.len() > MOST {
            return Err(wrong("/user_ids", format!("1 to {MOST} people")));
        }
        if self.title.is_empty() {
            return Err(wrong("/title", "a title says something".to_owned()));
        }
        self.title.check("/title", TITLE)?;
        for (text, place, most) in [
            (&self.body, "/body", BODY),
            (&self.action_label, "/action_label", LABEL),
        ] {
            text.as_ref()
                .map_or(Ok(()), |text| text.check(place, most))?;
        }
        let severity = match self.severity.as_deref() {
            None => Severity::default(),
            Some(word) => Severity::parse(word)
                .ok_or_else(|| wrong("/severity", "info, warning, error or critical".to_owned()))?,
        };
        let category = self.category.unwrap_or_else(|| "general".to_owned());
        if category.is_empty() || category.chars().count() > CATEGORY {
            return Err(wrong("/category", format!("1 to {CATEGORY} characters")));
        }
        if let Some(url) = &self.action_url
            && (url.len() > URL || !is_safe(url))
        {
            let said = format!("relative (`/…`) or http(s), of at most {URL} bytes");
            return Err(wrong("/action_url", said));
        }
        let named = self
            .channels
            .unwrap_or_else(|| vec![ChannelKind::InApp.as_str().to_owned()]);
        if named.is_empty() {
            return Err(wrong("/channels", "at least one".to_owned()));
        }
        let mut channels = Vec::new();
        for (index, word) in named.iter().enumerate() {
            let channel = ChannelKind::parse(word).ok_or_else(|| {
                let known: Vec<&str> = ChannelKind::ALL.iter().map(|c| c.as_str()).collect();
                wrong(
                    &format!("/channels/{index}"),
                    format!("one of {}", known.join(", ")),
                )
            })?;
            if !channels.contains(&channel) {
                channels.push(channel);
            }
        }
        let message = Message {
            title: self.title,
            body: self.body,
            severity,
            category,
            action_url: self.action_url,
            action_label: self.action_label,
            channels,
            mandatory: self.mandatory.unwrap_or_default(),
        };
        Ok((self.user_ids.into_iter().map(|id| id.0).collect(), message))
    }
}

/// Leads within the ERP or to http(s), and nowhere else.
fn is_safe(url: &str) -> bool {
    let host = |scheme: &str| {
        let rest = url.strip_prefix(scheme).unwrap_or_default();
        rest.starts_with(|first: char| first != '/' && !first.is_whitespace())
    };
    let relative = url
        .strip_prefix('/')
        .is_some_and(|rest| !rest.starts_with(['/', '\\']));
    !url.chars().any(char::is_control) && (relative || host("http://") || host("https://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Body {
        Body {
            user_ids: vec![Id("ali".to_owned())],
            title: Text::One("Hello".to_owned()),
            body: None,
            severity: None,
            category: None,
            action_url: None,
            action_label: None,
            channels: None,
            mandatory: None,
        }
    }

    fn place(body: Body) -> Option<String> {
        match body.checked() {
            Err(Error::Invalid { place, .. }) => place,
            _ => None,
        }
    }

    #[test]
    fn what_isnt_said_is_an_unmarked_word_in_the_inbox() {
        let (people, message) = body().checked().unwrap();
        assert_eq!(people, ["ali"]);
        assert_eq!(
            serde_json::to_value(&message).unwrap(),
            serde_json::json!({"title": "Hello", "severity": "info", "category": "general", "channels": ["in_app"], "mandatory": false})
        );
    }

    #[test]
    fn faults_are_named_by_their_place() {
        let with = |change: fn(&mut Body)| {
            let mut body = body();
            change(&mut body);
            place(body).unwrap_or_default()
        };
        assert_eq!(with(|b| b.user_ids.clear()), "/user_ids");
        assert_eq!(with(|b| b.title = Text::One("  ".to_owned())), "/title");
        assert_eq!(with(|b| b.title = Text::Each(Default::default())), "/title");
        assert_eq!(
            with(|b| b.body = Some(Text::One("x".repeat(20_001)))),
            "/body"
        );
        assert_eq!(with(|b| b.severity = Some("loud".to_owned())), "/severity");
        assert_eq!(
            with(|b| b.action_url = Some("javascript:1".to_owned())),
            "/action_url"
        );
        assert_eq!(
            with(|b| b.channels = Some(vec!["in_app".into(), "pigeon".into()])),
            "/channels/1"
        );
    }

    #[test]
    fn only_relative_and_http_urls_are_safe() {
        for url in ["/", "/invoices/1", "https://erp.example/x", "http://[::1]/"] {
            assert!(is_safe(url), "{url}");
        }
        for url in [
            "",
            "//evil",
            "/\\evil",
            "javascript:1",
            "https:///x",
            "ftp://x",
            "/a\nb",
        ] {
            assert!(!is_safe(url), "{url}");
        }
    }

    #[test]
    fn a_text_is_one_or_one_a_language() {
        let one: Text = serde_json::from_str("\"Hello\"").unwrap();
        assert_eq!(one, Text::One("Hello".to_owned()));
        let each: Text = serde_json::from_str("{\"en\": \"Hello\", \"ar\": \"مرحبا\"}").unwrap();
        assert!(!each.is_empty() && matches!(each, Text::Each(ref t) if t.len() == 2));
        assert!(serde_json::from_str::<Text>("7").is_err());
    }
}
