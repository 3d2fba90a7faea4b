//! Previews are for those who may see the event, and addresses for admins.

use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::{App, event, people, rule};
use crate::support::http::token_of;
use crate::support::limited;

#[tokio::test]
async fn events_of_other_branches_are_not_there_and_auditors_see_masked_addresses() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let id = rule(
        &sql,
        "saved",
        "a.b",
        &json!({"title": "T", "channels": ["email"], "recipient_users": ["ali"]}),
    )
    .await;
    let app = App::start_with(&db, crate::openapi::API, &[]).await;
    let event = event(&sql, "a.b", &json!({})).await;
    let ask = async |role: &str, branches: &[&str], body: &Value| -> (u16, Value) {
        let token = limited::token_of(&[role], branches);
        let url = format!("{}/v1/rules/preview", app.base);
        let request = app.client.post(url).bearer_auth(token).json(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    };
    for role in ["admin", "auditor"] {
        for (branches, status) in [
            (&["BGD"][..], 200),
            (&["*"], 200),
            (&["BSR"], 404),
            (&[], 404),
        ] {
            for body in [
                json!({"rule_id": id, "event_id": event}),
                json!({"rule_id": id, "event": {"source_module": "t", "event_type": "a.b", "branch_id": "BGD", "payload": {}}}),
            ] {
                let (found, answer) = ask(role, branches, &body).await;
                assert_eq!(found, status, "{role} of {branches:?}: {answer}");
                if found == 200 {
                    let address = &answer["recipients"]["items"][0]["deliveries"][0]["address"];
                    let whole = role == "admin";
                    assert_eq!(
                        *address,
                        if whole {
                            "ali@tsh.example"
                        } else {
                            "a***@tsh.example"
                        }
                    );
                }
            }
        }
    }
    let nobody = app.client.post(format!("{}/v1/rules/preview", app.base));
    let nobody = nobody
        .bearer_auth(token_of("ali", &[], &["*"]))
        .json(&json!({}));
    assert_eq!(nobody.send().await.unwrap().status().as_u16(), 403);
    app.stop().await;
}
