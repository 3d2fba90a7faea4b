//! What files of rules would change in a database. Pure: drafts in, changes out, as a person reads them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::cli::output::{Output, Style};
use crate::kernel::json::push_step;
use crate::kernel::{Error, Result};
use crate::rules::{Draft, Warning};
use crate::rules::saved::Saved;

/// A value longer than this is cut where people read it.
const SHOWN: usize = 120;

/// One rule's change.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Change {
    /// The rule.
    pub(super) name: String,
    /// What is to be done with it.
    pub(super) what: What,
    /// Its id, if it is there.
    #[serde(skip)]
    pub(super) id: Option<i64>,
    /// Its content to be, if it is to be.
    #[serde(skip)]
    pub(super) draft: Option<Draft>,
    /// What differs, by JSON pointer.
    pub(super) fields: Vec<Field>,
    /// What is allowed and probably not meant, of what is new or differs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<Warning>,
}

/// What is to be done with a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// It is new.
    Create,
    /// It differs.
    Update,
    /// It is as it should be.
    Keep,
    /// It is in no file, and to be taken away.
    Delete,
    /// It is in no file, and stays.
    Leave,
}

/// A place where the two differ.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Field {
    place: String,
    before: Option<Value>,
    after: Option<Value>,
}

/// By name. Numbers are compared as the rules compare them, not digit by digit.
pub(super) fn plan(stored: &[Saved], files: &[Draft], prune: bool) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    let by_name: BTreeMap<&str, &Saved> =
        stored.iter().map(|r| (r.draft.name.as_str(), r)).collect();
    for draft in files {
        let before = by_name.get(draft.name.as_str()).copied();
        let mut fields = Vec::new();
        if let Some(before) = before {
            compare(
                &mut String::new(),
                Some(&value(&before.draft)?),
                Some(&value(draft)?),
                &mut fields,
            );
        }
        let what = match before {
            None => What::Create,
            Some(_) if fields.is_empty() => What::Keep,
            Some(_) => What::Update,
        };
        changes.push(Change {
            name: draft.name.clone(),
            what,
            id: before.map(|rule| rule.id),
            draft: Some(draft.clone()),
            fields,
            warnings: Vec::new(),
        });
    }
    let named: BTreeSet<&str> = files.iter().map(|draft| draft.name.as_str()).collect();
    for rule in stored.iter().filter(|r| !named.contains(&*r.draft.name)) {
        changes.push(Change {
            name: rule.draft.name.clone(),
            what: if prune { What::Delete } else { What::Leave },
            id: Some(rule.id),
            draft: None,
            fields: Vec::new(),
            warnings: Vec::new(),
        });
    }
    changes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(changes)
}

fn value(draft: &Draft) -> Result<Value> {
    serde_json::to_value(draft).map_err(|e| Error::internal("a rule's JSON can't be read", e))
}

fn compare(
    place: &mut String,
    before: Option<&Value>,
    after: Option<&Value>,
    into: &mut Vec<Field>,
) {
    if before == after {
        return;
    }
    if let (Some(Value::Object(old)), Some(Value::Object(new))) = (before, after) {
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let length = place.len();
        for key in keys {
            push_step(place, key);
            compare(place, old.get(key), new.get(key), into);
            place.truncate(length);
        }
        return;
    }
    into.push(Field {
        place: place.clone(),
        before: before.cloned(),
        after: after.cloned(),
    });
}

/// The changes as people read them: a line a rule, one a difference. What stays as it is isn't told.
pub(super) fn told(changes: &[Change], output: Output) -> String {
    let colors = output.colors;
    let mut text = String::new();
    for change in changes {
        let (style, sign, more) = match change.what {
            What::Create => (Style::Good, "+", ""),
            What::Update => (Style::Odd, "~", ""),
            What::Delete => (Style::Bad, "-", ""),
            What::Leave => (Style::Quiet, "?", "  in no file; --prune takes it away"),
            What::Keep => continue,
        };
        text.push_str(&format!(
            "{} {}{more}\n",
            colors.paint(style, sign),
            colors.paint(Style::Name, &change.name)
        ));
        for field in &change.fields {
            text.push_str(&format!(
                "    {}: {} → {}\n",
                field.place,
                short(field.before.as_ref()),
                short(field.after.as_ref())
            ));
        }
        for warning in &change.warnings {
            let word = colors.paint(Style::Odd, warning.kind);
            text.push_str(&format!("    {word}: {}\n", warning.detail));
        }
    }
    let count = |what| changes.iter().filter(|c| c.what == what).count();
    text.push_str(&format!(
        "{} new, {} changed, {} gone, {} as they are\n",
        count(What::Create),
        count(What::Update),
        count(What::Delete),
        count(What::Keep)
    ));
    text
}

fn short(value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "nothing".to_owned();
    };
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Colors;

    fn draft(name: &str, template: &str) -> Draft {
        Draft {
            name: name.to_owned(),
            source_module: None,
            event_type_pattern: "a.b".to_owned(),
            conditions: None,
            notification_template: template.to_owned(),
            priority: 0,
            enabled: true,
        }
    }

    fn saved(id: i64, draft: Draft) -> Saved {
        Saved {
            id,
            version: 1,
            draft,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            updated_at: jiff::Timestamp::UNIX_EPOCH,
            fault: None,
            hold: None,
        }
    }

    #[test]
    fn each_rule_is_told_by_name_with_the_places_that_differ() {
        let stored = [
            saved(1, draft("same", r#"{"title": "T",  "x": 1}"#)),
            saved(2, draft("changed", r#"{"title": {"en": "Old", "ar": "ق"}}"#)),
            saved(3, draft("extra", "{}")),
        ];
        let files = [
            draft("changed", r#"{"title": {"en": "New"}, "channels": ["email"]}"#),
            draft("new", "{}"),
            draft("same", r#"{"x": 1, "title": "T"}"#),
        ];
        let output = Output {
            colors: Colors(false),
        };
        let text = told(&plan(&stored, &files, false).unwrap(), output);
        assert_eq!(
            text,
            "~ changed\n    /notification_template/channels: nothing → [\"email\"]\n    \
             /notification_template/title/ar: \"ق\" → nothing\n    /notification_template/title/en: \"Old\" → \"New\"\n\
             ? extra  in no file; --prune takes it away\n+ new\n1 new, 1 changed, 0 gone, 1 as they are\n"
        );
        let pruned = plan(&stored, &files, true).unwrap();
        assert!(pruned.iter().any(|c| c.name == "extra" && c.what == What::Delete && c.id == Some(3)));
    }
}
