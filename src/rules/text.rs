//! A text of a rule in its languages. Comes from `definition`, goes to `set`, which renders it for a reader.

use serde_json::Value as Json;

use crate::rules::bidi::Direction;
use crate::rules::language::Language;
use crate::rules::limits;
use crate::rules::locale;
use crate::rules::lower::compile;
use crate::rules::model::Fault;
use crate::rules::render::Escape;
use crate::rules::template::Template;
use crate::rules::url;

/// A text.
#[derive(Debug)]
pub(crate) enum Text {
    /// The same for all, and the direction of its words, if it has any.
    One(Template, Option<Direction>),
    /// By language: the tag as written in the rule, and the text.
    Many(Vec<(String, Template, Direction)>),
}

/// The text for a reader.
pub(crate) struct Chosen<'t> {
    /// The text.
    pub(crate) template: &'t Template,
    /// Its language when it has one of its own.
    pub(crate) tag: Option<&'t str>,
    /// Which way it runs; `None` when it has neither a language nor words.
    pub(crate) direction: Option<Direction>,
}

impl Text {
    /// Reads `"…"` or `{"en": "…", "ar": "…"}`.
    pub(crate) fn parse(json: &Json, place: &str, escape: Escape) -> Result<Self, Fault> {
        match json {
            Json::String(source) => {
                let template = template(source, place, escape)?;
                let direction = template.leaning(escape == Escape::Html);
                Ok(Self::One(template, direction))
            }
            Json::Object(languages) if languages.is_empty() => Err(Fault {
                place: place.to_owned(),
                detail: "it has no language".to_owned(),
            }),
            Json::Object(languages) if languages.len() > limits::LANGUAGES => Err(Fault {
                place: place.to_owned(),
                detail: format!("it has more than {} languages", limits::LANGUAGES),
            }),
            Json::Object(languages) => {
                let mut texts: Vec<(String, Template, Direction)> =
                    Vec::with_capacity(languages.len());
                for (tag, source) in languages {
                    let place = format!("{place}/{}", tag.replace('~', "~0").replace('/', "~1"));
                    if !locale::is_tag(tag) {
                        let detail =
                            format!("`{tag}` is no language: it is written like `ar` or `ar-IQ`");
                        return Err(Fault { place, detail });
                    }
                    if texts
                        .iter()
                        .any(|(known, ..)| locale::normal(known) == locale::normal(tag))
                    {
                        return Err(Fault {
                            place,
                            detail: format!("the language `{tag}` is there twice"),
                        });
                    }
                    let Json::String(source) = source else {
                        return Err(Fault {
                            place,
                            detail: format!("it must be a text, not {}", kind(source)),
                        });
                    };
                    let direction = Language::of(tag).direction();
                    texts.push((tag.clone(), template(source, &place, escape)?, direction));
                }
                Ok(Self::Many(texts))
            }
            other => Err(Fault {
                place: place.to_owned(),
                detail: format!(
                    "it must be a text, or texts by language like {{\"en\": …, \"ar\": …}}, not {}",
                    kind(other)
                ),
            }),
        }
    }

    /// The text for a reader.
    pub(crate) fn choose(&self, locale: &str) -> Chosen<'_> {
        match self {
            Self::One(template, direction) => Chosen {
                template,
                tag: None,
                direction: *direction,
            },
            Self::Many(texts) => {
                let chosen =
                    locale::choose(texts.iter().map(|(tag, ..)| tag.as_str()), locale).unwrap_or(0);
                let (tag, template, direction) = &texts[chosen];
                Chosen {
                    template,
                    tag: Some(tag),
                    direction: Some(*direction),
                }
            }
        }
    }

    /// All its templates.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let (one, many) = match self {
            Self::One(template, _) => (Some(template), &[][..]),
            Self::Many(texts) => (None, &texts[..]),
        };
        one.into_iter()
            .chain(many.iter().map(|(_, template, _)| template))
    }

    /// Its languages; none for a text without.
    pub(crate) fn languages(&self) -> Vec<&str> {
        match self {
            Self::One(..) => Vec::new(),
            Self::Many(texts) => texts.iter().map(|(tag, ..)| tag.as_str()).collect(),
        }
    }
}

fn template(source: &str, place: &str, escape: Escape) -> Result<Template, Fault> {
    let template = compile(source, escape != Escape::Plain).map_err(|flaw| Fault {
        place: format!("{place} line {} column {}", flaw.line, flaw.column),
        detail: flaw.detail,
    })?;
    if escape == Escape::Url && !url::may_begin(&template) {
        return Err(Fault {
            place: format!("{place} line 1 column 1"),
            detail: "a URL is relative (`/invoices/7`) or begins with https:// or http://"
                .to_owned(),
        });
    }
    Ok(template)
}

/// What a JSON value is, for messages.
pub(crate) fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}
