//! Tests of the check: a round that went as expected passes, and every way of going wrong is named.

use super::*;
use crate::cli::demo::play::Told;
use crate::cli::demo::story::Story;
use crate::ops::starter::STANDARD_TYPES;

fn round() -> Round {
    Story::new(1, 1, jiff::civil::date(2026, 11, 15))
        .next()
        .unwrap()
}

/// A world in which everything went as the table says.
fn perfect() -> (Round, Vec<Expected>, Vec<Outcome>, BTreeMap<i64, String>) {
    let round = round();
    let expected = expectations(&round).unwrap();
    let people = company::people().unwrap();
    let mut mails = BTreeMap::new();
    let mut id = 0;
    let mut outcomes = Vec::new();
    for (at, row) in expected.iter().enumerate() {
        let mut outcome = Outcome {
            event_id: Some(at as i64),
            evaluated: true,
            ..Outcome::default()
        };
        for user in &row.in_app {
            id += 1;
            let person = people.iter().find(|p| p.id == *user).unwrap();
            let mut deliveries = vec![Delivered {
                id: ChannelKind::InApp.delivery_id(id),
                channel: ChannelKind::InApp,
                status: "delivered".to_owned(),
                address: None,
                error: None,
            }];
            let suppressed = row.no_address.contains(user);
            if suppressed || row.email.contains(user) {
                let delivery = ChannelKind::Email.delivery_id(id);
                deliveries.push(Delivered {
                    id: delivery,
                    channel: ChannelKind::Email,
                    status: if suppressed { "suppressed" } else { "sent" }.to_owned(),
                    address: person.email.clone(),
                    error: None,
                });
                if let (false, Some(address)) = (suppressed, &person.email) {
                    mails.insert(delivery, format!("To: somebody <{address}>"));
                }
            }
            outcome.told.push(Told {
                notification_id: id,
                user_id: user.clone(),
                locale: person.language().to_owned(),
                title: "something".to_owned(),
                deliveries,
            });
        }
        outcomes.push(outcome);
    }
    (round, expected, outcomes, mails)
}

fn report(change: impl FnOnce(&mut Vec<Outcome>, &mut BTreeMap<i64, String>)) -> Report {
    let (round, expected, mut outcomes, mut mails) = perfect();
    change(&mut outcomes, &mut mails);
    let people = company::people().unwrap();
    compare(&round, &expected, &outcomes, &mails, &people)
}

/// The first outcome that has an e-mail.
fn mailed(outcomes: &mut [Outcome]) -> &mut Told {
    outcomes
        .iter_mut()
        .flat_map(|o| &mut o.told)
        .find(|t| t.deliveries.len() == 2)
        .unwrap()
}

#[test]
fn a_round_that_went_as_the_table_says_is_good_and_counted() {
    let report = report(|_, _| {});
    assert!(report.is_good(), "{report:#?}");
    assert_eq!(report.events, round().events().count());
    assert_eq!(report.in_app.0, report.in_app.1);
    assert_eq!(report.email.0, report.email.1);
    assert_eq!(report.suppressed, (1, 1));
    assert!(report.in_app.0 > 60 && report.email.0 > 25, "{report:?}");
}

#[test]
fn somebody_who_was_not_told_is_missing_by_name() {
    let report = report(|outcomes, _| {
        outcomes[0].told.retain(|t| t.user_id != "layla");
    });
    assert_eq!(report.missing.len(), 2);
    assert!(report.missing.iter().all(|m| m.contains("layla")));
    assert!(report.extra.is_empty() && report.wrong.is_empty());
}

#[test]
fn somebody_who_should_not_have_been_told_is_extra_by_name() {
    let report = report(|outcomes, _| {
        let mut told = outcomes[0].told[0].clone();
        told.user_id = "ali".to_owned();
        told.locale = "ar".to_owned();
        told.deliveries.truncate(1);
        outcomes[0].told.push(told);
    });
    assert_eq!(report.extra.len(), 1);
    assert!(report.extra[0].contains("ali by in_app"));
}

#[test]
fn telling_somebody_twice_is_extra() {
    let report = report(|outcomes, _| {
        let mut told = outcomes[0].told[0].clone();
        told.deliveries.truncate(1);
        outcomes[0].told.push(told);
    });
    assert!(report.extra[0].ends_with("a second time"), "{report:?}");
}

#[test]
fn a_delivery_without_its_file_is_missing_and_a_file_for_another_address_is_wrong() {
    let gone = report(|_, mails| {
        mails.pop_first();
    });
    assert!(gone.missing[0].contains(".eml"), "{gone:?}");
    let strange = report(|_, mails| {
        for to in mails.values_mut() {
            *to = "To: nobody@tsh.example".to_owned();
        }
    });
    assert_eq!(strange.wrong.len(), strange.email.0);
    assert_eq!(strange.email.1, 0);
}

#[test]
fn a_mail_that_was_suppressed_and_yet_written_is_extra() {
    let report = report(|outcomes, mails| {
        let all = outcomes.iter().flat_map(|o| &o.told);
        let mut suppressed = all
            .flat_map(|t| &t.deliveries)
            .filter(|d| d.status == "suppressed");
        mails.insert(suppressed.next().unwrap().id, String::new());
    });
    assert_eq!(report.extra.len(), 1, "{report:?}");
}

#[test]
fn a_dead_delivery_is_wrong_with_its_reason_and_missing_as_well() {
    let report = report(|outcomes, _| {
        let delivery = &mut mailed(outcomes).deliveries[1];
        delivery.status = "dead".to_owned();
        delivery.error = Some("mailbox full".to_owned());
    });
    assert!(report.wrong[0].contains("dead (mailbox full)"));
    assert_eq!(report.missing.len(), 1);
}

#[test]
fn the_wrong_language_a_warning_an_error_and_an_event_not_evaluated_are_named() {
    let report = report(|outcomes, _| {
        mailed(outcomes).locale = "fr".to_owned();
        outcomes[3].warnings = Some("[{\"kind\": \"missing_variable\"}]".to_owned());
        outcomes[4].error = Some("broken".to_owned());
        outcomes[5].evaluated = false;
        outcomes[6].event_id = None;
    });
    let all = [report.wrong.join("\n"), report.missing.join("\n")].concat();
    for word in [
        "told in fr",
        "missing_variable",
        "error: broken",
        "not evaluated yet",
        "the event itself",
    ] {
        assert!(all.contains(word), "{word} in {all}");
    }
}

#[test]
fn the_table_speaks_of_every_type_in_both_branches_and_only_of_active_people_with_the_address_they_need()
 {
    let table: Vec<Expected> = serde_json::from_str(EXPECTED).unwrap();
    let people = company::people().unwrap();
    for branch in company::BRANCHES {
        for kind in STANDARD_TYPES {
            assert!(table.iter().any(|r| r.case == kind && r.branch == branch));
        }
    }
    for row in &table {
        for user in &row.in_app {
            let person = people.iter().find(|p| p.id == *user).unwrap();
            assert!(person.is_active, "{user}");
        }
        for (users, with_address) in [(&row.email, true), (&row.no_address, false)] {
            for user in users {
                let person = people.iter().find(|p| p.id == *user).unwrap();
                assert_eq!(person.email.is_some(), with_address, "{user}");
                assert!(row.in_app.contains(user), "{user}");
            }
        }
    }
}

#[test]
fn the_recipient_is_read_from_a_folded_header_and_not_from_the_body() {
    let mail = b"From: TSH <erp@tsh.example>\r\nTO: =?utf-8?b?2LI=?=\r\n <zainab@tsh.example>\r\nSubject: x\r\n\r\nTo: not me";
    assert_eq!(
        recipient_of(mail),
        "TO: =?utf-8?b?2LI=?= <zainab@tsh.example>"
    );
}
