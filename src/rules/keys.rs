//! An object of a rule's template, asked key by key; every error names its place. Comes from `definition` and `memory`.

use serde_json::{Map, Value as Json};

use crate::kernel::{ChannelKind, Severity};
use crate::rules::limits;
use crate::rules::model::Fault;
use crate::rules::render::Escape;
use crate::rules::suggest::did_you_mean;
use crate::rules::text::{Text, kind};

/// An object of a template; every error names its place. `null` is as good as not there.
pub(crate) struct Keys<'j> {
    object: &'j Map<String, Json>,
    /// The object's place.
    root: String,
}

impl<'j> Keys<'j> {
    /// The object at this place.
    pub(crate) fn new(object: &'j Map<String, Json>, root: impl Into<String>) -> Self {
        let root = root.into();
        Self { object, root }
    }

    /// Says that what stands under a key is wrong.
    pub(crate) fn fault<T>(&self, key: &str, detail: &str) -> Result<T, Fault> {
        let (root, key) = (&self.root, key.replace('~', "~0"));
        Err(Fault {
            place: format!("{root}/{key}"),
            detail: detail.to_owned(),
        })
    }

    /// Refuses keys that aren't among these, and says of some that they will be.
    pub(crate) fn known(&self, keys: &[&str], later: &[&str]) -> Result<(), Fault> {
        for key in self.object.keys() {
            let escaped = key.replace('/', "~1");
            if later.contains(&key.as_str()) {
                return self.fault(
                    &escaped,
                    &format!("this version doesn't support `{key}` yet"),
                );
            }
            if !keys.contains(&key.as_str()) {
                let meant = did_you_mean(key, keys);
                return self.fault(&escaped, &format!("there is no key `{key}`{meant}"));
            }
        }
        Ok(())
    }

    /// What stands under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&'j Json> {
        self.object.get(key).filter(|json| !json.is_null())
    }

    /// The place of a key.
    pub(crate) fn place(&self, key: &str) -> String {
        format!("{}/{key}", self.root)
    }

    /// A text that may be left out.
    pub(crate) fn text(&self, key: &str, escape: Escape) -> Result<Option<Text>, Fault> {
        self.get(key)
            .map(|json| Text::parse(json, &self.place(key), escape))
            .transpose()
    }

    /// A word that may be left out.
    pub(crate) fn word(&self, key: &str) -> Result<Option<&'j str>, Fault> {
        match self.get(key) {
            None => Ok(None),
            Some(Json::String(word)) => Ok(Some(word)),
            Some(other) => self.fault(key, &format!("it must be a text, not {}", kind(other))),
        }
    }

    /// `severity`, if it is there.
    pub(crate) fn severity(&self) -> Result<Option<Severity>, Fault> {
        const KEY: &str = "severity";
        let Some(word) = self.word(KEY)? else {
            return Ok(None);
        };
        if let Some(severity) = Severity::parse(word) {
            return Ok(Some(severity));
        }
        let words = Severity::ALL.map(Severity::as_str);
        let (near, all) = (did_you_mean(word, &words), words.join(", "));
        self.fault(
            KEY,
            &format!("there is no severity `{word}`{near}; there are {all}"),
        )
    }

    /// Whether it is there and true.
    pub(crate) fn flag(&self, key: &str) -> Result<bool, Fault> {
        match self.get(key) {
            None => Ok(false),
            Some(Json::Bool(flag)) => Ok(*flag),
            Some(other) => self.fault(
                key,
                &format!("it must be true or false, not {}", kind(other)),
            ),
        }
    }

    /// A list; empty when it is left out.
    pub(crate) fn list(&self, key: &str) -> Result<&'j [Json], Fault> {
        match self.get(key) {
            None => Ok(&[]),
            Some(Json::Array(items)) => Ok(items),
            Some(other) => self.fault(key, &format!("it must be a list, not {}", kind(other))),
        }
    }

    /// A list of ids: texts, or whole numbers, which are kept as their digits. No duplicates.
    pub(crate) fn ids(&self, key: &str, most: usize) -> Result<Vec<String>, Fault> {
        let items = self.list(key)?;
        if items.len() > most {
            return self.fault(key, &format!("it holds more than {most}"));
        }
        let mut ids: Vec<String> = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let id = match item {
                Json::String(id) => id.trim().to_owned(),
                Json::Number(n) if n.is_i64() || n.is_u64() => n.to_string(),
                other => {
                    return self.fault(
                        &format!("{key}/{i}"),
                        &format!("it must be a text, not {}", kind(other)),
                    );
                }
            };
            if id.is_empty()
                || id.chars().count() > limits::ID_CHARS
                || id.chars().any(char::is_control)
            {
                return self.fault(
                    &format!("{key}/{i}"),
                    &format!("it must hold 1 to {} characters", limits::ID_CHARS),
                );
            }
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// Channels; in-app when they are left out.
    pub(crate) fn channels(&self) -> Result<Vec<ChannelKind>, Fault> {
        let words = self.ids("channels", 64)?;
        let mut channels = Vec::with_capacity(words.len().max(1));
        for word in &words {
            let Some(channel) = ChannelKind::parse(word) else {
                let known = ChannelKind::ALL.map(ChannelKind::as_str);
                let i = self
                    .list("channels")?
                    .iter()
                    .position(|j| j.as_str().map(str::trim) == Some(word.as_str()));
                return self.fault(
                    &format!("channels/{}", i.unwrap_or_default()),
                    &format!(
                        "there is no channel `{word}`{}; there are {}",
                        did_you_mean(word, &known),
                        known.join(", ")
                    ),
                );
            };
            channels.push(channel);
        }
        if channels.is_empty() {
            if self.get("channels").is_some() {
                return self.fault(
                    "channels",
                    "it names no channel; leave it out for in_app alone",
                );
            }
            channels.push(ChannelKind::InApp);
        }
        Ok(channels)
    }
}
