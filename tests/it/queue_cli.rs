//! `neurolink queue …` as people and scripts meet it: the binary itself, on a database, with and without a terminal.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;

async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Exit code, standard output and standard error of `neurolink queue …`.
async fn queue(db: &TestDb, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neurolink"));
    command
        .env_clear()
        .env("DATABASE_URL", db.url())
        .current_dir(std::env::temp_dir())
        .args(["--env-file", "/dev/null", "queue"])
        .args(args)
        .stdin(Stdio::null());
    let out = run(command).await;
    (
        out.status.code().unwrap(),
        text(&out.stdout),
        text(&out.stderr),
    )
}

/// What must end with 0: its standard output.
async fn told(db: &TestDb, args: &[&str]) -> String {
    let (code, out, err) = queue(db, args).await;
    assert_eq!(code, 0, "{args:?}: {out}{err}");
    out
}

/// The same on a terminal of its own, where somebody types `typed`. Code, and all that the terminal showed.
async fn on_a_terminal(
    db: &TestDb,
    args: &str,
    typed: &str,
    settings: &[(&str, &str)],
) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    std::fs::write(&keys, typed).unwrap();
    let mut command = Command::new("script");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TERM", "xterm")
        .env("DATABASE_URL", db.url())
        .envs(settings.iter().copied())
        .current_dir(folder.path())
        .args(["-qec"])
        .arg(format!(
            "{} --env-file /dev/null queue {args}",
            env!("CARGO_BIN_EXE_neurolink")
        ))
        .arg("/dev/null")
        .stdin(std::fs::File::open(&keys).unwrap());
    let out = run(command).await;
    (out.status.code().unwrap(), text(&out.stdout))
}

async fn dead_deliveries(sql: &Client, count: i64) {
    sql.execute(
        "insert into neurolink_notifications (user_id, in_app, title) select 'u' || n, false, 'T' from generate_series(1, $1::bigint) n",
        &[&count],
    )
    .await
    .unwrap();
    sql.batch_execute(
        "insert into neurolink_delivery_log (id, notification_id, user_id, channel, status, address)
         select id * 32 + 1, id, user_id, 'email', 'dead', user_id || '@tsh.example' from neurolink_notifications",
    )
    .await
    .unwrap();
}

async fn answer(sql: &Client, question: &str) -> String {
    sql.query_one(question, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn status_is_a_page_for_people_json_for_scripts_and_a_code_for_watchers() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    dead_deliveries(&sql, 2).await;
    sql.batch_execute("select neurolink_pause('delivery', 'email', 'it moves')")
        .await
        .unwrap();
    let page = told(&db, &["status"]).await;
    assert!(page.contains("dead  0 jobs, 2 deliveries"), "{page}");
    assert!(page.contains("delivery/email"), "{page}");
    assert!(!page.contains('\u{1b}'), "{page}");
    let document: Value = serde_json::from_str(&told(&db, &["status", "--json"]).await).unwrap();
    assert_eq!(document["dead"], json!({"jobs": 0, "deliveries": 2}));
    assert_eq!(queue(&db, &["status", "--check"]).await.0, 3);

    let (code, shown) = on_a_terminal(&db, "status", "", &[]).await;
    assert!(code == 0 && shown.contains('\u{1b}'), "{shown}");
    let (_, shown) = on_a_terminal(&db, "status", "", &[("NO_COLOR", "1")]).await;
    assert!(!shown.contains('\u{1b}'), "{shown}");
}

#[tokio::test]
async fn pause_and_resume_say_what_they_did() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let args = ["pause", "delivery", "email", "--reason", "it moves"];
    assert_eq!(told(&db, &args).await, "delivery/email is paused\n");
    told(&db, &["pause", "delivery"]).await;
    let pauses = "select string_agg(kind || '/' || channel || ' ' || coalesce(reason, '-'), ', ' order by channel) from neurolink_pauses";
    assert_eq!(
        answer(&sql, pauses).await,
        "delivery/ -, delivery/email it moves"
    );
    assert_eq!(
        told(&db, &["resume", "delivery", "email"]).await,
        "delivery/email runs again\nbut delivery is paused as a whole\n"
    );
    assert_eq!(
        told(&db, &["resume", "event"]).await,
        "event was not paused\n"
    );
    let json: Value =
        serde_json::from_str(&told(&db, &["resume", "delivery", "--json"]).await).unwrap();
    assert_eq!(json, json!({"resumed": true, "pauses": []}));
    for wrong in [
        &["pause", "deliveries"][..],
        &["pause", "delivery", "mail"],
        &["pause", "event", "email"],
        &["pause"],
    ] {
        assert_eq!(queue(&db, wrong).await.0, 2, "{wrong:?}");
    }
}

#[tokio::test]
async fn one_is_retried_or_cancelled_and_what_cannot_be_is_told_with_1() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    dead_deliveries(&sql, 1).await;
    let id = answer(&sql, "select id::text from neurolink_delivery_log").await;
    assert_eq!(
        told(&db, &["retry", "delivery", &id]).await,
        format!("delivery {id} is pending again\n")
    );
    let json: Value =
        serde_json::from_str(&told(&db, &["retry", "delivery", &id, "--json"]).await).unwrap();
    assert_eq!(json["outcome"], "hastened");
    assert_eq!(
        told(&db, &["cancel", &id]).await,
        format!("delivery {id} is cancelled\n")
    );
    sql.batch_execute("update neurolink_delivery_log set status = 'sent'")
        .await
        .unwrap();
    let (code, out, err) = queue(&db, &["retry", "delivery", &id]).await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains(&format!("delivery {id}: it is sent; `force`")),
        "{err}"
    );
    told(&db, &["retry", "delivery", &id, "--force"]).await;
    let (code, _, err) = queue(&db, &["cancel", "7"]).await;
    assert!(code == 1 && err.contains("no delivery 7"), "{err}");
    let (code, _, err) = queue(&db, &["discard", "job", "7"]).await;
    assert!(code == 1 && err.contains("no dead job 7"), "{err}");
    let who =
        "select bool_and(actor = session_user and actor = db_user)::text from neurolink_audit_log";
    assert_eq!(answer(&sql, who).await, "true");
}

#[tokio::test]
async fn many_are_retried_when_as_many_are_expected_or_a_person_confirms_it() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    dead_deliveries(&sql, 12).await;
    let dead = "select count(*)::text from neurolink_delivery_log where status = 'dead'";
    let retry = ["retry", "deliveries", "--channel", "email"];
    let (code, out, err) = queue(&db, &retry).await;
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains("12 deliveries match") && err.contains("--expect 12"),
        "{err}"
    );
    let (code, _, err) = queue(&db, &[&retry[..], &["--expect", "11"]].concat()).await;
    assert!(code == 1 && err.contains("12 match, not 11"), "{err}");
    let (code, shown) = on_a_terminal(&db, "retry deliveries", "11\n", &[]).await;
    assert!(code == 2 && shown.contains("nothing was done"), "{shown}");
    assert_eq!(answer(&sql, dead).await, "12");

    let (code, shown) = on_a_terminal(&db, "retry deliveries --user u3", "1\n", &[]).await;
    assert!(code == 0 && shown.contains("1 of 1 retried"), "{shown}");
    let out = told(&db, &[&retry[..], &["--expect", "11"]].concat()).await;
    assert_eq!(out, "11 of 11 retried\n");
    assert_eq!(answer(&sql, dead).await, "0");
    let none = told(&db, &["retry", "deliveries", "--json"]).await;
    let none: Value = serde_json::from_str(&none).unwrap();
    assert_eq!(none, json!({"matched": 0, "retried": 0, "left": {}}));
    let (code, _, err) = queue(&db, &["retry", "deliveries", "--status", "suppressed"]).await;
    assert!(code == 2 && err.contains("--from"), "{err}");
}

#[tokio::test]
async fn dead_jobs_return_or_go() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_dead_jobs (id, kind, ref_id, lane, attempt, max_attempts, created_at, died_at)
         select n, 'event', n, 1, 5, 5, now(), now() - n * interval '1 day' from generate_series(1, 5) n",
    )
    .await
    .unwrap();
    assert_eq!(
        told(&db, &["retry", "job", "1"]).await,
        "job 1 is in the queue again\n"
    );
    assert_eq!(told(&db, &["discard", "job", "2"]).await, "job 2 is gone\n");
    let before = answer(&sql, "select to_json(now() - interval '84 hours') #>> '{}'").await;
    let args = ["discard", "jobs", "--to", &before, "--expect", "2"];
    assert_eq!(told(&db, &args).await, "2 of 2 gone\n");
    let json = told(
        &db,
        &[
            "retry", "jobs", "--kind", "event", "--expect", "1", "--json",
        ],
    )
    .await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json, json!({"matched": 1, "done": 1}));
    let jobs = "select string_agg(ref_id::text, ' ' order by ref_id) from neurolink_jobs";
    assert_eq!(answer(&sql, jobs).await, "1 3");
}
