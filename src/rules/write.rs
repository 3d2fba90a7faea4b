//! All texts of a rule for one reader, each within its limit and fit for its place. Comes from `set`, goes back as
//! `Rendered`.

use crate::kernel::shorten;
use crate::rules::budget::{Budget, Notes};
use crate::rules::definition::Definition;
use crate::rules::language::Language;
use crate::rules::limits;
use crate::rules::locale;
use crate::rules::model::{Rendered, Warning};
use crate::rules::render::{End, Escape, Manner, World, render};
use crate::rules::text::Text;
use crate::rules::url;

/// Writes texts.
pub(crate) struct Writer<'v, 'w> {
    world: &'w World<'v>,
    locale: &'w str,
    budget: Budget,
    notes: Notes<'w>,
}

impl<'v, 'w> Writer<'v, 'w> {
    /// For one reader and one rule.
    pub(crate) fn new(
        world: &'w World<'v>,
        locale: &'w str,
        budget: Budget,
        notes: Notes<'w>,
    ) -> Self {
        Self {
            world,
            locale,
            budget,
            notes,
        }
    }

    /// All texts. A title that comes out empty is the rule's name: nobody gets a notification without one.
    pub(crate) fn write(mut self, texts: &'v Definition, name: &str) -> Result<Rendered, Warning> {
        let chosen = texts
            .texts()
            .find_map(|(_, text)| text.choose(self.locale).tag);
        let locale = chosen.unwrap_or(self.locale).to_owned();
        let mut title = self.line(&texts.title, "title")?;
        if title.is_empty() {
            title = one_line(name);
        }
        Ok(Rendered {
            locale,
            title,
            body: self
                .optional(texts.body.as_ref(), "body", Self::lines)?
                .unwrap_or_default(),
            action_url: match &texts.action_url {
                Some(text) => self.url(text)?,
                None => None,
            },
            action_label: self.optional(texts.action_label.as_ref(), "action_label", Self::line)?,
            email_subject: self.optional(
                texts.email_subject.as_ref(),
                "email_subject",
                Self::line,
            )?,
            email_html: self.optional(texts.email_html.as_ref(), "email_html", Self::html)?,
            sms_body: self.optional(texts.sms_body.as_ref(), "sms_body", Self::message)?,
        })
    }

    /// A text that may be left out; one that comes out empty is as good as left out.
    fn optional(
        &mut self,
        text: Option<&'v Text>,
        key: &str,
        write: impl FnOnce(&mut Self, &'v Text, &str) -> Result<String, Warning>,
    ) -> Result<Option<String>, Warning> {
        let text = text.map(|text| write(self, text, key)).transpose()?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    fn render(
        &mut self,
        text: &'v Text,
        escape: Escape,
        isolates: bool,
        most: usize,
    ) -> Result<(String, End), Warning> {
        let chosen = text.choose(self.locale);
        let tag = locale::spoken(chosen.tag, self.locale);
        let around = || {
            chosen
                .direction
                .unwrap_or_else(|| Language::of(tag).direction())
        };
        let manner = Manner {
            tag,
            around: isolates.then(around),
            escape,
            most,
        };
        let (template, budget) = (chosen.template, &mut self.budget);
        render(template, self.world, &manner, budget, &mut self.notes)
    }

    fn cut(
        &mut self,
        text: &'v Text,
        key: &str,
        isolates: bool,
        most: usize,
    ) -> Result<String, Warning> {
        let (written, end) = self.render(text, Escape::Plain, isolates, most)?;
        if end != End::Cut {
            return Ok(written);
        }
        self.notes
            .add("too_large", format!("{key} is cut after {most} characters"));
        Ok(shorten::cut(&written, most, "…", |_| 1))
    }

    fn line(&mut self, text: &'v Text, key: &str) -> Result<String, Warning> {
        self.cut(text, key, true, limits::TITLE_CHARS)
            .map(|text| one_line(&text))
    }

    fn lines(&mut self, text: &'v Text, key: &str) -> Result<String, Warning> {
        self.cut(text, key, true, limits::BODY_CHARS)
            .map(|text| clean(&text))
    }

    /// Without isolates: many a phone shows them as boxes.
    fn message(&mut self, text: &'v Text, key: &str) -> Result<String, Warning> {
        self.cut(text, key, false, limits::BODY_CHARS)
            .map(|text| clean(&text))
    }

    fn html(&mut self, text: &'v Text, key: &str) -> Result<String, Warning> {
        let (written, end) = self.render(text, Escape::Html, true, limits::HTML_BYTES)?;
        if end == End::Cut {
            return Err(self
                .notes
                .failure(format!("{key} is larger than {} bytes", limits::HTML_BYTES)));
        }
        Ok(clean(&written))
    }

    /// A URL that isn't safe or whole is left out: the notification is still worth reading.
    fn url(&mut self, text: &'v Text) -> Result<Option<String>, Warning> {
        let (written, end) = self.render(text, Escape::Url, false, limits::URL_BYTES)?;
        let written = written.trim();
        match end {
            End::Broken => return Ok(None),
            End::Cut => {
                self.notes.add(
                    "too_large",
                    format!(
                        "action_url is longer than {} bytes and left out",
                        limits::URL_BYTES
                    ),
                );
                return Ok(None);
            }
            End::Whole => {}
        }
        if !url::is_safe(written) {
            self.notes.add(
                "bad_url",
                "action_url is neither relative nor http(s) and left out".to_owned(),
            );
            return Ok(None);
        }
        Ok(Some(written.to_owned()))
    }
}

/// Line breaks, control characters and runs of white space become one space: fit for a header.
pub(crate) fn one_line(text: &str) -> String {
    let is_break =
        |c: char| c.is_control() || c.is_whitespace() || matches!(c, '\u{2028}' | '\u{2029}');
    if text.chars().all(|c| c == ' ' || !is_break(c)) && !text.contains("  ") {
        return text.trim().to_owned();
    }
    text.split(is_break)
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Control characters but line breaks and tabs are taken out; line breaks are `\n`.
fn clean(text: &str) -> String {
    let text = text.trim_end();
    if !text
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\t')
    {
        return text.to_owned();
    }
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}
