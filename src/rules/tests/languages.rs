//! Texts and helpers in the reader's language and zone.

use serde_json::json;

use super::*;

#[test]
fn every_text_comes_in_the_readers_language() {
    let template = json!({
        "title": {"en": "Overdue {{invoice_number}}", "ar": "متأخرة {{invoice_number}}"},
        "body": {"en": "Pay"}, "sms_body": "plain",
    });
    let (texts, _) = rendered(&template, "ar-IQ");
    let texts = texts.unwrap();
    assert_eq!(
        (texts.locale.as_str(), texts.title.as_str()),
        ("ar", "متأخرة \u{2068}INV-2026-007\u{2069}")
    );
    assert_eq!(
        (texts.body.as_str(), texts.sms_body.as_deref()),
        ("Pay", Some("plain"))
    );
    let (texts, _) = rendered(&template, "ckb");
    assert_eq!(texts.unwrap().locale, "en");
    let (texts, _) = rendered(&json!({"title": "plain"}), "ar_IQ");
    assert_eq!(texts.unwrap().locale, "ar_IQ");
}

#[test]
fn figures_are_grouped_and_isolated_in_arabic() {
    let source = "{{number amount}}|{{number odd decimals=1}}|{{money amount currency}}|{{money amount \"USD\"}}|{{money amount \"kwd\"}}|{{percent ratio}}|{{percent ratio decimals=0}}";
    let (text, warnings) = body(source, "en");
    assert_eq!(
        text,
        "1,250.50|9,007,199,254,740,993.0|1,251 IQD|1,250.50 USD|1,250.500 KWD|15.5%|16%"
    );
    assert_eq!(warnings, Vec::<String>::new());
    let (text, _) = body("{{money amount currency}}|{{number days_overdue}}", "ar-IQ");
    assert_eq!(text, "\u{2068}1,251 د.ع\u{2069}|12");
}

#[test]
fn plurals_have_six_forms_in_arabic_and_two_in_english() {
    let plural = "{{plural n zero=\"لا أيام\" one=\"يوم واحد\" two=\"يومان\" few=\"# أيام\" many=\"# يوما\" other=\"# يوم\"}}";
    for (n, expected) in [
        ("0", "لا أيام"),
        ("1", "يوم واحد"),
        ("2", "يومان"),
        ("3", "3 أيام"),
        ("12", "12 يوما"),
        ("100", "100 يوم"),
        ("1003", "\u{2068}1,003\u{2069} أيام"),
    ] {
        let rule = compiled(&row(&json!({"title": plural}).to_string()));
        let event = event("invoice.overdue", &format!(r#"{{"n": {n}}}"#));
        let mut context = EventContext::new(&event).unwrap();
        assert_eq!(
            rule.render(&mut context, &reader("ar"), &mut Vec::new())
                .unwrap()
                .title,
            expected
        );
    }
    let (text, _) = body(
        "{{plural days_overdue one=\"# day\" other=\"# days\"}} {{plural 1 one=\"# day\" other=\"# days\"}}",
        "en",
    );
    assert_eq!(text, "12 days 1 day");
}

#[test]
fn dates_are_in_the_readers_zone_and_in_the_texts_language() {
    let source = "{{date due}}|{{date at \"long\"}}|{{time at}}|{{datetime at}}|{{date event.occurred_at \"iso\"}}|{{datetime due \"short\"}}";
    let (text, _) = body(source, "en");
    assert_eq!(
        text,
        "5 March 2026|Friday, 6 March 2026|01:30|6 March 2026 at 01:30|2026-03-06|05/03/2026"
    );
    let (text, _) = body("{{date due}}|{{datetime at \"long\"}}", "ar");
    assert_eq!(text, "5 آذار 2026|الجمعة، 6 آذار 2026 في 01:30");
}

#[test]
fn an_unknown_zone_is_utc_with_a_warning() {
    let rule = compiled(&row(r#"{"title": "{{time at}}"}"#));
    let event = event("invoice.overdue", PAYLOAD);
    let mut context = EventContext::new(&event).unwrap();
    let mut warnings = Vec::new();
    let reader = Reader {
        timezone: "Mars/Olympus".to_owned(),
        ..reader("en")
    };
    assert_eq!(
        rule.render(&mut context, &reader, &mut warnings)
            .unwrap()
            .title,
        "22:30"
    );
    assert_eq!(warnings[0].kind, "unknown_timezone");
}

#[test]
fn a_value_a_helper_cannot_use_is_printed_as_it_is_with_a_warning() {
    let (text, warnings) = body(
        "{{number currency}} {{date customer_name}} {{upper map}} {{money currency \"IQD\"}}",
        "en",
    );
    assert_eq!(text, "IQD Al-Rafidain & Sons — IQD");
    assert_eq!(
        warnings[..3],
        [
            "type_error: `currency` is no number",
            "type_error: `customer_name` is no date or time",
            "type_error: `map` is no text",
        ]
    );
}

#[test]
fn a_step_of_an_escalation_says_what_it_says_and_else_what_the_rule_does() {
    let rule = compiled(&row(
        r##"{"title": "{{currency}}", "body": "b", "email_subject": "s", "sms_body": "m", "escalate": [
            {"after": "1h", "channels": ["email"]},
            {"after": "1h", "body": {"en": "Still {{amount}}", "ar": "ما زال {{amount}}"}}]}"##,
    ));
    let event = event("invoice.overdue", PAYLOAD);
    let mut context = EventContext::new(&event).unwrap();
    let mut said = |step| {
        let texts = rule.render_step(step, &mut context, &reader("ar"), &mut Vec::new());
        let texts = texts.unwrap();
        (texts.title, texts.body, texts.email_subject, texts.sms_body)
    };
    let own = said(0);
    assert_eq!(own.2.as_deref(), Some("s"));
    assert_eq!(said(1), own);
    let further = (
        "IQD".into(),
        "ما زال \u{2068}1250.50\u{2069}".into(),
        None,
        None,
    );
    assert_eq!(said(2), further);
    assert_eq!(rule.languages(), ["ar", "en"]);
}
