//! What holds whatever a template, a condition or a payload says.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::rules::limits;

/// Pieces templates are made of, so that most combinations mean something.
fn source() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{{amount}}",
        "{{gone}}",
        "{{#each lines}}",
        "{{/each}}",
        "{{#if amount}}",
        "{{else}}",
        "{{else if gone}}",
        "{{/if}}",
        "{{#each tags as |t i|}}",
        "{{t}}{{i}}",
        "{{this}}",
        "{{../amount}}",
        "{{@index}}",
        "{{money amount currency}}",
        "{{plural days_overdue one=\"#\" other=\"##\"}}",
        "{{date at}}",
        "{{join tags}}",
        "{{html}}",
        "{{{html}}}",
        "{{#with map}}",
        "{{/with}}",
        "{{recipient.id}}",
        "(",
        ")",
        "{{",
        "}}",
        "\\",
        "~",
        "\"",
        "\n",
        " ",
        "أ",
        "{{! c }}",
        "{{~amount~}}",
        "x",
    ]);
    prop_oneof![
        4 => prop::collection::vec(piece, 0..14).prop_map(|p| p.concat()),
        1 => ".{0,60}",
        1 => "[{}()#/a \"\\[\\]|~^&>*!.@=-]{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_template_is_refused_or_renders_within_its_limits(source in source(), times in 1usize..30, arabic: bool) {
        let source = source.repeat(times);
        let template = json!({"title": source, "body": source, "sms_body": source, "email_subject": source,
            "email_html": source.replace("{{{html}}}", "{{html}}"), "action_url": format!("/{source}")});
        let (set, _) = RuleSet::compile(&[row(&template.to_string())]);
        let event = event("invoice.overdue", PAYLOAD);
        let mut context = EventContext::new(&event).unwrap();
        let (matches, _) = set.evaluate(&context, now(), &mut |_, _| {});
        for m in matches {
            let reader = reader(if arabic { "ar" } else { "en" });
            let first = m.rule.render(&mut context, &reader, &mut Vec::new());
            prop_assert_eq!(&first, &m.rule.render(&mut context, &reader, &mut Vec::new()));
            let Ok(texts) = first else { continue };
            let lines = [Some(&texts.title), texts.email_subject.as_ref(), texts.action_label.as_ref()];
            for line in lines.into_iter().flatten() {
                prop_assert!(line.chars().count() <= limits::TITLE_CHARS && !line.chars().any(char::is_control));
            }
            prop_assert!(!texts.title.is_empty());
            prop_assert!(texts.body.chars().count() <= limits::BODY_CHARS);
            prop_assert!(texts.sms_body.is_none_or(|t| t.chars().count() <= limits::BODY_CHARS));
            prop_assert!(texts.email_html.is_none_or(|t| t.len() <= limits::HTML_BYTES));
            prop_assert!(texts.action_url.is_none_or(|t| t.len() <= limits::URL_BYTES && t.starts_with('/') && !t.starts_with("//")));
        }
    }

    #[test]
    fn no_condition_ends_anything(
        condition in prop::sample::select(vec!["var", "in", "+", "cat", "some", "reduce", "substr", "missing_some", "val", "merge", "max"])
            .prop_flat_map(|op| prop::collection::vec(prop::sample::select(vec![
                json!({"var": "payload.lines"}), json!({"var": "payload.amount"}), json!("x"), json!(-1), json!([1, [2]]), json!(null),
                json!({"var": "payload.html"}), json!({"val": [[1], "x"]}), json!(1e300), json!(true),
            ]), 0..4).prop_map(move |args| json!({op: args}))),
    ) {
        let row = RuleRow { conditions: Some(condition.to_string()), ..row(r#"{"title": "t"}"#) };
        let (set, faults) = RuleSet::compile(&[row]);
        prop_assert_eq!(set.len() + faults.len(), 1);
        let event = event("invoice.overdue", PAYLOAD);
        let context = EventContext::new(&event).unwrap();
        let (matches, warnings) = set.evaluate(&context, now(), &mut |_, _| {});
        prop_assert!(matches.len() + warnings.len() <= 1);
    }
}
