//! What `neurolink rules preview` says to people.

use serde_json::{Value, json};

use super::told;
use crate::support::TestDb;
use crate::support::app::{event, people, rule};

/// What it says of a new rule of this template, for an event of this payload in BGD.
async fn said(db: &TestDb, template: &Value, payload: &Value, more: &[&str]) -> String {
    let (sql, folder) = (db.client().await, tempfile::tempdir().unwrap());
    sql.batch_execute("delete from neurolink_notification_rules")
        .await
        .unwrap();
    rule(&sql, "r", "a.b", template).await;
    let id = event(&sql, "a.b", payload).await.to_string();
    let args = [&["preview", "r", "--event", &id], more].concat();
    told(db, folder.path(), 0, &args).await
}

/// Whether all of it is there.
fn has(said: &str, lines: &[&str]) {
    for line in lines {
        assert!(said.contains(line), "{line}\nis not in\n{said}");
    }
}

#[tokio::test]
async fn a_step_names_the_people_it_tells() {
    let db = TestDb::new().await;
    people(&db.client().await).await;
    let template = json!({"title": "T {{n}}", "recipient_users": ["ali"],
        "escalate": [{"after": "1h", "recipient_roles": ["cfo"], "title": "Step for {{recipient.display_name}}"}]});
    let now = ["--now", "2026-11-23T08:00:30Z"];
    let text = said(&db, &template, &json!({"n": 1}), &now).await;
    has(
        &text,
        &[
            "Step 1 of the escalation: after 1 h, on 2026-11-23 09:00 UTC, unless somebody has opened it, recipients: 1\n  cfo (en): they hold the role cfo in all branches\n",
            "Text of the escalation's step 1 in en (as cfo reads it, on 2026-11-23 09:00 UTC (12:00 Asia/Baghdad))\n  in_app\n    Step for The CFO\n",
        ],
    );
}

#[tokio::test]
async fn a_rule_that_tells_nobody_as_things_are_says_so_first_and_is_marked_in_the_list() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let sql = db.client().await;
    people(&sql).await;
    let template = json!({"title": "T", "recipient_users": ["ali"]});
    let held = rule(&sql, "stormy", "a.b", &template).await;
    rule(&sql, "off", "a.b", &template).await;
    sql.batch_execute("update neurolink_notification_rules set enabled = false where name = 'off'")
        .await
        .unwrap();
    let client = db.db().client().await.unwrap();
    let is_held = neurolink::rules::held::store::hold(&client, (held, 1), 100, 140, "admin");
    assert!(is_held.await.unwrap());
    let id = event(&sql, "a.b", &json!({})).await.to_string();
    for (name, word) in [("off", "switched off since"), ("stormy", "held since")] {
        let text = told(&db, folder.path(), 0, &["preview", name, "--event", &id]).await;
        let head = format!("match, but it has been {word} 20");
        has(&text, &[&head, "\nIf it told anybody, recipients: 1\n"]);
        assert_eq!(text.matches(word).count(), 1, "{text}");
    }
    let list = told(&db, folder.path(), 0, &["list"]).await;
    has(
        &list,
        &[
            "  off\n",
            "held: 140 notifications within a minute, where 100 are allowed; held back: 0\n",
            "2 rules, 1 held\n",
        ],
    );
    let list = told(&db, folder.path(), 0, &["list", "--json"]).await;
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list[1]["hold"]["limit_per_minute"], 100, "{list}");
}

#[tokio::test]
async fn a_condition_of_one_comparison_is_shown_with_its_values() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let sql = db.client().await;
    people(&sql).await;
    let template = json!({"title": "T", "recipient_users": ["ali"]});
    rule(&sql, "r", "a.b", &template).await;
    sql.batch_execute(
        r#"update neurolink_notification_rules set conditions = '{">=": [{"var": "payload.amount"}, 5]}'"#,
    )
    .await
    .unwrap();
    for (amount, lines) in [
        (
            7,
            "match, recipients: 1\n  ✓ payload.amount >= 5  (payload.amount is 7)\n",
        ),
        (
            3,
            "no match: its condition is not true: payload.amount >= 5 is not true (payload.amount is 3)\n\nIf it did",
        ),
    ] {
        let id = event(&sql, "a.b", &json!({"amount": amount}))
            .await
            .to_string();
        let args = ["preview", "r", "--event", &id];
        has(&told(&db, folder.path(), 0, &args).await, &[lines]);
    }
}

#[tokio::test]
async fn managers_read_sentences_and_moments_to_the_minute_with_their_zone() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    sql.batch_execute(
        r#"update neurolink_users set email = null where id = 'cfo';
           insert into neurolink_user_preferences (user_id, channels) values ('ali', '{"*": {"sms": false}}')"#,
    )
    .await
    .unwrap();
    let night = ["--now", "2026-11-23T20:30:40.392736412Z"];
    let remind = json!({"title": "T", "recipient_users": ["ali"], "channels": ["in_app", "sms"],
        "delay": {"before": "3d", "date": "due", "at": "09:00"}});
    let text = said(&db, &remind, &json!({"due": "2026-12-10"}), &night).await;
    let later = "2026-12-07 06:00 UTC (09:00 Asia/Baghdad)";
    has(
        &text,
        &[
            "match, recipients: 1\n",
            &format!(
                "  delay [2026-12-10]: told 3 d before due, at 09:00, Asia/Baghdad: {later}\n"
            ),
            &format!("  told later, on {later}: it is put off\n"),
            "  sms: withheld: they have switched it off\n",
        ],
    );
    for (payload, why) in [
        (
            json!({"due": "2026-11-01"}),
            "the date that it would remind of is past",
        ),
        (json!({}), "the event has no date to remind of"),
    ] {
        let text = said(&db, &remind, &payload, &night).await;
        let (head, person) = (
            format!("match, but nobody is told: {why}\n"),
            format!("  not told: {why}\n"),
        );
        has(&text, &[&head, &person]);
    }
    let near = said(&db, &remind, &json!({"due": "2026-11-25"}), &night).await;
    has(
        &near,
        &["at 09:00, Asia/Baghdad (past, and the date isn't: told at once): 2026-11-22 06:00 UTC"],
    );
    let shadow =
        json!({"title": "T", "recipient_users": ["ali"], "shadow": true, "expires_after": "365d"});
    let text = said(&db, &shadow, &json!({}), &[]).await;
    has(
        &text,
        &[
            "match, but nobody is told: the rule is a shadow: whom it would tell is only recorded\n",
            " UTC\n",
        ],
    );
    for code in [
        "too_late",
        "no_date",
        "(quiet_hours)",
        "(preference)",
        "Z\n",
    ] {
        assert!(!text.contains(code), "{text}");
    }
}

#[tokio::test]
async fn a_digest_has_a_text_of_its_own_and_a_mails_subject_is_named() {
    let db = TestDb::new().await;
    people(&db.client().await).await;
    let template = json!({"title": "T {{n}}", "recipient_users": ["ali"], "channels": ["email"],
        "digest": {"every": "1d", "at": "08:00", "title": "{{count}} of {{name}}"}});
    let now = ["--now", "2026-11-23T08:00:30Z"];
    let text = said(&db, &template, &json!({"n": 1}), &now).await;
    has(
        &text,
        &[
            "Text in en (as ali reads it)\n  email\n    subject: T 1\n",
            "Text of a digest of 3 like this in en (as ali reads it, on 2026-11-24 05:00 UTC (08:00 Asia/Baghdad))\n  email\n    subject: 3 of r\n",
        ],
    );
}
