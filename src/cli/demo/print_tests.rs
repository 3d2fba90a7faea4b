//! Tests of what the demo says.

use super::*;
use crate::cli::demo::play::Told;
use crate::cli::demo::story::Story;

fn printed(colours: bool, act: impl FnOnce(&mut Printer<'_>) -> Result<()>) -> String {
    let mut out = Vec::new();
    act(&mut Printer::new(&mut out, colours)).unwrap();
    String::from_utf8(out).unwrap()
}

fn first_act() -> Act {
    let mut story = Story::new(1, 1, jiff::civil::date(2026, 11, 15));
    story.next().unwrap().acts.remove(0)
}

fn outcome() -> Outcome {
    Outcome {
        event_id: Some(1),
        evaluated: true,
        told: vec![Told {
            notification_id: 1,
            user_id: "hussein".to_owned(),
            locale: "ar".to_owned(),
            title: "طلبية كبيرة".to_owned(),
            deliveries: vec![
                Delivered {
                    id: 32,
                    channel: ChannelKind::InApp,
                    status: "delivered".to_owned(),
                    address: None,
                    error: None,
                },
                Delivered {
                    id: 33,
                    channel: ChannelKind::Email,
                    status: "suppressed".to_owned(),
                    address: None,
                    error: Some("no address".to_owned()),
                },
            ],
        }],
        ..Outcome::default()
    }
}

#[test]
fn an_act_tells_who_was_told_by_what_and_why_not() {
    let names = BTreeMap::from([("hussein".to_owned(), "حسين الكعبي".to_owned())]);
    let text = printed(false, |p| p.act(&first_act(), &[outcome()], &names));
    assert!(text.contains("order.created"), "{text}");
    assert!(
        text.contains("→ hussein حسين الكعبي: in-app, e-mail suppressed (no address)"),
        "{text}"
    );
    assert!(text.contains("ar: طلبية كبيرة"), "{text}");
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn an_event_nobody_needs_to_be_told_of_says_so() {
    let outcome = Outcome {
        told: Vec::new(),
        ..outcome()
    };
    let text = printed(false, |p| p.act(&first_act(), &[outcome], &BTreeMap::new()));
    assert!(text.contains("nobody needs to be told"), "{text}");
}

#[test]
fn colours_come_only_when_they_are_wanted() {
    let text = printed(true, |p| p.headline("x"));
    assert_eq!(text, "\n\u{1b}[1mx\u{1b}[0m\n");
}

#[test]
fn the_summary_names_what_is_missing_and_doubts_changed_data() {
    let report = Report {
        events: 2,
        in_app: (3, 2),
        missing: vec!["order.created: layla by email".to_owned()],
        ..Report::default()
    };
    let text = printed(false, |p| p.report(4, &report));
    assert!(text.contains("Round 4: 2 events"), "{text}");
    assert!(text.contains("2 of 3 expected"), "{text}");
    assert!(
        text.contains("layla by email") && text.contains("as they ship"),
        "{text}"
    );
}

#[test]
fn links_quote_a_body_with_an_apostrophe_for_the_shell() {
    let tokens = [("ZAINAB", "accountant", "t".to_owned())];
    let links = Links {
        base_url: "http://127.0.0.1:8002",
        psql: "psql x",
        email_dir: "/tmp/mail",
        tokens: &tokens,
        batch: "it's",
    };
    let text = printed(false, |p| p.links(&links));
    assert!(text.contains(r"-d 'it'\''s'"), "{text}");
    assert!(text.contains("ZAINAB=t"), "{text}");
}
