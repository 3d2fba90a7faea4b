//! Values of one direction in texts of the other.

use serde_json::json;

use super::*;

const NAMES: &str = r#"{"number": "INV-2026-007", "customer": "شركة النهرين", "latin": "Al-Rafidain", "days": 12,
    "due": "2026-03-05", "phone": "0770 123", "list": ["INV-1", "فاتورة"], "trick": "\u202Eabc\u2069 def", "quoted": "فاتورة \u2068INV-7\u2069", "gone": null}"#;

/// All texts of a template for a reader.
fn texts(template: &serde_json::Value, locale: &str) -> Rendered {
    let rule = compiled(&row(&template.to_string()));
    let event = event("invoice.overdue", NAMES);
    let mut context = EventContext::new(&event).unwrap();
    rule.render(&mut context, &reader(locale), &mut Vec::new())
        .unwrap()
}

/// With `[` and `]` for the isolates, so that one can read it.
fn shown(text: &str) -> String {
    text.replace('\u{2068}', "[").replace('\u{2069}', "]")
}

fn body_in(language: &str, source: &str) -> String {
    shown(&texts(&json!({"title": "t", "body": {language: source}}), language).body)
}

#[test]
fn latin_values_are_isolated_in_arabic_and_arabic_ones_in_english() {
    let source = "{{number}} {{customer}} {{latin}} {{days}} {{due}} {{phone}} {{list}}";
    assert_eq!(
        body_in("ar", source),
        "[INV-2026-007] شركة النهرين [Al-Rafidain] 12 [2026-03-05] [0770 123] [INV-1]، فاتورة"
    );
    assert_eq!(
        body_in("en", source),
        "INV-2026-007 [شركة النهرين] Al-Rafidain 12 2026-03-05 0770 123 INV-1, [فاتورة]"
    );
}

#[test]
fn nothing_is_isolated_twice() {
    for (source, expected) in [
        ("س {{default gone number}}", "س [INV-2026-007]"),
        ("س {{upper (lower number)}}", "س [INV-2026-007]"),
        ("س {{lower (number 1250.5)}}", "س [1,250.5]"),
        ("س {{default (money 5 \"USD\") \"x\"}}", "س [5.00 USD]"),
        ("س {{join list style=\"and\"}}", "س [INV-1] وفاتورة"),
        ("س {{gone}}", "س —"),
        ("س {{quoted}}", "س فاتورة [INV-7]"),
    ] {
        assert_eq!(body_in("ar", source), expected, "{source}");
    }
}

#[test]
fn a_value_cannot_turn_the_text_around_it() {
    assert_eq!(body_in("en", "x {{trick}} y"), "x abc def y");
    assert_eq!(body_in("ar", "س {{trick}} ص"), "س [abc def] ص");
    assert_eq!(body_in("ar", "س {{money 1 trick}} ص"), "س [1.00 ABC DEF] ص");
}

#[test]
fn a_text_without_languages_runs_as_its_words_do() {
    let body = |source: &str, locale: &str| {
        shown(&texts(&json!({"title": "t", "body": source}), locale).body)
    };
    assert_eq!(
        body("Paid by {{customer}}: {{number}}", "ar"),
        "Paid by [شركة النهرين]: INV-2026-007"
    );
    assert_eq!(
        body("سدد {{customer}}: {{number}}", "en"),
        "سدد شركة النهرين: [INV-2026-007]"
    );
    assert_eq!(
        body("{{customer}} / {{number}}", "ar"),
        "شركة النهرين / [INV-2026-007]"
    );
    assert_eq!(
        body("{{#if days}}Paid{{/if}} {{customer}}", "ar"),
        "Paid [شركة النهرين]"
    );
}

#[test]
fn a_text_that_is_one_value_has_nothing_to_guard() {
    let template = json!({"title": {"ar": "{{number}}", "en": "{{customer}}"}});
    assert_eq!(texts(&template, "ar").title, "INV-2026-007");
    assert_eq!(texts(&template, "en").title, "شركة النهرين");
}

#[test]
fn where_isolates_would_harm_there_are_none() {
    let template = json!({
        "title": {"ar": "فاتورة {{number}}"},
        "action_url": {"ar": "/i/{{number}}?q={{customer}}"},
        "sms_body": {"ar": "فاتورة {{number}} {{money 5 \"USD\"}} {{quoted}}"},
        "email_subject": {"ar": "فاتورة {{number}}"},
        "email_html": {"ar": "<p title=\"{{number}}\">فاتورة <a href='/i/{{number}}'>{{number}}</a> > {{latin}}</p>"},
    });
    let texts = texts(&template, "ar");
    assert_eq!(shown(&texts.title), "فاتورة [INV-2026-007]");
    assert_eq!(
        texts.action_url.as_deref(),
        Some(
            "/i/INV-2026-007?q=%D8%B4%D8%B1%D9%83%D8%A9%20%D8%A7%D9%84%D9%86%D9%87%D8%B1%D9%8A%D9%86"
        )
    );
    assert_eq!(
        texts.sms_body.as_deref(),
        Some("فاتورة INV-2026-007 5.00 USD فاتورة INV-7")
    );
    assert_eq!(
        texts.email_subject.map(|t| shown(&t)).as_deref(),
        Some("فاتورة [INV-2026-007]")
    );
    assert_eq!(
        texts.email_html.map(|t| shown(&t)).as_deref(),
        Some(
            "<p title=\"INV-2026-007\">فاتورة <a href='/i/INV-2026-007'>[INV-2026-007]</a> > [Al-Rafidain]</p>"
        )
    );
}

#[test]
fn html_without_languages_runs_as_its_words_do_not_as_its_tags() {
    let template = json!({"title": "t", "email_html": "<p class=\"x\">سدد {{number}}</p>"});
    let html = texts(&template, "en").email_html.unwrap();
    assert_eq!(shown(&html), "<p class=\"x\">سدد [INV-2026-007]</p>");
}
