//! `neurolink bench` as a DBA runs it on a database that is in use: figures come out, and nothing stays behind.

#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::support::TestDb;
use crate::support::app::until;

const OURS: &str = "from pg_namespace where nspname like 'neurolink\\_bench\\_%'";

fn bench(db: &TestDb, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neurolink"));
    command
        .env_clear()
        .env("DATABASE_URL", db.url())
        .current_dir(std::env::temp_dir())
        .args(["--env-file", "/dev/null", "bench"])
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn report(db: &TestDb, args: &[&str]) -> Value {
    let out = bench(db, args).output().await.unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{said}");
    serde_json::from_slice(&out.stdout).unwrap()
}

fn figure(report: &Value, name: &str) -> f64 {
    let figures = report["figures"].as_array().unwrap();
    let found = figures.iter().find(|f| f["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {report}"))["value"]
        .as_f64()
        .unwrap()
}

async fn schemas(db: &TestDb) -> i64 {
    let sql = db.client().await;
    let count = format!("select count(*) {OURS}");
    sql.query_one(&count, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn every_measurement_gives_figures_and_leaves_no_schema() {
    let db = TestDb::empty().await;
    let size = ["--rounds", "1", "--seconds", "1", "--json"];
    for (what, events, name) in [
        ("drain", "300", "drained"),
        ("ingest", "1", "stored"),
        ("both", "1", "stored"),
        ("wake", "1", "gated"),
        ("latency", "3", "commit to frame, p50"),
        ("growth", "1000", "1000 waiting, p99"),
        ("streams", "25", "25 readers, a broadcast has reached all"),
        ("rules", "200", "evaluation, with the others ÷ without"),
        ("backtest", "1500", "backtest, beside the saved rule"),
    ] {
        let args = [&[what, "--events", events, "--connections", "4"], &size[..]].concat();
        let report = report(&db, &args).await;
        assert_eq!(report["bench"], what);
        assert!(figure(&report, name) > 0.0, "{report}");
    }
    assert_eq!(schemas(&db).await, 0);
}

#[tokio::test]
async fn a_measurement_that_is_interrupted_leaves_no_schema() {
    let db = TestDb::empty().await;
    let child = bench(&db, &["drain", "--events", "20000"]).spawn().unwrap();
    let sql = db.client().await;
    // The node is there: the middle of a round.
    until(
        &sql,
        "select exists (select from pg_locks where locktype = 'advisory' and classid = 1313625931
                          and database = (select oid from pg_database where datname = current_database()))",
    )
    .await;
    let pid = i32::try_from(child.id().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let out = child.wait_with_output().await.unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("stopped before it was through"));
    assert_eq!(schemas(&db).await, 0);
}

#[tokio::test]
async fn what_a_killed_measurement_left_is_swept_by_the_next_but_what_was_kept_stays() {
    let db = TestDb::empty().await;
    let sql = db.client().await;
    sql.batch_execute(
        "create schema neurolink_bench_00000000000000aa; create table neurolink_bench_00000000000000aa.t (n int);
         create schema neurolink_bench_00000000000000bb; comment on schema neurolink_bench_00000000000000bb is 'kept'",
    )
    .await
    .unwrap();
    report(&db, &["drain", "--events", "50", "--rounds", "1", "--json"]).await;
    let left = sql
        .query_one(&format!("select string_agg(nspname, ',') {OURS}"), &[])
        .await
        .unwrap();
    assert_eq!(left.get::<_, &str>(0), "neurolink_bench_00000000000000bb");
}
