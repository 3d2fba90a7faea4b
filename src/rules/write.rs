//! All texts of a rule for one reader, each within its limit and fit for its place. Comes from `set`, goes back as
//! `Rendered`.

use crate::kernel::shorten;
use crate::rules::budget::{Budget, Notes};
use crate::rules::definition::Definition;
use crate::rules::language::Language;
use crate::rules::limits;
use crate::rules::locale;
use crate::rules::memory::model::Escalation;
use crate::rules::model::{Rendered, Warning};
use crate::rules::render::{End, Escape, Manner, World, render};
use crate::rules::text::Text;
use crate::rules::url;

/// What is written: a rule's texts, or those of a step of its escalation.
#[derive(Clone, Copy)]
pub(crate) struct Texts<'d> {
    /// The rule's.
    pub(crate) of: &'d Definition,
    /// Where it has a title or a body of its own, the rule's mail and message give way to what is made from them.
    pub(crate) step: Option<&'d Escalation>,
}

impl<'d> Texts<'d> {
    /// The rule's.
    pub(crate) fn of(of: &'d Definition) -> Self {
        Self { of, step: None }
    }

    fn title(self) -> &'d Text {
        let own = self.step.and_then(|step| step.title.as_ref());
        own.unwrap_or(&self.of.title)
    }

    fn body(self) -> Option<&'d Text> {
        let own = self.step.and_then(|step| step.body.as_ref());
        own.or(self.of.body.as_ref())
    }

    /// One of the rule's that is made from title and body where it isn't there.
    fn made(self, text: &'d Option<Text>) -> Option<&'d Text> {
        let is_own = self.step.is_some_and(|step| step.texts().next().is_some());
        text.as_ref().filter(|_| !is_own)
    }
}

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
    pub(crate) fn write(mut self, texts: Texts<'v>, name: &str) -> Result<Rendered, Warning> {
        let own = texts.step.into_iter().flat_map(Escalation::texts);
        let chosen = own
            .chain(texts.of.texts())
            .find_map(|(_, text)| text.choose(self.locale).tag);
        let locale = chosen.unwrap_or(self.locale).to_owned();
        let mut title = self.line(texts.title(), "title")?;
        if title.is_empty() {
            title = one_line(name);
        }
        Ok(Rendered {
            locale,
            title,
            body: self
                .optional(texts.body(), "body", Self::lines)?
                .unwrap_or_default(),
            action_url: match &texts.of.action_url {
                Some(text) => self.url(text)?,
                None => None,
            },
            action_label: self.optional(
                texts.of.action_label.as_ref(),
                "action_label",
                Self::line,
            )?,
            email_subject: self.optional(
                texts.made(&texts.of.email_subject),
                "email_subject",
                Self::line,
            )?,
            email_html: self.optional(
                texts.made(&texts.of.email_html),
                "email_html",
                Self::html,
            )?,
            sms_body: self.optional(texts.made(&texts.of.sms_body), "sms_body", Self::message)?,
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
