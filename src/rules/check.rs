//! A look at a rule before it is trusted: compiles it, renders it for made-up readers, and says what is allowed but
//! probably not meant. Comes from `rules check`, goes back to people.

use jiff::Timestamp;

use crate::ingest::Event;
use crate::kernel::{ChannelKind, Severity};
use crate::rules::locale;
use crate::rules::meant;
use crate::rules::model::{Fault, Reader, RuleRow, Warning};
use crate::rules::set::{CompiledRule, EventContext};
use crate::rules::template::Start;

/// Compiles a rule and renders it once in each of its languages, with every variable of its templates given.
///
/// Hints are of kind `hint`; what the sample rendering had to say keeps its kind.
///
/// # Errors
/// What is wrong with the rule, with its place.
pub fn check(row: &RuleRow) -> Result<Vec<Warning>, Fault> {
    let (rule, pattern) = CompiledRule::compile(row)?;
    let mut hints: Vec<String> = Vec::new();
    let definition = &rule.definition;
    if definition.audience.is_empty() && definition.memory.resolves.is_empty() {
        hints.push(if definition.audience.managers_of_recipients {
            "it reaches nobody: recipient_managers tells the managers of its recipients, and it has none".to_owned()
        } else {
            "it reaches nobody: no recipient_roles, recipient_groups, recipient_users, recipient_fields, \
             recipient_managers or recipient_followers says whom"
                .to_owned()
        });
    }
    if let Some(condition) = row
        .conditions
        .as_deref()
        .filter(|text| text.trim() != "null")
    {
        hints.extend(meant::doubts(condition, &pattern));
    }
    let mut tags: Vec<&str> = Vec::new();
    for (_, text) in definition.all_texts() {
        for tag in text.languages() {
            if !tags
                .iter()
                .any(|known| locale::normal(known) == locale::normal(tag))
            {
                tags.push(tag);
            }
        }
    }
    for tag in tags.iter().filter(|tag| !is_short(tag)) {
        hints.push(format!(
            "`{tag}` is no language's code, and nobody reads its texts: codes have two or three letters (`ar`, `en`, `ckb`)"
        ));
    }
    let audience = &definition.audience;
    let is_out = |user: &String| audience.excluded.contains(user);
    if audience.is_by_id_alone() && !audience.users.is_empty() && audience.users.iter().all(is_out)
    {
        hints.push("it reaches nobody: exclude_users names all of recipient_users".to_owned());
    }
    for (key, text) in definition.all_texts() {
        let has = text.languages();
        for tag in &tags {
            if !has.is_empty() && !has.iter().any(|h| locale::normal(h) == locale::normal(tag)) {
                hints.push(format!("{key} has no `{tag}`, which other texts have"));
            }
        }
    }
    let memory = &definition.memory;
    hints.extend(memory.too_late().map(|nth| {
        format!(
            "step {} of its escalation never comes: by then expires_after says that it is of no use any more",
            nth + 1
        )
    }));
    // A step with texts of its own makes its mails of them.
    let steps = memory.escalate.iter();
    let steps = steps.filter(|step| step.texts().next().is_none());
    let steps = steps.filter_map(|step| step.channels.as_ref()).flatten();
    let mut ways = definition.channels.iter().chain(steps);
    let mails = ways.any(|way| *way == ChannelKind::Email);
    for (key, is_there) in [
        ("email_subject", definition.email_subject.is_some()),
        ("email_html", definition.email_html.is_some()),
    ] {
        if is_there && !mails {
            hints.push(format!(
                "{key} is never used: the channels don't hold email"
            ));
        }
    }
    if definition.action_label.is_some() && definition.action_url.is_none() {
        hints.push("action_label is never used: there is no action_url".to_owned());
    }
    let mut warnings: Vec<Warning> = hints
        .into_iter()
        .map(|detail| Warning {
            rule: row.name.clone(),
            kind: "hint",
            detail,
        })
        .collect();
    tags.push("en");
    let event = sample(&rule, &pattern);
    for tag in tags {
        let mut context = EventContext::new(&event).map_err(|e| Fault {
            place: "/notification_template".to_owned(),
            detail: e.to_string(),
        })?;
        let fields = serde_json::json!({
            "id": "1", "display_name": "Sample", "email": "sample@example.com", "roles": [], "branch_ids": []
        });
        let reader = Reader {
            locale: tag.to_owned(),
            timezone: "UTC".to_owned(),
            fields,
        };
        let mut noted = Vec::new();
        for step in 0..=i16::try_from(rule.memory().escalate.len()).unwrap_or(0) {
            let said = rule.render_step(step, &mut context, &reader, &mut noted);
            said.map_err(|w| Fault {
                place: "/notification_template".to_owned(),
                detail: w.detail,
            })?;
        }
        // The sample's values are made up: that they are no dates, or items of no list, says nothing.
        noted.retain(|w| {
            !matches!(w.kind, "type_error" | "missing_variable") && !warnings.contains(w)
        });
        warnings.append(&mut noted);
    }
    Ok(warnings)
}

/// Whether a tag begins with a language's code.
fn is_short(tag: &str) -> bool {
    let language = tag.split(['-', '_']).next().unwrap_or_default();
    (2..=3).contains(&language.len())
}

/// An event that gives the rule's variables a value each.
fn sample(rule: &CompiledRule, pattern: &crate::rules::pattern::Pattern) -> Event {
    use crate::rules::pattern::Pattern;
    let mut payload = serde_json::Map::new();
    for (_, text) in rule.definition.all_texts() {
        for template in text.templates() {
            template.paths(&mut |path| {
                if matches!(path.start, Start::Payload | Start::Scope(_)) {
                    give(&mut payload, &path.keys);
                }
            });
        }
    }
    let event_type = match pattern {
        Pattern::Exact(name) => name.clone(),
        Pattern::Prefix(prefix) => format!("{prefix}.sample"),
        Pattern::Any => "sample.event".to_owned(),
    };
    let given = Some("1".to_owned());
    Event {
        id: 1,
        source_module: "sample".to_owned(),
        event_type,
        severity: Severity::Info,
        occurred_at: Timestamp::UNIX_EPOCH,
        received_at: Timestamp::UNIX_EPOCH,
        payload: serde_json::Value::Object(payload).to_string(),
        correlation_id: given.clone(),
        branch_id: given.clone(),
        actor_id: given.clone(),
        entity_type: given.clone(),
        entity_id: given,
    }
}

/// Puts a value where a path leads, unless something is on its way already.
fn give(object: &mut serde_json::Map<String, serde_json::Value>, keys: &[Box<str>]) {
    let Some((key, rest)) = keys.split_first() else {
        return;
    };
    if rest.is_empty() {
        object.entry(key.to_string()).or_insert_with(|| "1".into());
        return;
    }
    let inner = object
        .entry(key.to_string())
        .or_insert_with(|| serde_json::Value::Object(serde_json::Map::new()));
    if !inner.is_object() {
        *inner = serde_json::Value::Object(serde_json::Map::new());
    }
    if let Some(inner) = inner.as_object_mut() {
        give(inner, rest);
    }
}
