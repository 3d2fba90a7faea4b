//! `neurolink why`.

use serde_json::{Value, json};

use super::why;
use crate::support::TestDb;
use crate::support::app::{App, drained, event, people, rule};

/// The command on a test's database: exit code, standard output and error.
async fn neurolink(args: &[&str], url: &str) -> (Option<i32>, String, String) {
    let home = tempfile::tempdir().unwrap();
    let run = tokio::process::Command::new(env!("CARGO_BIN_EXE_neurolink"))
        .args(args)
        .current_dir(home.path())
        .env_clear()
        .env("DATABASE_URL", url)
        .output()
        .await
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (run.status.code(), text(run.stdout), text(run.stderr))
}

#[tokio::test]
async fn the_command_says_the_same() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    rule(
        &sql,
        "r",
        "a.b",
        &json!({"title": "T", "recipient_users": ["ali"]}),
    )
    .await;
    let app = App::start(&db).await;
    let id = event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    for user in ["ali", "cfo"] {
        let expected = why(&app, &sql, id, user).await;
        let event = id.to_string();
        let (code, out, err) =
            neurolink(&["why", "--event", &event, "--user", user], db.url()).await;
        assert_eq!(code, Some(0), "{err}");
        assert!(out.starts_with(&expected.1), "{out}");
        let (_, out, _) = neurolink(
            &["why", "--event", &event, "--user", user, "--json"],
            db.url(),
        )
        .await;
        let json: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            (json["answer"].as_str(), json["code"].as_str()),
            (Some(&*expected.1), Some(&*expected.0))
        );
    }
    let (code, _, err) = neurolink(&["why", "--event", "99", "--user", "ali"], db.url()).await;
    assert_eq!(code, Some(2));
    assert!(err.contains("there is no event 99"), "{err}");
    app.stop().await;
}
