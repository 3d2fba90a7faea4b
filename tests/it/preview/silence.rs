//! Previews of saved rules that tell nobody as things are.

use neurolink::rules::held::store;
use serde_json::{Value, json};

use super::preview;
use crate::openapi::API;
use crate::support::TestDb;
use crate::support::app::{App, people, rule};

#[tokio::test]
async fn a_rule_that_is_switched_off_or_held_says_so_and_since_when() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let id = rule(
        &sql,
        "r",
        "a.b",
        &json!({"title": "T", "recipient_users": ["ali"]}),
    )
    .await;
    let app = App::start_with(&db, API, &[]).await;
    let event = json!({"source_module": "t", "event_type": "a.b", "payload": {}});
    let silence = async || -> Vec<(String, String)> {
        let seen = preview(&app, &json!({"rule_id": id, "event": event})).await;
        assert_eq!(
            (&seen["matched"], &seen["recipients"]["total"]),
            (&json!(true), &json!(1)),
            "as if it weren't"
        );
        let hints = seen["hints"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        hints
            .map(|h| (text(&h["kind"]), text(&h["detail"])))
            .collect()
    };
    assert_eq!(silence().await, []);
    let client = db.db().client().await.unwrap();
    assert!(
        store::hold(&client, (id, 1), 100, 140, "admin")
            .await
            .unwrap()
    );
    store::count(&client, &[(id, 40)]).await.unwrap();
    let held = silence().await;
    assert_eq!(held[0].0, "held");
    let is_said = held[0].1.starts_with("it has been held since 20")
        && held[0].1.contains("140 notifications within a minute")
        && held[0]
            .1
            .ends_with("held back so far: 40): nobody is told until it is released or changed");
    assert!(is_said, "{held:?}");
    // Off since its second version, whatever was changed later; a hold is of the version that told too much.
    sql.batch_execute(
        "update neurolink_notification_rules set enabled = false;
         update neurolink_notification_rules set priority = 5;
         update neurolink_rule_versions set changed_at = '2026-11-01 08:30:29Z', changed_by = 'boss' where version = 2",
    )
    .await
    .unwrap();
    let detail = "it has been switched off since 2026-11-01 08:30 UTC, by boss: nobody is told until it is switched on again";
    assert_eq!(
        silence().await,
        [("switched_off".to_owned(), detail.to_owned())]
    );
    app.stop().await;
}
