//! `neurolink emit` and `neurolink completions`: an event from a shell, and the shell's own help.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use crate::support::TestDb;

/// `neurolink …` with this on its standard input.
async fn neurolink(url: &str, args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neurolink"));
    command
        .env_clear()
        .env("DATABASE_URL", url)
        .current_dir(std::env::temp_dir())
        .args(["--env-file", "/dev/null"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let input = input.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        // It may end without reading.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    })
    .await
    .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn emit(db: &TestDb, args: &[&str], input: &str) -> (i32, String, String) {
    let out = neurolink(db.url(), &[&["emit"], args].concat(), input).await;
    (
        out.status.code().unwrap(),
        text(&out.stdout),
        text(&out.stderr),
    )
}

#[tokio::test]
async fn an_event_from_a_shell_is_stored_with_every_field_and_its_id_stands_alone_on_standard_output()
 {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let args = [
        "invoicing",
        "invoice.overdue",
        "--payload",
        r#"{"amount": 1.10, "big": 12345678901234567890.123}"#,
        "--severity",
        "warning",
        "--key",
        "k1",
        "--branch",
        "BGD",
        "--actor",
        "7",
        "--entity-type",
        "invoice",
        "--entity-id",
        "88101",
        "--correlation",
        "c",
        "--occurred-at",
        "2026-12-15T11:00:00+03:00",
        "--traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ];
    let (code, out, err) = emit(&db, &args, "").await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let id: i64 = out.trim_end().parse().unwrap();
    let row: String = sql
        .query_one(
            "select concat_ws(' ', source_module, event_type, severity, producer_idempotency_key, branch_id, actor_id, entity_type,
                    entity_id, correlation_id, extract(epoch from occurred_at)::bigint, length(traceparent), payload ->> 'amount',
                    payload ->> 'big') from neurolink_events where id = $1",
            &[&id],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(
        row,
        "invoicing invoice.overdue warning k1 BGD 7 invoice 88101 c 1797321600 55 1.10 12345678901234567890.123"
    );
    // Again is the same; another body under the key is not.
    assert_eq!(emit(&db, &args, "").await, (0, out, String::new()));
    let other = ["invoicing", "invoice.overdue", "--key", "k1"];
    let (code, out, err) = emit(&db, &other, "").await;
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains(&format!("names event {id}, whose payload is another")),
        "{err}"
    );
    let events: i64 = sql
        .query_one("select count(*) from neurolink_events", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(events, 1);
}

#[tokio::test]
async fn a_role_that_may_only_put_events_in_can_do_so_from_a_shell() {
    let db = TestDb::new().await;
    let url = format!("{}&options=-c%20role%3Dneurolink_producer", db.url());
    let args = ["emit", "ops", "disk.full", "--key", "k"];
    let first = neurolink(&url, &args, "").await;
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    let again = neurolink(&url, &args, "").await;
    assert_eq!(text(&again.stdout), text(&first.stdout));
}

#[tokio::test]
async fn a_payload_comes_from_a_flag_a_file_or_standard_input() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "{\"from\": \"file\"}\n").unwrap();
    let at = format!("@{}", file.path().display());
    for (payload, input, stored) in [
        (None, "{\"unread\": 1}", "{}"),
        (Some(at.as_str()), "", "{\"from\": \"file\"}"),
        (Some("-"), "{\"from\": \"stdin\"}", "{\"from\": \"stdin\"}"),
    ] {
        let mut args = vec!["ops", "disk.full", "--json"];
        args.extend(payload.map(|p| ["--payload", p]).iter().flatten());
        let (code, out, err) = emit(&db, &args, input).await;
        assert_eq!(code, 0, "{err}");
        let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
        let row = sql
            .query_one(
                "select payload::text from neurolink_events where id = $1",
                &[&answer["id"].as_i64().unwrap()],
            )
            .await
            .unwrap();
        assert_eq!(row.get::<_, &str>(0), stored);
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_before_anything_is_asked_of_the_database() {
    let db = TestDb::new().await;
    for (args, said) in [
        (&["ops", "disk"][..], "/event_type"),
        (&["Ops!", "disk.full"], "/source_module"),
        (
            &["ops", "disk.full", "--payload", "{\"a\": }"],
            "line 1 column 7",
        ),
        (&["ops", "disk.full", "--payload", "[]"], "/payload"),
        (
            &["ops", "disk.full", "--payload", "{\"a\": \"\\u0000\"}"],
            "/a",
        ),
        (
            &["ops", "disk.full", "--payload", "@/nowhere.json"],
            "/nowhere.json can't be read",
        ),
        (
            &["ops", "disk.full", "--occurred-at", "yesterday"],
            "/occurred_at",
        ),
        (&["ops", "disk.full", "--severity", "bad"], "critical"),
    ] {
        let (code, out, err) = emit(&db, args, "").await;
        let expected = if said.ends_with("read") { 1 } else { 2 };
        assert_eq!((code, out.as_str()), (expected, ""), "{args:?}: {err}");
        assert!(err.contains(said), "{args:?}: {err}");
    }
    let away = "postgresql://nobody@127.0.0.1:1/nothing";
    let out = neurolink(away, &["emit", "ops", "disk.full"], "").await;
    assert_eq!(out.status.code(), Some(69), "{}", text(&out.stderr));
}

#[tokio::test]
async fn completions_name_every_command_in_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let out = neurolink("", &["completions", shell], "").await;
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        let script = text(&out.stdout);
        for word in ["serve", "queue", "emit", "completions", "--env-file"] {
            let word = word.trim_start_matches('-');
            assert!(script.contains(word), "{shell} lacks {word}");
        }
        if shell == "bash" {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("neurolink");
            std::fs::write(&file, &script).unwrap();
            let sound = Command::new("bash").arg("-n").arg(&file).status().unwrap();
            assert!(sound.success());
        }
    }
    let out = neurolink("", &["completions", "tcsh"], "").await;
    assert_eq!(out.status.code(), Some(2));
}
