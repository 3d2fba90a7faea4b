//! What is one's own (`x-owner`) is nobody else's, whatever their roles: it isn't there for them.

use super::Operation;
use crate::openapi::API;
use crate::support::TestDb;
use crate::support::app::App;
use crate::support::http::token;
use crate::support::inbox::fill_with;

/// Stands in everything that is nadia's.
const MARK: &str = "nadias-own";

#[tokio::test]
async fn other_peoples_things_are_not_there_whoever_asks() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let sql = db.client().await;
    let id = fill_with(&sql, "nadia", 1, MARK).await[0].to_string();
    let (status, _) = app
        .call(
            "PUT",
            "/v1/preferences",
            "nadia",
            &[],
            Some(&serde_json::json!({"channels": {MARK: {"email": false}}})),
        )
        .await;
    assert_eq!(status, 200);
    let own: Vec<Operation> = Operation::all().into_iter().filter(|o| o.is_own).collect();
    assert!(own.len() > 10, "{}", own.len());
    for operation in &own {
        for roles in [&[][..], &["producer"], &["auditor"], &["admin"]] {
            let other = token("ali", roles);
            let (status, body) = operation.call(&app, Some(&other), &id).await;
            let at = format!("{} as {roles:?} → {status} {body}", operation.name());
            assert!(!body.to_string().contains(MARK), "{at}");
            if operation.is_of_one() {
                assert_eq!((status, &body["code"]), (404, &"not_found".into()), "{at}");
            }
        }
    }
    // All of it is still there for her, as it was.
    let mine = app.get("/v1/notifications?status=unread", "nadia").await;
    assert_eq!(mine["items"].as_array().unwrap().len(), 1, "{mine}");
    for operation in own.iter().filter(|operation| operation.is_of_one()) {
        let id = fill_with(&sql, "nadia", 1, MARK).await[0].to_string();
        let (status, body) = operation.call(&app, Some(&token("nadia", &[])), &id).await;
        assert!(status < 300, "{} → {status} {body}", operation.name());
    }
    app.stop().await;
}
