//! A rule's texts in every language that it or its recipients have, as each of its channels shows them. Pure: rendered by the rule's
//! own renderer, mails drawn by the mail channel's own layout.

use std::sync::Arc;

use jiff::Timestamp;

use crate::deliveries::channels::email::Drawing;
use crate::deliveries::model::{Content, Outgoing};
use crate::directory::Person;
use crate::ingest::Event;
use crate::kernel::{ChannelKind, Severity, clock};
use crate::ops::trial::preview::{ChannelText, LOCALES, Said, Texts};
use crate::rules::memory::gathered;
use crate::rules::memory::items::{Item, Waiting};
use crate::rules::set::{CompiledRule, EventContext};
use crate::rules::{Match, Reader, Rendered, Warning};

/// Whom the rule, or a step of its escalation, tells, and when.
pub(super) struct Telling<'a> {
    /// 0 = the first.
    pub(super) step: i16,
    /// When it is told: what `{{relative …}}` counts from.
    pub(super) at: Timestamp,
    /// To whom.
    pub(super) people: Vec<&'a Person>,
    /// By a digest, which has gathered it at this moment and others just like it.
    pub(super) gathered: Option<Timestamp>,
}

/// So many alike are in a digest that is shown: one alone would speak for itself.
const ALIKE: u8 = 3;

/// Languages of a telling: the rule's, and further ones of its people.
struct Tongues<'a> {
    people: &'a [&'a Person],
    locales: Vec<String>,
    /// Where somebody made up is.
    timezone: &'a str,
}

impl<'a> Tongues<'a> {
    fn of(rule: &CompiledRule, people: &'a [&'a Person]) -> Self {
        let mut locales: Vec<String> = rule.languages();
        for person in people {
            if !locales.iter().any(|known| is_same(known, &person.locale)) {
                locales.push(person.locale.clone());
            }
        }
        if locales.is_empty() {
            locales.push("en".to_owned());
        }
        locales.truncate(LOCALES);
        Self {
            people,
            locales,
            timezone: people.first().map_or("UTC", |person| &person.timezone),
        }
    }

    /// The people of a language.
    fn readers(&self, locale: &str) -> impl Iterator<Item = &'a Person> + Clone {
        let own = self.people.iter().copied();
        let locale = locale.to_owned();
        own.filter(move |person| is_same(&person.locale, &locale))
    }
}

/// The texts of each telling, the first one first; the rule's languages first. Of a step without texts of
/// its own there is only what its people read otherwise than those of the first telling.
pub(super) fn every(
    rule: &Arc<CompiledRule>,
    event: &Event,
    tellings: &[Telling<'_>],
    drawing: &Drawing,
) -> Vec<Texts> {
    let Ok(mut context) = EventContext::new(event) else {
        return Vec::new();
    };
    let mut all: Vec<Texts> = Vec::new();
    for telling in tellings {
        let tongues = Tongues::of(rule, &telling.people);
        let speaks = rule
            .escalation(telling.step)
            .is_none_or(|step| step.texts().next().is_some());
        // What is gathered is written then.
        context = context.at(telling.gathered.unwrap_or(telling.at));
        for locale in &tongues.locales {
            let texts = one(rule, telling, locale, &tongues, &mut context, drawing);
            let is_known = |known: &Texts| {
                known.step == 0 && known.locale == texts.locale && known.channels == texts.channels
            };
            if speaks || texts.readers > 0 && !all.iter().any(is_known) {
                all.push(texts);
            }
        }
    }
    all
}

/// Those of one telling in one language.
fn one(
    rule: &Arc<CompiledRule>,
    telling: &Telling<'_>,
    locale: &str,
    tongues: &Tongues<'_>,
    context: &mut EventContext<'_>,
    drawing: &Drawing,
) -> Texts {
    let &Telling { step, at, .. } = telling;
    let mut own = tongues.readers(locale);
    let readers = own.clone().count();
    let person = own.next();
    let made_up = || made_up(locale, tongues.timezone);
    let reader = person.map_or_else(made_up, Person::reader);
    let mut warnings: Vec<Warning> = Vec::new();
    let supposed = Match {
        step,
        ..Match::supposed(rule, context)
    };
    let severity = supposed.severity(context.event);
    let mut rendered = rule.render_step(step, context, &reader, &mut warnings);
    if telling.gathered.is_some() {
        // What there is to say of the texts that are gathered is said of them by themselves.
        warnings.clear();
        rendered = rendered.and_then(|texts| digest(&supposed, context.event, texts, &reader, at));
    }
    let (language, channels) = match rendered {
        Ok(texts) => {
            let shown = |&channel| shown(channel, severity, &texts, drawing);
            let channels = supposed.channels().iter().map(shown).collect();
            (texts.locale.clone(), channels)
        }
        Err(failure) => {
            warnings.push(failure);
            (String::new(), Vec::new())
        }
    };
    Texts {
        step,
        at,
        gathered: telling.gathered.map_or(0, |_| ALIKE),
        locale: locale.to_owned(),
        language,
        user_id: person.map(|person| person.id.clone()),
        timezone: reader.timezone,
        readers,
        channels,
        warnings: warnings.into_iter().map(Said::from).collect(),
    }
}

/// What a digest says that has gathered several like this.
fn digest(
    matched: &Match,
    event: &Event,
    texts: Rendered,
    reader: &Reader,
    at: Timestamp,
) -> Result<Rendered, Warning> {
    let facts = &matched.rule.facts;
    let item = Item {
        event_id: event.id,
        rule_id: facts.id,
        rule_version: facts.version,
        user_id: String::new(),
        category: facts.category.clone(),
        severity: matched.severity(event).as_str().to_owned(),
        channels: Vec::new(),
        locale: texts.locale,
        title: texts.title,
        body: texts.body,
        action_url: texts.action_url,
        action_label: texts.action_label,
        occurred_at: event.occurred_at,
        expires_at: None,
        // Only what is told alone has mails of its own.
        mail: None,
    };
    let waiting = Waiting {
        total: ALIKE.into(),
        items: vec![item; ALIKE.into()],
    };
    gathered::render(Some(&matched.rule), &facts.name, &waiting, reader, at)
}

fn is_same(a: &str, b: &str) -> bool {
    a.replace('_', "-")
        .eq_ignore_ascii_case(&b.replace('_', "-"))
}

/// Somebody of a language that no recipient has.
fn made_up(locale: &str, timezone: &str) -> Reader {
    Person {
        id: "sample".to_owned(),
        display_name: "Sample".to_owned(),
        email: Some("sample@example.com".to_owned()),
        locale: locale.to_owned(),
        timezone: timezone.to_owned(),
        ..Person::default()
    }
    .reader()
}

fn shown(
    channel: ChannelKind,
    severity: Severity,
    texts: &Rendered,
    drawing: &Drawing,
) -> ChannelText {
    let mut shown = ChannelText {
        channel: channel.as_str(),
        title: Some(texts.title.clone()),
        text: texts.body.clone(),
        html: None,
        action_url: texts.action_url.clone(),
        action_label: texts.action_label.clone(),
    };
    match channel {
        ChannelKind::Email => {
            let drawn = drawing.draw(&outgoing(severity, texts));
            if let Ok(drawn) = drawn {
                shown.title = Some(drawn.subject);
                shown.text = drawn.text;
                shown.html = Some(drawn.html);
            }
        }
        ChannelKind::Sms | ChannelKind::Whatsapp | ChannelKind::Telegram => {
            shown.text = texts.sms_body.clone().unwrap_or_else(|| {
                let parts = [texts.title.as_str(), texts.body.as_str()];
                parts.map(str::trim).join("\n").trim().to_owned()
            });
            shown.title = None;
        }
        ChannelKind::InApp | ChannelKind::Slack | ChannelKind::WebPush | ChannelKind::Webhook => {}
    }
    shown
}

/// The mail's delivery, as it would be claimed.
fn outgoing(severity: Severity, texts: &Rendered) -> Outgoing {
    Outgoing {
        delivery_id: 0,
        notification_id: 0,
        user_id: String::new(),
        channel: ChannelKind::Email,
        address: String::new(),
        display_name: String::new(),
        locale: texts.locale.clone(),
        title: texts.title.clone(),
        body: texts.body.clone(),
        action_url: texts.action_url.clone(),
        action_label: texts.action_label.clone(),
        severity,
        content: Content {
            subject: texts.email_subject.clone(),
            html: texts.email_html.clone(),
            text: None,
        },
        created_at: clock::now(),
        attempt: 1,
    }
}
