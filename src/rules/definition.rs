//! A rule's `notification_template`, read and checked key by key. Comes from the rule's row, goes to `set`.

use serde_json::Value as Json;

use crate::kernel::{ChannelKind, Severity};
use crate::rules::audience::AudienceRule;
use crate::rules::keys::Keys;
use crate::rules::limits;
use crate::rules::memory::{self, Memory};
use crate::rules::model::Fault;
use crate::rules::render::Escape;
use crate::rules::text::{Text, kind};

/// The keys there are, beside those of time and memory.
const OWN: [&str; 22] = [
    "title",
    "body",
    "severity",
    "category",
    "action_url",
    "action_label",
    "channels",
    "recipient_roles",
    "recipient_users",
    "recipient_branches",
    "recipient_fields",
    "recipient_groups",
    "recipient_managers",
    "recipient_followers",
    "exclude_actor",
    "exclude_users",
    "email_subject",
    "email_html",
    "sms_body",
    "mandatory",
    "on_missing",
    "$comment",
];
/// Keys of the design that later versions bring.
pub(crate) const LATER: [&str; 1] = ["actions"];

/// All keys there are.
pub(crate) fn all_keys() -> Vec<&'static str> {
    OWN.into_iter().chain(memory::read::KEYS).collect()
}

/// A template, read.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) severity: Option<Severity>,
    pub(crate) category: String,
    pub(crate) channels: Vec<ChannelKind>,
    pub(crate) mandatory: bool,
    pub(crate) strict: bool,
    pub(crate) audience: AudienceRule,
    pub(crate) memory: Memory,
    pub(crate) title: Text,
    pub(crate) body: Option<Text>,
    pub(crate) action_url: Option<Text>,
    pub(crate) action_label: Option<Text>,
    pub(crate) email_subject: Option<Text>,
    pub(crate) email_html: Option<Text>,
    pub(crate) sms_body: Option<Text>,
}

/// The place of all of it.
const ROOT: &str = "/notification_template";

impl Definition {
    /// Reads JSON text.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() > limits::RULE_BYTES {
            return Err(Fault {
                place: ROOT.to_owned(),
                detail: format!("the template is longer than {} bytes", limits::RULE_BYTES),
            });
        }
        let json: Json = serde_json::from_str(text).map_err(|e| Fault {
            place: ROOT.to_owned(),
            detail: format!("the template is no JSON: {e}"),
        })?;
        let Json::Object(object) = &json else {
            return Err(Fault {
                place: ROOT.to_owned(),
                detail: format!("the template must be an object, not {}", kind(&json)),
            });
        };
        let keys = Keys::new(object, ROOT);
        keys.known(&all_keys(), &LATER)?;
        let Some(title) = keys.text("title", Escape::Plain)? else {
            return keys.fault("title", "a rule needs a title");
        };
        let category = match keys.word("category")? {
            None => "general".to_owned(),
            Some(word) if is_category(word) => word.to_owned(),
            Some(_) => {
                return keys.fault("category", &format!(
                    "a category is one word of letters, digits, `_`, `-` and `.`, at most {} characters",
                    limits::CATEGORY_CHARS
                ));
            }
        };
        let strict = match keys.word("on_missing")? {
            None | Some("dash") => false,
            Some("fail") => true,
            Some(word) => {
                return keys.fault(
                    "on_missing",
                    &format!("it is \"dash\" or \"fail\", not \"{word}\""),
                );
            }
        };
        Ok(Self {
            severity: keys.severity()?,
            category,
            channels: keys.channels()?,
            mandatory: keys.flag("mandatory")?,
            strict,
            audience: AudienceRule::read(&keys)?,
            memory: memory::read::memory(&keys)?,
            title,
            body: keys.text("body", Escape::Plain)?,
            action_url: keys.text("action_url", Escape::Url)?,
            action_label: keys.text("action_label", Escape::Plain)?,
            email_subject: keys.text("email_subject", Escape::Plain)?,
            email_html: keys.text("email_html", Escape::Html)?,
            sms_body: keys.text("sms_body", Escape::Plain)?,
        })
    }

    /// All its texts and those of its escalations, by place.
    pub(crate) fn all_texts(&self) -> impl Iterator<Item = (String, &Text)> {
        let own = self.texts().map(|(key, text)| (key.to_owned(), text));
        let steps = self.memory.escalate.iter().enumerate();
        own.chain(steps.flat_map(|(nth, step)| {
            let place = move |(key, text)| (format!("escalate/{nth}/{key}"), text);
            step.texts().map(place)
        }))
    }

    /// All its own texts, by key.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&'static str, &Text)> {
        let optional = [
            ("body", &self.body),
            ("action_url", &self.action_url),
            ("action_label", &self.action_label),
            ("email_subject", &self.email_subject),
            ("email_html", &self.email_html),
            ("sms_body", &self.sms_body),
        ];
        let optional = optional
            .into_iter()
            .filter_map(|(key, text)| text.as_ref().map(|text| (key, text)));
        std::iter::once(("title", &self.title)).chain(optional)
    }
}

fn is_category(word: &str) -> bool {
    (1..=limits::CATEGORY_CHARS).contains(&word.len())
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}
