//! A rule's `notification_template`, read and checked key by key. Comes from the rule's row, goes to `set`.

use serde_json::{Map, Value as Json};

use crate::kernel::{ChannelKind, Severity};
use crate::rules::audience::{AudienceRule, BranchRule};
use crate::rules::limits;
use crate::rules::model::Fault;
use crate::rules::render::Escape;
use crate::rules::suggest::did_you_mean;
use crate::rules::text::{Text, kind};

/// The keys there are.
pub(crate) const KEYS: [&str; 18] = [
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
    "exclude_actor",
    "email_subject",
    "email_html",
    "sms_body",
    "mandatory",
    "on_missing",
    "$comment",
];
/// Keys of the design that later versions bring.
pub(crate) const LATER: [&str; 8] = [
    "actions",
    "dedupe_key",
    "throttle",
    "delay",
    "digest",
    "escalate",
    "resolves",
    "expires_after",
];

/// A template, read.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) severity: Option<Severity>,
    pub(crate) category: String,
    pub(crate) channels: Vec<ChannelKind>,
    pub(crate) mandatory: bool,
    pub(crate) strict: bool,
    pub(crate) audience: AudienceRule,
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
        let keys = Keys(object);
        keys.known()?;
        let Some(title) = keys.text("title", Escape::Plain)? else {
            return keys.fault("title", "a rule needs a title");
        };
        let severity = match keys.word("severity")? {
            None => None,
            Some(word) => match Severity::parse(word) {
                Some(severity) => Some(severity),
                None => {
                    let words = Severity::ALL.map(Severity::as_str);
                    return keys.fault(
                        "severity",
                        &format!(
                            "there is no severity `{word}`{}; there are {}",
                            did_you_mean(word, &words),
                            words.join(", ")
                        ),
                    );
                }
            },
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
            severity,
            category,
            channels: keys.channels()?,
            mandatory: keys.flag("mandatory")?,
            strict,
            audience: AudienceRule {
                roles: keys.ids("recipient_roles", limits::ROLES)?,
                users: keys.ids("recipient_users", limits::USERS)?,
                branches: keys.branches()?,
                fields: keys.fields()?,
                exclude_actor: keys.flag("exclude_actor")?,
            },
            title,
            body: keys.text("body", Escape::Plain)?,
            action_url: keys.text("action_url", Escape::Url)?,
            action_label: keys.text("action_label", Escape::Plain)?,
            email_subject: keys.text("email_subject", Escape::Plain)?,
            email_html: keys.text("email_html", Escape::Html)?,
            sms_body: keys.text("sms_body", Escape::Plain)?,
        })
    }

    /// All its texts, by key.
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

/// The template's object; every error names its place. `null` is as good as not there.
struct Keys<'j>(&'j Map<String, Json>);

impl<'j> Keys<'j> {
    fn fault<T>(&self, key: &str, detail: &str) -> Result<T, Fault> {
        let key = key.replace('~', "~0");
        Err(Fault {
            place: format!("{ROOT}/{key}"),
            detail: detail.to_owned(),
        })
    }

    fn known(&self) -> Result<(), Fault> {
        for key in self.0.keys() {
            let escaped = key.replace('~', "~0").replace('/', "~1");
            if LATER.contains(&key.as_str()) {
                return Err(Fault {
                    place: format!("{ROOT}/{escaped}"),
                    detail: format!("this version doesn't support `{key}` yet"),
                });
            }
            if !KEYS.contains(&key.as_str()) {
                return Err(Fault {
                    place: format!("{ROOT}/{escaped}"),
                    detail: format!("there is no key `{key}`{}", did_you_mean(key, &KEYS)),
                });
            }
        }
        Ok(())
    }

    fn get(&self, key: &str) -> Option<&'j Json> {
        self.0.get(key).filter(|json| !json.is_null())
    }

    fn text(&self, key: &str, escape: Escape) -> Result<Option<Text>, Fault> {
        self.get(key)
            .map(|json| Text::parse(json, &format!("{ROOT}/{key}"), escape))
            .transpose()
    }

    fn word(&self, key: &str) -> Result<Option<&'j str>, Fault> {
        match self.get(key) {
            None => Ok(None),
            Some(Json::String(word)) => Ok(Some(word)),
            Some(other) => self.fault(key, &format!("it must be a text, not {}", kind(other))),
        }
    }

    fn flag(&self, key: &str) -> Result<bool, Fault> {
        match self.get(key) {
            None => Ok(false),
            Some(Json::Bool(flag)) => Ok(*flag),
            Some(other) => self.fault(
                key,
                &format!("it must be true or false, not {}", kind(other)),
            ),
        }
    }

    fn list(&self, key: &str) -> Result<&'j [Json], Fault> {
        match self.get(key) {
            None => Ok(&[]),
            Some(Json::Array(items)) => Ok(items),
            Some(other) => self.fault(key, &format!("it must be a list, not {}", kind(other))),
        }
    }

    /// A list of ids: texts, or whole numbers, which are kept as their digits. No duplicates.
    fn ids(&self, key: &str, most: usize) -> Result<Vec<String>, Fault> {
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

    fn channels(&self) -> Result<Vec<ChannelKind>, Fault> {
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

    fn branches(&self) -> Result<BranchRule, Fault> {
        const KEY: &str = "recipient_branches";
        match self.get(KEY) {
            None => Ok(BranchRule::Event),
            Some(Json::String(word)) if word == "event" => Ok(BranchRule::Event),
            Some(Json::String(word)) if word == "any" => Ok(BranchRule::Any),
            Some(Json::Array(items)) if !items.is_empty() => {
                let ids = self.ids(KEY, limits::BRANCHES)?;
                // `*` is how a person says "all branches"; for a rule that is "any".
                Ok(if ids.iter().any(|id| id == "*") {
                    BranchRule::Any
                } else {
                    BranchRule::Of(ids)
                })
            }
            Some(_) => self.fault(KEY, "it is \"event\", \"any\", or a list of branches"),
        }
    }

    fn fields(&self) -> Result<Vec<Vec<String>>, Fault> {
        const KEY: &str = "recipient_fields";
        let paths = self.ids(KEY, limits::FIELDS)?;
        let mut fields = Vec::with_capacity(paths.len());
        for (i, path) in paths.iter().enumerate() {
            let path = path.strip_prefix("payload.").unwrap_or(path);
            let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
            if keys.iter().any(String::is_empty) {
                return self.fault(
                    &format!("{KEY}/{i}"),
                    &format!(
                        "`{path}` is no path: it is written like `assigned_to` or `lines.owner_id`"
                    ),
                );
            }
            fields.push(keys);
        }
        Ok(fields)
    }
}
