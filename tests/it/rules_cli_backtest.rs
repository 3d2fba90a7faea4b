//! `neurolink rules backtest` as people and scripts meet it: the binary itself.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::TestDb;
use crate::support::app::{event, number, people, rule};

async fn backtest(db: &TestDb, folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_neurolink"))
        .env_clear()
        .env("DATABASE_URL", db.url())
        .current_dir(folder)
        .args(["--env-file", "/dev/null", "rules", "backtest"])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_file_is_tried_on_a_time_beside_the_saved_rule_of_its_name() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let (sql, path) = (db.client().await, folder.path());
    people(&sql).await;
    let id = rule(
        &sql,
        "orders",
        "a.b",
        &json!({"title": "T", "recipient_users": ["ali"]}),
    )
    .await;
    for n in 1..=4 {
        event(&sql, "a.b", &json!({"n": n})).await;
    }
    let file = "name: orders\nevent_type_pattern: a.*\nconditions: {'>': [{var: payload.n}, 1]}\n\
                notification_template: {title: 'Order {{n}}', recipient_roles: [accountant]}\n";
    std::fs::write(path.join("r.yaml"), file).unwrap();
    let out = backtest(&db, path, &["r.yaml", "--since", "1h"]).await;
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let said = text(&out.stdout);
    for line in [
        "4 events looked at, 4 of its module and types, 3 matched, 6 notifications for 2 people",
        "Notifications by person\n  ali    3\n  nadia  3\n",
        "By branch\n  BGD  3 matching events, 6 notifications\n",
        "Beside orders (version 1)\n  events: 3 as before, +0 new, -1 no more\n  notifications: 4 before, 6 now\n",
        "  nadia: +3 (0 before, 3 now)\n  ali: -1 (4 before, 3 now)\n",
        "a.b of test, branch BGD\n  ali (en): Order 4\n  nadia (ar-IQ): Order 4\n",
    ] {
        assert!(said.contains(line), "{line}\nis not in\n{said}");
    }
    assert!(out.stderr.is_empty(), "no bar where nobody looks");

    let id = id.to_string();
    let out = backtest(&db, path, &["--rule", &id, "--since", "1h", "--json"]).await;
    let came: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(
        (&came["matched"], &came["difference"]),
        (&json!(4), &Value::Null)
    );
    let args = [
        "orders",
        "--from",
        "2020-01-01T00:00:00Z",
        "--to",
        "2020-01-02T00:00:00Z",
        "--json",
    ];
    let out = backtest(&db, path, &args).await;
    let came: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(
        (&came["matched"], &came["concerned"]),
        (&json!(0), &json!(0))
    );

    std::fs::write(path.join("bad.yaml"), file.replace("title:", "titel:")).unwrap();
    let out = backtest(&db, path, &["bad.yaml", "--since", "1h"]).await;
    assert_eq!(out.status.code(), Some(3));
    assert!(text(&out.stdout).starts_with("faulty: /notification_template/titel: "));
    for (args, word) in [
        (
            &["nothing", "--since", "1h"][..],
            "there is no rule nothing",
        ),
        (&["--rule", "999", "--since", "1h"], "there is no rule 999"),
        (&["orders"], "--since"),
        (&["orders", "--since", "1y"], "30m, 12h, 7d, 2w"),
        (
            &["orders", "--from", "2190-01-01T00:00:00Z"],
            "--from is in the future",
        ),
        (&["--since", "1h"], "RULE"),
    ] {
        let out = backtest(&db, path, args).await;
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(text(&out.stderr).contains(word), "{}", text(&out.stderr));
    }
    assert_eq!(
        number(&sql, "select count(*) from neurolink_notifications").await,
        0
    );
}

#[tokio::test]
async fn what_is_put_off_says_how_many_events_still_wait() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let (sql, path) = (db.client().await, folder.path());
    people(&sql).await;
    let template = json!({"title": "T", "recipient_users": ["ali"],
        "delay": {"before": "3d", "date": "due"}});
    rule(&sql, "reminder", "invoice.*", &template).await;
    // Two invoices, of which three events each say the same date; the date of a third is past.
    sql.batch_execute(
        r#"insert into neurolink_events (source_module, event_type, entity_type, entity_id, payload)
           select 'test', 'invoice.changed', 'invoice', id::text, jsonb_build_object('n', id, 'due', case id when 3 then '2020-01-01' else '2150-01-01' end)
             from generate_series(1, 3) as again, generate_series(1, 3) as id"#,
    )
    .await
    .unwrap();
    let out = backtest(&db, path, &["reminder", "--since", "1h"]).await;
    let said = text(&out.stdout);
    for line in [
        "9 events looked at, 9 of its module and types, 9 matched, 0 notifications for 0 people",
        "  6 notifications put off to a later moment; at the end 2 events still waited (others were told, or gave way to a newer event)\n",
        "  1 notification left out: the date to remind of was past\n",
    ] {
        assert!(said.contains(line), "{line}\nis not in\n{said}");
    }
    for odd in ["too_late", "delayed", "1 people", "Z"] {
        assert!(!said.contains(odd), "{odd} in {said}");
    }
    let out = backtest(&db, path, &["reminder", "--since", "1h", "--json"]).await;
    let came: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(
        (&came["waiting"], &came["suppressed"]["delayed"]),
        (&json!(2), &json!(6))
    );
}
