//! What comes out of templates.

use serde_json::json;

use super::*;
use crate::rules::limits;

#[test]
fn the_readmes_rule_renders_verbatim() {
    let rule = compiled(&row(README_RULE));
    let event = event("invoice.overdue", PAYLOAD);
    let mut context = EventContext::new(&event).unwrap();
    let mut warnings = Vec::new();
    let texts = rule
        .render(&mut context, &reader("en"), &mut warnings)
        .unwrap();
    assert_eq!(warnings, []);
    assert_eq!(texts.title, "Invoice INV-2026-007 is overdue");
    assert_eq!(
        texts.body,
        "Invoice #INV-2026-007 for Al-Rafidain & Sons is 12 days overdue. Amount: 1250.50 IQD"
    );
    assert_eq!(texts.action_url.as_deref(), Some("/invoices/7"));
    assert_eq!(texts.action_label.as_deref(), Some("View Invoice"));
    assert_eq!(texts.email_subject, None);
    assert!(!rule.facts.personal);
}

#[test]
fn numbers_come_out_as_they_went_in() {
    let (text, warnings) = body("{{amount}} {{big}} {{odd}} {{zero}}", "en");
    assert_eq!(text, "1250.50 12345678901234567890.123 9007199254740993 0");
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn variables_reach_the_payload_the_event_and_the_reader() {
    let (text, warnings) = body(
        "{{payload.amount}} {{event.id}} {{event.severity}} {{event.occurred_at}} {{recipient.display_name}} \
         {{recipient.locale}} {{recipient.timezone}} {{lines.1.item}} {{lines.[0].qty}} {{@root.currency}}",
        "en",
    );
    assert_eq!(
        text,
        "1250.50 900 warning 2026-03-05T22:30:00Z \u{2068}علي\u{2069} en Asia/Baghdad Tea 3 IQD"
    );
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn event_and_recipient_win_over_payload_keys_of_those_names() {
    let rule = compiled(&row(
        r#"{"title": "{{event.id}} {{payload.event}} {{recipient.id}} {{payload.payload}}"}"#,
    ));
    let event = event(
        "invoice.overdue",
        r#"{"event": "mine", "recipient": {"id": "x"}, "payload": "p"}"#,
    );
    let mut context = EventContext::new(&event).unwrap();
    let texts = rule
        .render(&mut context, &reader("en"), &mut Vec::new())
        .unwrap();
    assert_eq!(texts.title, "900 mine u1 p");
}

#[test]
fn a_missing_variable_is_a_dash_and_is_named_once() {
    let (text, warnings) = body(
        "{{gone}} {{a.b.c}} {{gone}} {{nothing}} {{map.k.x}} {{tags.7}}",
        "en",
    );
    assert_eq!(text, "— — — — — —");
    assert_eq!(
        warnings,
        [
            "missing_variable: `gone` is missing",
            "missing_variable: `a.b.c` is missing",
            "missing_variable: `nothing` is missing",
            "missing_variable: `map.k.x` is missing",
            "missing_variable: `tags.7` is missing",
        ]
    );
}

#[test]
fn asking_whether_something_is_there_is_no_fault() {
    let (text, warnings) = body(
        "{{#if gone}}a{{else}}b{{/if}}{{#each gone}}c{{/each}}{{#each gone}}d{{else}}e{{/each}}{{#with gone.x}}f{{/with}}\
         {{#unless gone}}g{{/unless}}{{default gone \"h\"}}{{#if (eq gone \"x\")}}i{{/if}}{{len gone}}{{#if (and gone amount)}}j{{/if}}",
        "en",
    );
    assert_eq!(text, "begh0");
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn default_stands_in_for_what_is_missing_null_or_empty_and_for_nothing_else() {
    let (text, warnings) = body(
        "{{default gone \"a\"}} {{default nothing \"b\"}} {{default empty \"c\"}} {{default zero \"d\"}} {{default amount \"e\"}} \
         {{default gone nothing empty \"f\"}} {{default map.k2.deep \"g\"}} {{default lines.9.item \"h\"}}",
        "en",
    );
    assert_eq!(text, "a b c 0 1250.50 f true h");
    assert_eq!(warnings, Vec::<String>::new());
    let (text, warnings) = body("{{default gone empty}}", "en");
    assert_eq!(text, "—");
    assert_eq!(warnings, ["missing_variable: `gone` is missing"]);
}

#[test]
fn a_helpers_missing_value_is_a_dash_and_named() {
    let (text, warnings) = body(
        "{{money gone \"IQD\"}}|{{upper (lower gone)}}|{{date gone}}|{{default gone nothing}}",
        "en",
    );
    assert_eq!(text, "—|—|—|—");
    assert_eq!(warnings, ["missing_variable: `gone` is missing"]);
}

#[test]
fn on_missing_fail_makes_it_a_fault() {
    let (result, _) = rendered(
        &json!({"title": "t", "body": "{{gone}}", "on_missing": "fail"}),
        "en",
    );
    let warning = result.unwrap_err();
    assert_eq!(
        (warning.kind, warning.detail.as_str()),
        ("render_failed", "`gone` is missing")
    );
    let (result, _) = rendered(
        &json!({"title": "{{#if gone}}x{{/if}}t", "on_missing": "fail"}),
        "en",
    );
    assert_eq!(result.unwrap().title, "t");
}

#[test]
fn blocks_loop_nest_and_know_where_they_are() {
    let (text, _) = body(
        "{{#each lines}}{{@index}}{{#if @first}}F{{/if}}{{#if @last}}L{{/if}}:{{item}}×{{this.qty}} {{../currency}}; {{/each}}",
        "en",
    );
    assert_eq!(text, "0F:Rice×3 IQD; 1L:Tea×11 IQD;");
    let (text, _) = body(
        "{{#each map}}{{@key}} {{/each}}{{#each tags as |tag i|}}{{i}}{{tag}} {{/each}}",
        "en",
    );
    assert_eq!(text, "k k2 0a 1b");
    let (text, _) = body(
        "{{#with map}}{{k}}{{#with k2}}{{deep}}{{../k}}{{@root.zero}}{{/with}}{{/with}}",
        "en",
    );
    assert_eq!(text, "vtruev0");
    let (text, _) = body(
        "{{#each lines as |line|}}{{#each ../tags}}{{line.item}}{{this}} {{/each}}{{/each}}",
        "en",
    );
    assert_eq!(text, "Ricea Riceb Teaa Teab");
    let (text, _) = body(
        "{{#if zero}}a{{else if empty}}b{{else if amount}}c{{else}}d{{/if}}",
        "en",
    );
    assert_eq!(text, "c");
    let (text, _) = body(
        "{{#eq currency \"IQD\"}}yes{{else}}no{{/eq}}{{#each tags}}{{event.id}}{{/each}}",
        "en",
    );
    assert_eq!(text, "yes900900");
}

#[test]
fn a_payload_key_may_have_a_helpers_name() {
    let rule = compiled(&row(
        r#"{"title": "{{number}} {{date}} {{default}} {{number number}}"}"#,
    ));
    let event = event(
        "invoice.overdue",
        r#"{"number": 1234, "date": "today", "default": true}"#,
    );
    let mut context = EventContext::new(&event).unwrap();
    let texts = rule
        .render(&mut context, &reader("en"), &mut Vec::new())
        .unwrap();
    assert_eq!(texts.title, "1234 today true 1,234");
}

#[test]
fn comparisons_compare_numbers_by_value() {
    for (test, truth) in [
        ("eq amount 1250.5", true),
        ("eq amount \"1250.50\"", true),
        ("ne amount 1", true),
        ("gt odd 9007199254740992", true),
        ("gte days_overdue 12", true),
        ("lt days_overdue 12", false),
        ("lte currency \"IQE\"", true),
        ("gt currency 5", false),
        ("eq nothing gone", true),
        ("not zero", true),
        ("or zero empty amount", true),
        ("and amount zero", false),
    ] {
        let (text, _) = body(
            &format!("{{{{#if ({test})}}}}true{{{{else}}}}false{{{{/if}}}}"),
            "en",
        );
        assert_eq!(text, truth.to_string(), "{test}");
    }
}

#[test]
fn lists_are_joined_and_objects_are_not_printed() {
    let (text, warnings) = body(
        "{{tags}} {{join tags \" / \"}} {{join lines key=\"item\"}} {{map}} {{lines}}",
        "en",
    );
    assert_eq!(text, "a, b a / b Rice, Tea — —");
    assert_eq!(warnings.len(), 2);
    assert!(warnings[0].contains("`map` is an object"));
    assert!(warnings[1].contains("`lines` holds lists or objects"));
}

#[test]
fn html_is_escaped_in_mail_and_nowhere_else() {
    let (texts, _) = rendered(
        &json!({"title": "{{html}}", "body": "{{html}} {{{customer_name}}}", "sms_body": "{{html}}",
            "email_subject": "{{html}}", "email_html": "<p>{{html}} {{customer_name}} {{upper html}}</p>"}),
        "en",
    );
    let texts = texts.unwrap();
    assert_eq!(texts.title, "<b>\"x\"</b>");
    assert_eq!(texts.body, "<b>\"x\"</b> Al-Rafidain & Sons");
    assert_eq!(texts.sms_body.as_deref(), Some("<b>\"x\"</b>"));
    assert_eq!(
        texts.email_html.as_deref(),
        Some(
            "<p>&lt;b&gt;&quot;x&quot;&lt;/b&gt; Al-Rafidain &amp; Sons &lt;B&gt;&quot;X&quot;&lt;/B&gt;</p>"
        )
    );
}

#[test]
fn a_urls_variables_are_encoded_and_a_bad_url_is_left_out() {
    let url = |source: &str| {
        let (texts, warnings) = rendered(&json!({"title": "t", "action_url": source}), "ar");
        (
            texts.unwrap().action_url,
            warnings.into_iter().map(|w| w.kind).collect::<Vec<_>>(),
        )
    };
    assert_eq!(
        url("/c/{{customer_name}}?q={{html}}").0.as_deref(),
        Some("/c/Al-Rafidain%20%26%20Sons?q=%3Cb%3E%22x%22%3C%2Fb%3E")
    );
    assert_eq!(
        url("/m/{{number odd}}").0.as_deref(),
        Some("/m/9%2C007%2C199%2C254%2C740%2C993")
    );
    assert_eq!(
        url("https://erp.example/{{invoice_id}}").0.as_deref(),
        Some("https://erp.example/7")
    );
    assert_eq!(
        url("{{#if amount}}/a{{else}}/b{{/if}}").0.as_deref(),
        Some("/a")
    );
    assert_eq!(url("/i/{{gone}}"), (None, vec!["missing_variable"]));
    assert_eq!(url("/{{empty}}/evil.example"), (None, vec!["bad_url"]));
    assert_eq!(
        url("{{#if amount}}javascript:alert(1){{/if}}"),
        (None, vec!["bad_url"])
    );
    assert_eq!(url("{{html}}"), (None, vec!["bad_url"]));
    assert_eq!(
        url(&format!("/{}{{{{amount}}}}", "x".repeat(limits::URL_BYTES))),
        (None, vec!["too_large"])
    );
}

#[test]
fn line_breaks_cannot_survive_where_a_header_is_made() {
    let rule = compiled(&row(
        r#"{"title": "a {{x}}", "email_subject": "{{x}}", "action_label": " {{x}} ", "body": "{{x}}"}"#,
    ));
    let event = event(
        "invoice.overdue",
        r#"{"x": "one\r\nBcc: two\u0007\tthree\u2028four"}"#,
    );
    let mut context = EventContext::new(&event).unwrap();
    let texts = rule
        .render(&mut context, &reader("en"), &mut Vec::new())
        .unwrap();
    assert_eq!(texts.title, "a one Bcc: two three four");
    assert_eq!(
        texts.email_subject.as_deref(),
        Some("one Bcc: two three four")
    );
    assert_eq!(
        texts.action_label.as_deref(),
        Some("one Bcc: two three four")
    );
    assert_eq!(texts.body, "one\nBcc: two\tthree\u{2028}four");
}

#[test]
fn an_empty_title_is_the_rules_name_and_empty_texts_are_left_out() {
    let (texts, _) = rendered(
        &json!({"title": "{{empty}}", "body": "", "sms_body": " {{empty}} ", "email_html": ""}),
        "en",
    );
    let texts = texts.unwrap();
    assert_eq!((texts.title.as_str(), texts.body.as_str()), ("sample", ""));
    assert_eq!((texts.sms_body, texts.email_html), (None, None));
}

#[test]
fn too_long_texts_are_cut_and_too_large_html_is_a_fault() {
    let long = "س".repeat(11_000);
    let (texts, warnings) = rendered(
        &json!({"title": long, "body": long, "sms_body": "x".repeat(10_000)}),
        "en",
    );
    let texts = texts.unwrap();
    assert_eq!(texts.title.chars().count(), limits::TITLE_CHARS);
    assert!(texts.title.ends_with("س…"));
    assert_eq!(texts.body.chars().count(), limits::BODY_CHARS);
    assert_eq!(texts.sms_body.unwrap().chars().count(), 10_000);
    assert_eq!(
        warnings.iter().map(|w| w.kind).collect::<Vec<_>>(),
        ["too_large", "too_large"]
    );
    let html = format!(
        "{{{{#each lines}}}}{{{{#each @root.lines}}}}{}{{{{/each}}}}{{{{/each}}}}",
        "x".repeat(30_000)
    );
    let (result, _) = rendered(&json!({"title": "t", "email_html": html}), "en");
    assert!(result.unwrap_err().detail.contains("email_html"));
}

#[test]
fn loops_count_and_so_do_steps() {
    let list = format!("[{}]", vec!["1"; 200].join(","));
    let event = event("invoice.overdue", &format!(r#"{{"l": {list}}}"#));
    let many = format!(
        "{{{{#each l}}}}{}{{{{/each}}}}",
        "{{#if (eq this 2)}}a{{/if}}".repeat(300)
    );
    for (body, why) in [
        ("{{#each l}}{{#each @root.l}}{{/each}}{{/each}}", "rounds"),
        (&many, "steps"),
    ] {
        let rule = compiled(&row(&json!({"title": "t", "body": body}).to_string()));
        let mut context = EventContext::new(&event).unwrap();
        let warning = rule
            .render(&mut context, &reader("en"), &mut Vec::new())
            .unwrap_err();
        assert_eq!(warning.kind, "render_failed");
        assert!(warning.detail.contains(why), "{}", warning.detail);
    }
}

#[test]
fn a_rule_is_personal_when_a_text_speaks_of_its_reader() {
    for (template, personal) in [
        (r#"{"title": "{{recipient.display_name}}"}"#, true),
        (
            r#"{"title": "t", "body": {"en": "x", "ar": "{{#each recipient.roles}}{{this}}{{/each}}"}}"#,
            true,
        ),
        (
            r#"{"title": "{{#each lines}}{{@root.recipient.id}}{{/each}}"}"#,
            true,
        ),
        (
            r#"{"title": "{{upper (default recipient.email \"x\")}}"}"#,
            true,
        ),
        (
            r#"{"title": "{{payload.recipient}} {{date event.occurred_at}}"}"#,
            false,
        ),
    ] {
        assert_eq!(
            compiled(&row(template)).facts.personal,
            personal,
            "{template}"
        );
    }
}
