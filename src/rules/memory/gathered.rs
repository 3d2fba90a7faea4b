//! What a digest says: the rule's own `digest.title` and `digest.body`, or ours, over what was gathered. Comes from a rule's template or
//! stands here, goes to the pipeline, which tells it. Variables: `count`, `more` (how many aren't listed), `items` (each with `title`,
//! `body`, `action_url`, `severity`, `category`, `occurred_at`), `name` (the rule's, or the category).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use crate::ingest::Event;
use crate::kernel::Severity;
use crate::rules::definition::Definition;
use crate::rules::memory::items::Waiting;
use crate::rules::model::{Fault, Reader, Rendered, Warning};
use crate::rules::reads::Read;
use crate::rules::set::{CompiledRule, EventContext};
use crate::rules::speak::write;
use crate::rules::template::Template;
use crate::rules::write::Texts;

/// Listed in a digest.
const LISTED: usize = 100;

const TITLE: [(&str, &str); 3] = [
    (
        "en",
        "{{plural count one=\"# notification\" other=\"# notifications\"}}: {{name}}",
    ),
    (
        "ar",
        "{{plural count zero=\"لا إشعارات\" one=\"إشعار واحد\" two=\"إشعاران\" few=\"# إشعارات\" many=\"# إشعاراً\" other=\"# إشعار\"}}: {{name}}",
    ),
    (
        "ckb",
        "{{plural count one=\"# ئاگاداری\" other=\"# ئاگاداری\"}}: {{name}}",
    ),
];
const BODY: [(&str, &str); 3] = [
    (
        "en",
        "{{#each items}}• {{title}}\n{{/each}}{{#if more}}… and {{number more}} more{{/if}}",
    ),
    (
        "ar",
        "{{#each items}}• {{title}}\n{{/each}}{{#if more}}… و{{number more}} غيرها{{/if}}",
    ),
    (
        "ckb",
        "{{#each items}}• {{title}}\n{{/each}}{{#if more}}… و {{number more}}ی تر{{/if}}",
    ),
];

/// What its texts can name.
const VARIABLES: [&str; 10] = [
    "count",
    "more",
    "name",
    "items",
    "items.title",
    "items.body",
    "items.action_url",
    "items.severity",
    "items.category",
    "items.occurred_at",
];

/// The texts of a `digest` object at this place.
pub(crate) fn definition(digest: &Map<String, Json>, place: &str) -> Result<Definition, Fault> {
    let own = |key: &str, ours: &[(&str, &str)]| match digest.get(key) {
        None | Some(Json::Null) => ours
            .iter()
            .map(|(tag, text)| ((*tag).to_owned(), json!(text)))
            .collect(),
        Some(own) => own.clone(),
    };
    let template = json!({"title": own("title", &TITLE), "body": own("body", &BODY)});
    let definition = Definition::parse(&template.to_string()).map_err(|fault| Fault {
        place: fault.place.replacen("/notification_template", place, 1),
        detail: fault.detail,
    })?;
    for (key, text) in definition.texts() {
        if let Some(detail) = text.templates().find_map(unknown) {
            let place = format!("{place}/{key}");
            return Err(Fault { place, detail });
        }
    }
    Ok(definition)
}

/// What a digest's text reads that no digest has.
fn unknown(text: &Template) -> Option<String> {
    let known = BTreeSet::from(VARIABLES);
    let is_unknown = |read: &&Read<'_>| read.is_of_event || !read.is_among(&known);
    let reads = text.reads();
    let read = reads.iter().find(is_unknown)?;
    if read.is_of_event {
        return Some(format!(
            "a digest is about several events: there is no `{}`",
            read.raw
        ));
    }
    Some(format!(
        "a digest has no `{}`{}; it has count, items, more and name",
        read.raw,
        read.near(&known, false)
    ))
}

/// Ours, for what people gather by their own wish, and for rules that are gone.
static OURS: LazyLock<Option<Definition>> = LazyLock::new(|| definition(&Map::new(), "").ok());

/// Writes a digest for its reader. `rule`: the one that gathers, if it is one that does; `name` is its name, or the category.
///
/// # Errors
/// A fault of the template at run time.
pub fn render(
    rule: Option<&CompiledRule>,
    name: &str,
    waiting: &Waiting,
    reader: &Reader,
    now: Timestamp,
) -> Result<Rendered, Warning> {
    let broken = |detail: &str| Warning {
        rule: name.to_owned(),
        kind: "render_failed",
        detail: detail.to_owned(),
    };
    let own = rule.and_then(|rule| rule.memory().digest.as_ref());
    let texts = own.map(|digest| &*digest.texts).or(OURS.as_ref());
    let texts = texts.ok_or_else(|| broken("a digest's own texts don't compile"))?;
    let listed: Vec<Json> = waiting
        .items
        .iter()
        .take(LISTED)
        .map(|item| {
            json!({"title": item.title, "body": item.body, "action_url": item.action_url, "severity": item.severity,
                   "category": item.category, "occurred_at": item.occurred_at})
        })
        .collect();
    let more = usize::try_from(waiting.total)
        .unwrap_or_default()
        .saturating_sub(listed.len());
    let payload = json!({"count": waiting.total, "more": more, "name": name, "items": listed});
    let event = Event {
        id: 0,
        source_module: "neurolink".to_owned(),
        event_type: "neurolink.digest".to_owned(),
        severity: Severity::Info,
        occurred_at: now,
        received_at: now,
        payload: payload.to_string(),
        correlation_id: None,
        branch_id: None,
        actor_id: None,
        entity_type: None,
        entity_id: None,
    };
    let context = EventContext::new(&event).map_err(|error| broken(&error.chain()))?;
    let mut context = context.at(now);
    write(
        Texts::of(texts),
        name,
        (true, true),
        &mut context,
        reader,
        &mut Vec::new(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::memory::items::Item;

    fn waiting(count: usize) -> Waiting {
        let item = |n: usize| Item {
            event_id: 1,
            rule_id: 1,
            rule_version: 1,
            user_id: "ali".into(),
            category: "finance".into(),
            severity: "info".into(),
            channels: vec![],
            locale: "en".into(),
            title: format!("Invoice {n}"),
            body: String::new(),
            action_url: None,
            action_label: None,
            occurred_at: Timestamp::UNIX_EPOCH,
            expires_at: None,
            mail: None,
        };
        Waiting {
            total: count as i64,
            items: (0..count.min(100)).map(item).collect(),
        }
    }

    fn told(count: usize, locale: &str) -> Rendered {
        let reader = Reader {
            locale: locale.into(),
            timezone: "UTC".into(),
            fields: json!({}),
        };
        render(
            None,
            "finance",
            &waiting(count),
            &reader,
            Timestamp::UNIX_EPOCH,
        )
        .unwrap()
    }

    #[test]
    fn what_no_digest_has_is_a_fault_of_the_rule() {
        let fault = |text: &str| {
            let digest = json!({"title": text});
            let read = definition(digest.as_object().unwrap(), "/notification_template/digest");
            read.err().map(|fault| (fault.place, fault.detail))
        };
        assert_eq!(
            fault("{{coutn}} for {{recipient.display_name}}"),
            Some((
                "/notification_template/digest/title".into(),
                "a digest has no `coutn` (did you mean `count`?); it has count, items, more and name".into()
            ))
        );
        let (_, detail) = fault("{{#each items}}{{titel}}{{/each}}").unwrap();
        assert!(detail.contains("(did you mean `items.title`?)"), "{detail}");
        let (_, detail) = fault("{{event.event_type}}").unwrap();
        assert!(detail.contains("several events"), "{detail}");
        assert_eq!(
            fault("{{#each items}}{{title}} of {{@root.name}}{{/each}}{{#if more}}…{{/if}}"),
            None
        );
    }

    #[test]
    fn ours_lists_what_was_gathered_in_the_readers_language() {
        let digest = told(2, "en");
        assert_eq!(digest.title, "2 notifications: finance");
        assert_eq!(digest.body, "• Invoice 0\n• Invoice 1");
        assert!(told(2, "ar-IQ").title.starts_with("إشعاران"));
        assert!(told(150, "en").body.ends_with("… and 50 more"));
        assert!(told(3, "ckb").title.contains("ئاگاداری"));
    }
}
