//! Rules as files: YAML or JSON, one rule or a list of them. Comes in: a path. Goes out: drafts, each with its place. And
//! back: drafts in, a text whose order depends on nothing but the rules.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::cli::Failure;
use crate::kernel::decode::decode;
use crate::kernel::json::{self, Depth};
use crate::kernel::Error;
use crate::rules::Draft;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Yaml,
    /// For programs.
    Json,
}

impl Format {
    /// As a file's name has it.
    pub(super) fn of(path: &Path) -> Self {
        let is_json = path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("json"));
        if is_json { Self::Json } else { Self::Yaml }
    }
}

/// A rule of a file.
#[derive(Debug)]
pub(super) struct FileRule {
    /// The file, and which of its rules.
    pub(super) place: String,
    /// The rule.
    pub(super) draft: Draft,
}

/// A rule on its way into a file: the name first, what is as usual left out.
#[derive(Serialize)]
struct Written {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_module: Option<String>,
    event_type_pattern: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    conditions: Option<Value>,
    notification_template: Value,
    priority: i32,
    enabled: bool,
}

/// The rules of these files, in order; `-` is standard input.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<FileRule>, Failure> {
    let mut rules: Vec<FileRule> = Vec::new();
    for path in paths {
        for (index, value) in values(path)?.into_iter().enumerate() {
            let place = format!("{} rule {}", path.display(), index + 1);
            let draft = draft(&value).map_err(|fault| usage(&place, &fault))?;
            if let Some(other) = rules.iter().find(|rule| rule.draft.name == draft.name) {
                return Err(Failure::Usage(format!(
                    "{place}: {} has the name {} already",
                    other.place, draft.name
                )));
            }
            rules.push(FileRule {
                place: format!("{place} ({})", draft.name),
                draft,
            });
        }
    }
    Ok(rules)
}

/// A file's text; `-` is standard input.
pub(super) fn text(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|error| Failure::Usage(format!("{} can't be read: {error}", path.display())))
}

/// Whether a word names a file rather than a rule.
pub(super) fn is_file(word: &str) -> bool {
    let path = Path::new(word);
    let ends = |end: &&str| {
        path.extension()
            .is_some_and(|own| own.eq_ignore_ascii_case(end))
    };
    word == "-" || ["yaml", "yml", "json"].iter().any(ends)
}

/// A file's documents, lists taken apart.
pub(super) fn values(path: &Path) -> Result<Vec<Value>, Failure> {
    let text = text(path)?;
    let broken = |error: &dyn std::fmt::Display| {
        Failure::Usage(format!("{} can't be understood: {error}", path.display()))
    };
    let documents = match Format::of(path) {
        Format::Json => vec![serde_json::from_str::<Value>(&text).map_err(|e| broken(&e))?],
        Format::Yaml => {
            // Only `true` and `false` are switches: `no` is a language, `on` a word.
            // Deeper than any rule may be, so that what is wrong is said of the rule, with its place.
            let options = serde_saphyr::options! {
                strict_booleans: true,
                with_snippet: false,
                budget: serde_saphyr::budget! { max_depth: 250 },
            };
            serde_saphyr::from_multiple_with_options::<Value>(&text, options)
                .map_err(|e| broken(&e))?
        }
    };
    let mut values = Vec::new();
    for document in documents {
        match document {
            Value::Null => {}
            Value::Array(items) => values.extend(items),
            value => values.push(value),
        }
    }
    Ok(values)
}

/// Held to what the API takes, by the same reader.
pub(super) fn draft(value: &Value) -> Result<Draft, Error> {
    let text = value.to_string();
    let depth = Depth {
        allowed: 64,
        kept: 64,
    };
    decode(&json::parse(&text, depth)?, "")
}

pub(super) fn usage(place: &str, fault: &Error) -> Failure {
    match fault {
        Error::Invalid {
            place: Some(at),
            detail,
            ..
        } if !at.is_empty() => Failure::Usage(format!("{place}: {at}: {detail}")),
        other => Failure::Usage(format!("{place}: {other}")),
    }
}

/// The rules as a file's text.
pub(super) fn write(drafts: &[Draft], format: Format) -> Result<String, Failure> {
    let rules = drafts.iter().map(written).collect::<Result<Vec<_>, _>>()?;
    let text = match format {
        Format::Json => serde_json::to_string_pretty(&rules)
            .map(|text| text + "\n")
            .map_err(|e| Error::internal("rules can't be written as JSON", e))?,
        Format::Yaml => {
            let options = serde_saphyr::ser_options! { compact_list_indent: false };
            serde_saphyr::to_string_with_options(&rules, options)
                .map_err(|e| Error::internal("rules can't be written as YAML", e))?
        }
    };
    Ok(text)
}

fn written(draft: &Draft) -> Result<Written, Error> {
    let value = |text: &str| {
        serde_json::from_str::<Value>(text)
            .map_err(|e| Error::internal("a rule's JSON can't be read", e))
    };
    Ok(Written {
        name: draft.name.clone(),
        source_module: draft.source_module.clone(),
        event_type_pattern: draft.event_type_pattern.clone(),
        conditions: draft.conditions.as_deref().map(value).transpose()?,
        notification_template: value(&draft.notification_template)?,
        priority: draft.priority,
        enabled: draft.enabled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn refusal(name: &str, text: &str) -> String {
        let (_folder, path) = file(name, text);
        read(&[path]).unwrap_err().message()
    }

    fn awkward() -> Vec<Draft> {
        let template = serde_json::json!({
            "title": {"en": "Invoice {{number}}: overdue", "ar": "الفاتورة {{number}} متأخرة", "no": "yes"},
            "body": "line one\n  line two: # not a comment\n\nlast\n",
            "action_label": " 'quoted' \"twice\" ", "severity": "warning", "channels": ["in_app"],
            "recipient_roles": ["on", "off", "null", "~", "1.50", "0x1F", "2026-12-15", "- a", "{{x}}", ""],
            "exclude_actor": true, "$comment": [1, -2.5, 1e300, null, {}, [], "\u{2068}isolated\u{2069}", "tab\there"]
        });
        let rule = |name: &str, enabled: bool| Draft {
            name: name.to_owned(),
            source_module: enabled.then(|| "null".to_owned()),
            event_type_pattern: "*".to_owned(),
            conditions: enabled.then(|| r#"{">=": [{"var": "payload.x"}, 7]}"#.to_owned()),
            notification_template: template.to_string(),
            priority: -5,
            enabled,
        };
        vec![rule("yes: no", true), rule("123", false)]
    }

    #[test]
    fn what_is_written_is_read_back_the_same_in_both_formats() {
        for (name, format) in [("r.yaml", Format::Yaml), ("r.json", Format::Json)] {
            let text = write(&awkward(), format).unwrap();
            let (_folder, path) = file(name, &text);
            let read: Vec<Draft> = read(&[path]).unwrap().into_iter().map(|r| r.draft).collect();
            let values = |drafts: &[Draft]| serde_json::to_value(drafts).unwrap();
            assert_eq!(values(&read), values(&awkward()), "{text}");
            assert_eq!(write(&read, format).unwrap(), text, "written twice");
            assert!(text.contains("الفاتورة {{number}} متأخرة"), "{text}");
        }
    }

    #[test]
    fn a_yaml_file_reads_like_a_rule() {
        let mut draft = awkward().remove(1);
        draft.name = "overdue".to_owned();
        draft.event_type_pattern = "invoice.overdue".to_owned();
        draft.notification_template = r#"{"title": {"en": "Invoice {{n}}"}, "channels": ["in_app", "email"], "body": "one\ntwo\n"}"#.to_owned();
        assert_eq!(
            write(&[draft], Format::Yaml).unwrap(),
            "- name: overdue\n  event_type_pattern: invoice.overdue\n  notification_template:\n    body: |\n      one\n      two\n    \
             channels:\n      - in_app\n      - email\n    title:\n      en: Invoice {{n}}\n  priority: -5\n  enabled: false\n"
        );
    }

    #[test]
    fn one_rule_a_list_and_several_documents_are_all_taken() {
        let rule = |name: &str| format!("name: {name}\nevent_type_pattern: a.b\nnotification_template: {{title: T}}\n");
        let text = format!("{}---\n- {{name: b, event_type_pattern: '*', notification_template: {{title: T}}}}\n---\n", rule("a"));
        let (_folder, path) = file("r.yml", &text);
        let names: Vec<String> = read(&[path]).unwrap().into_iter().map(|r| r.draft.name).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_place() {
        let text = refusal("r.yaml", "name: [x\n");
        assert!(text.contains("r.yaml can't be understood") && text.contains("line"), "{text}");
        let text = refusal("r.yaml", "- name: a\n  event_type_pattern: a.b\n  notification_template: {title: T}\n  titel: x\n");
        assert!(text.contains("r.yaml rule 1: /titel:"), "{text}");
        let text = refusal("r.json", r#"[{"name": "a"}]"#);
        assert!(text.contains("event_type_pattern"), "{text}");
        let twice = "- &r {name: a, event_type_pattern: a.b, notification_template: {title: T}}\n- *r\n";
        assert!(refusal("r.yaml", twice).contains("has the name a already"));
    }
}
