//! The command as people and cron meet it: exit codes, JSON, what is said while the database is away.

use serde_json::Value;

use super::{run, sound};
use crate::support::TestDb;
use crate::support::http::SECRET;
use crate::support::own::OwnCluster;
use crate::support::process::Process;

/// Exit code, standard output and error of `neurolink doctor …`.
async fn doctor(settings: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String, String) {
    let home = tempfile::tempdir().unwrap();
    let done = tokio::process::Command::new(env!("CARGO_BIN_EXE_neurolink"))
        .arg("doctor")
        .args(args)
        .current_dir(home.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("JWT_SECRET_KEY", SECRET)
        .env("NEUROLINK_DATA_DIR", home.path().join("data"))
        .envs(settings.iter().copied())
        .output()
        .await
        .unwrap();
    assert!(!home.path().join("data").exists(), "looking makes nothing");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

async fn json(settings: &[(&str, &str)]) -> (Option<i32>, Value) {
    let (code, out, err) = doctor(settings, &["--json"]).await;
    assert_eq!(err, "");
    (code, serde_json::from_str(&out).unwrap())
}

#[tokio::test]
async fn a_sound_neurolink_exits_with_0_and_says_so() {
    let cluster = OwnCluster::start_durable();
    let url = cluster.url();
    let database = [("DATABASE_URL", url.as_str())];
    let db = crate::support::open(&url);
    neurolink::db::migrate::run(&db).await.unwrap();
    let worker = Process::worker_at(&url, &[]).await;
    let client = db.client().await.unwrap();
    client
        .batch_execute(
            "insert into neurolink_users (id, roles) values ('ali', '{cfo}');
             insert into neurolink_notification_rules (name, event_type_pattern, notification_template)
             values ('r', '*', '{\"title\": \"T\", \"recipient_roles\": [\"cfo\"]}')",
        )
        .await
        .unwrap();
    let (code, out, err) = doctor(&database, &[]).await;
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(
        out.starts_with("nothing is wrong (18 checks made)\n"),
        "{out}"
    );
    assert!(out.ends_with("not checked: mail server (e-mail is not configured)\nnot checked: redis (REDIS_URL is not set)\n"), "{out}");
    let (code, document) = json(&database).await;
    assert_eq!(
        (code, &document["status"]),
        (Some(0), &Value::from("sound"))
    );
    assert_eq!(document["findings"], serde_json::json!([]));
    drop(client);
    worker.stop().await;
    db.close();
}

#[tokio::test]
async fn what_is_wrong_is_ranked_and_exits_with_3() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sound(&sql).await;
    run(
        &sql,
        "select neurolink_pause('event', '', 'stock-taking');
         alter table neurolink_jobs disable trigger neurolink_jobs_wake",
    )
    .await;
    let before = written(&sql).await;
    let (code, document) = json(&[("DATABASE_URL", db.url())]).await;
    assert_eq!(code, Some(3));
    let findings = document["findings"].as_array().unwrap();
    let severities: Vec<&str> = findings
        .iter()
        .map(|f| f["severity"].as_str().unwrap())
        .collect();
    let mut ranked = severities.clone();
    ranked.sort_unstable();
    assert_eq!(
        severities, ranked,
        "error, note and warning would sort so too: {document:#}"
    );
    let of = |code: &str| findings.iter().find(|f| f["code"] == code).unwrap();
    assert_eq!(
        of("trigger_disabled")["cure"][0],
        "alter table neurolink_jobs enable trigger neurolink_jobs_wake;"
    );
    assert_eq!(
        of("paused")["what"],
        "jobs of kind event are paused, by neurolink_test: stock-taking"
    );
    let (code, out, _) = doctor(&[("DATABASE_URL", db.url())], &["--color", "always"]).await;
    assert_eq!(code, Some(3));
    assert!(
        out.contains('\u{1b}') && out.contains("neurolink queue resume event"),
        "{out}"
    );
    assert_eq!(written(&sql).await, before, "looking writes nothing");
}

/// Rows written in this database so far, in our tables.
async fn written(sql: &tokio_postgres::Client) -> i64 {
    let row = sql
        .query_one(
            "select (select count(*) from neurolink_jobs) + (select count(*) from neurolink_workers) + (select count(*) from neurolink_audit_log)
                  + (select count(*) from neurolink_meta)",
            &[],
        )
        .await
        .unwrap();
    row.get(0)
}

#[tokio::test]
async fn without_a_database_the_rest_is_still_said_and_it_exits_with_69() {
    let (code, document) = json(&[
        ("DATABASE_URL", "postgresql://erp:hunter2@127.0.0.1:1/erp"),
        ("NEUROLINK_LISTN", "x"),
    ])
    .await;
    assert_eq!(
        (code, &document["status"]),
        (Some(69), &Value::from("database_away"))
    );
    let codes: Vec<&str> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["database_away", "setting_odd"]);
    assert!(!document.to_string().contains("hunter2"));
    let skipped = document["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["made"] == "skipped")
        .count();
    assert_eq!(skipped, 18);
    // Nothing set at all, and no embedded database yet: none is made.
    let (code, out, _) = doctor(&[], &[]).await;
    assert_eq!(code, Some(69));
    assert!(out.contains("neurolink serve"), "{out}");
}

#[tokio::test]
async fn wrong_settings_are_findings_too() {
    let (code, document) = json(&[
        ("NEUROLINK_LISTEN", "everywhere"),
        ("JWT_SECRET_KEY", "short"),
    ])
    .await;
    assert_eq!((code, &document["errors"]), (Some(3), &Value::from(2)));
    assert!(
        document["findings"][0]["what"]
            .as_str()
            .unwrap()
            .starts_with("NEUROLINK_LISTEN"),
        "{document:#}"
    );
}
