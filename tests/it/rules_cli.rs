//! `neurolink rules …` as people and scripts meet it: the binary itself, on a database and on files.

mod preview;
mod starter;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::{event, people, rule};

async fn neurolink(db: &TestDb, folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neurolink"));
    command
        .env_clear()
        .env("DATABASE_URL", db.url())
        .current_dir(folder)
        .args(["--env-file", "/dev/null", "rules"])
        .args(args)
        .stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Standard output of what must end with this code.
async fn told(db: &TestDb, folder: &Path, code: i32, args: &[&str]) -> String {
    let out = neurolink(db, folder, args).await;
    assert_eq!(
        out.status.code(),
        Some(code),
        "{args:?}: {}{}",
        text(&out.stdout),
        text(&out.stderr)
    );
    text(&out.stdout)
}

async fn versions(sql: &tokio_postgres::Client) -> Vec<(String, i32, bool)> {
    let rows = sql
        .query(
            "select name, version, enabled from neurolink_notification_rules order by name",
            &[],
        )
        .await
        .unwrap();
    rows.iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect()
}

#[tokio::test]
async fn an_export_is_stable_and_its_import_elsewhere_gives_the_same_rules_once() {
    let (one, other, folder) = (
        TestDb::new().await,
        TestDb::new().await,
        tempfile::tempdir().unwrap(),
    );
    let (sql, elsewhere) = (one.client().await, other.client().await);
    neurolink::ops::starter::load(&one.db()).await.unwrap();
    rule(&sql, "a: strange 'name'", "a.*", &json!({"title": {"en": "{{n}}", "ar": "رقم {{n}}"}, "body": "one\ntwo: x\n", "recipient_users": ["no", "07"]})).await;
    for file in ["rules.yaml", "rules.json"] {
        let path = folder.path();
        told(&one, path, 0, &["export", "-o", file]).await;
        let first = std::fs::read_to_string(path.join(file)).unwrap();
        let again = told(
            &one,
            path,
            0,
            &[
                "export",
                "--format",
                if file == "rules.json" { "json" } else { "yaml" },
            ],
        )
        .await;
        assert_eq!(first, again);
        assert!(first.contains("رقم {{n}}"), "{first}");
        elsewhere
            .batch_execute("delete from neurolink_notification_rules")
            .await
            .unwrap();
        let answer = told(&other, path, 0, &["import", file]).await;
        assert!(
            answer.contains("18 new, 0 changed, 0 gone, 0 as they are"),
            "{answer}"
        );
        let loads: String = elsewhere
            .query_one(
                "select value from neurolink_meta where key = 'rules_rev'",
                &[],
            )
            .await
            .unwrap()
            .get(0);
        let answer = told(&other, path, 0, &["import", file]).await;
        assert!(
            answer.contains("0 new, 0 changed, 0 gone, 18 as they are"),
            "{answer}"
        );
        let after: String = elsewhere
            .query_one(
                "select value from neurolink_meta where key = 'rules_rev'",
                &[],
            )
            .await
            .unwrap()
            .get(0);
        assert_eq!(loads, after, "nothing to do makes no node reload");
        assert!(
            versions(&elsewhere)
                .await
                .iter()
                .all(|(_, version, _)| *version == 1)
        );
        assert_eq!(
            told(
                &other,
                path,
                0,
                &[
                    "export",
                    "--format",
                    if file == "rules.json" { "json" } else { "yaml" }
                ]
            )
            .await,
            first
        );
    }
}

#[tokio::test]
async fn an_import_says_first_what_it_would_change_and_prunes_only_when_asked() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let sql = db.client().await;
    let path = folder.path();
    rule(
        &sql,
        "extra",
        "a.b",
        &json!({"title": "T", "recipient_users": ["ali"]}),
    )
    .await;
    rule(
        &sql,
        "changed",
        "a.b",
        &json!({"title": "Old", "recipient_users": ["ali"]}),
    )
    .await;
    let file = "- name: changed\n  event_type_pattern: a.b\n  notification_template:\n    title: New\n    recipient_users: [ali]\n\
                - name: new\n  event_type_pattern: a.b\n  enabled: false\n  notification_template: {title: N, recipient_users: [ali]}\n";
    std::fs::write(path.join("r.yaml"), file).unwrap();
    let plan = told(&db, path, 0, &["import", "r.yaml", "--dry-run"]).await;
    let doubts = "    unknown_event_type: no event of type `a.b` was ever seen here, and it is none of the standard ones\n    \
                  unknown_person: recipient_users names who isn't in the directory: ali\n";
    assert_eq!(plan.matches(doubts).count(), 2, "{plan}");
    assert_eq!(
        plan.replace(doubts, ""),
        "~ changed\n    /notification_template/title: \"Old\" → \"New\"\n? extra  in no file; --prune takes it away\n+ new\n\
         1 new, 1 changed, 0 gone, 0 as they are\nnothing was written (--dry-run)\n"
    );
    let named = |rows: Vec<(String, i32, bool)>| {
        rows.into_iter()
            .map(|(n, v, e)| format!("{n} {v} {e}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        named(versions(&sql).await),
        ["changed 1 true", "extra 1 true"]
    );
    told(&db, path, 0, &["import", "r.yaml"]).await;
    assert_eq!(
        named(versions(&sql).await),
        ["changed 2 true", "extra 1 true", "new 1 false"]
    );
    let pruned: Value =
        serde_json::from_str(&told(&db, path, 0, &["import", "r.yaml", "--prune", "--json"]).await)
            .unwrap();
    let what: Vec<(&str, &str)> = pruned
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["name"].as_str().unwrap(), c["what"].as_str().unwrap()))
        .collect();
    assert_eq!(
        what,
        [("changed", "keep"), ("extra", "delete"), ("new", "keep")]
    );
    assert_eq!(
        named(versions(&sql).await),
        ["changed 2 true", "new 1 false"]
    );

    std::fs::write(path.join("empty.yaml"), "# nothing\n").unwrap();
    assert_eq!(
        neurolink(&db, path, &["import", "empty.yaml", "--prune"])
            .await
            .status
            .code(),
        Some(2)
    );
    // One faulty rule, and nothing is imported.
    std::fs::write(
        path.join("bad.yaml"),
        format!(
            "{file}- name: bad\n  event_type_pattern: a.b\n  notification_template: {{titel: x}}\n"
        ),
    )
    .unwrap();
    let answer = told(&db, path, 3, &["import", "bad.yaml", "--prune"]).await;
    assert!(
        answer.contains("bad.yaml rule 3 (bad): faulty: /notification_template/titel")
            && answer.contains("nothing was imported"),
        "{answer}"
    );
    assert_eq!(
        named(versions(&sql).await),
        ["changed 2 true", "new 1 false"]
    );
}

#[tokio::test]
async fn check_finds_faults_in_the_database_and_in_files_and_exits_with_3() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let sql = db.client().await;
    let path = folder.path();
    people(&sql).await;
    rule(
        &sql,
        "good",
        "invoice.paid",
        &json!({"title": "T", "recipient_users": ["ali"]}),
    )
    .await;
    rule(&sql, "lonely", "invoice.paid", &json!({"title": "T"})).await;
    let answer = told(&db, path, 0, &["check"]).await;
    assert!(
        answer.starts_with("good: good\nlonely: to look at\n  hint: it reaches nobody"),
        "{answer}"
    );
    told(&db, path, 3, &["check", "--strict"]).await;
    rule(&sql, "bad", "invoice.paid", &json!({"title": "{{#if}}"})).await;
    let answer = told(&db, path, 3, &["check"]).await;
    assert!(
        answer.contains("bad: faulty: /notification_template/title line 1 column"),
        "{answer}"
    );
    assert!(
        answer.ends_with("3 rules: 1 faulty, 1 to look at\n"),
        "{answer}"
    );
    // What a node found at run time counts too.
    sql.batch_execute("delete from neurolink_notification_rules where name = 'bad';
        insert into neurolink_rule_faults (rule_id, version, kind, place, detail) select id, 1, 'watchdog', '', 'it took too long' from neurolink_notification_rules where name = 'good'").await.unwrap();
    let found: Value =
        serde_json::from_str(&told(&db, path, 3, &["check", "--json"]).await).unwrap();
    assert_eq!(found[0]["fault"]["detail"], "it took too long");
    assert!(
        told(&db, path, 0, &["list"])
            .await
            .contains("faulty: it took too long")
    );
    assert!(
        told(&db, path, 0, &["list", "--faulty"])
            .await
            .ends_with("1 rule, faulty\n")
    );

    std::fs::write(path.join("f.yaml"), "name: x\nevent_type_pattern: a.b\nnotification_template: {title: T, recipient_users: [ali]}\nconditions: {equals: [1, 1]}\n").unwrap();
    let nowhere = Command::new(env!("CARGO_BIN_EXE_neurolink"))
        .env_clear()
        .env("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
        .current_dir(path)
        .args(["--env-file", "/dev/null", "rules", "check", "f.yaml"])
        .output()
        .unwrap();
    assert_eq!(
        nowhere.status.code(),
        Some(3),
        "files need no database: {}",
        text(&nowhere.stderr)
    );
    assert!(text(&nowhere.stdout).contains("f.yaml rule 1 (x): faulty: /conditions/equals"));
}

#[tokio::test]
async fn a_trial_says_whom_a_rule_would_tell_what_and_writes_nothing() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let sql = db.client().await;
    let path = folder.path();
    people(&sql).await;
    sql.batch_execute(r#"insert into neurolink_user_preferences (user_id, channels) values ('ali', '{"*": {"email": false}}')"#).await.unwrap();
    let template = json!({"title": {"en": "Invoice {{n}}", "ar": "فاتورة {{n}}"}, "channels": ["in_app", "email"], "recipient_roles": ["accountant"]});
    rule(&sql, "overdue", "invoice.overdue", &template).await;
    let id = event(
        &sql,
        "invoice.overdue",
        &json!({"n": 12345678901234567890_u64}),
    )
    .await
    .to_string();
    let answer = told(&db, path, 0, &["preview", "overdue", "--event", &id]).await;
    for line in [
        &format!("overdue (version 1) on event {id} invoice.overdue of test, branch BGD\n"),
        "match, recipients: 2\n",
        "ali (en): they hold the role accountant in branch BGD\n  in_app\n  email: withheld: they have switched it off\n    Invoice 12345678901234567890\n",
        "nadia (ar-IQ): they hold the role accountant in branch BGD\n  in_app\n  email: withheld: this node has no settings for it\n    فاتورة 12345678901234567890\n",
        "Left out: 1\n  dina: they hold the role accountant in branch BSR, and the rule tells those of branch BGD\n",
        "Text in ar (nobody who is told reads it)\n  in_app\n    فاتورة 12345678901234567890\n",
    ] {
        assert!(answer.contains(line), "{line}: {answer}");
    }
    // A rule and an event of files, in JSON.
    let file = json!([{"name": "big", "source_module": "sales", "event_type_pattern": "order.*", "conditions": {">": [{"var": "payload.amount"}, 100]},
        "notification_template": {"title": "{{amount}}", "recipient_users": ["dina"]}}, {"name": "two", "event_type_pattern": "*", "notification_template": {"title": "T"}}]);
    std::fs::write(path.join("r.json"), file.to_string()).unwrap();
    for (event, matched, why) in [
        (
            json!({"source_module": "sales", "event_type": "order.created", "payload": {"amount": 101}}),
            true,
            json!("it is true for this event"),
        ),
        (
            json!({"source_module": "sales", "event_type": "order.created", "payload": {"amount": 1}}),
            false,
            json!(
                "its condition is not true: payload.amount > 100 is not true (payload.amount is 1)"
            ),
        ),
        (
            json!({"source_module": "sales", "event_type": "po.created", "payload": {}}),
            false,
            json!("it is about events of type order.*, and this one is po.created"),
        ),
        (
            json!({"source_module": "pos", "event_type": "order.created", "payload": {}}),
            false,
            json!("it is about events of module sales, and this one is of pos"),
        ),
    ] {
        std::fs::write(path.join("e.json"), event.to_string()).unwrap();
        let answer: Value = serde_json::from_str(
            &told(
                &db,
                path,
                0,
                &[
                    "test", "r.json", "--name", "big", "--event", "e.json", "--json",
                ],
            )
            .await,
        )
        .unwrap();
        assert_eq!(
            (&answer["matched"], &answer["why"]),
            (&json!(matched), &why),
            "{answer}"
        );
        if matched {
            assert_eq!(answer["recipients"]["items"][0]["title"], "101");
        }
    }
    for (args, word) in [
        (["test", "r.json", "--event", "e.json"], "several rules"),
        (["test", "nothing", "--event", "e.json"], "no rule nothing"),
        (["test", "overdue", "--event", "999999"], "no event 999999"),
        (
            ["test", "overdue", "--event", "gone.json"],
            "gone.json can't be read",
        ),
    ] {
        let out = neurolink(&db, path, &args).await;
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(text(&out.stderr).contains(word), "{}", text(&out.stderr));
    }
    std::fs::write(
        path.join("bad.yml"),
        "name: b\nevent_type_pattern: '*'\nnotification_template: {titel: x}\n",
    )
    .unwrap();
    let answer = told(&db, path, 3, &["test", "bad.yml", "--event", "e.json"]).await;
    assert!(
        answer.contains("faulty: /notification_template/titel"),
        "{answer}"
    );
    let written: i64 = sql
        .query_one("select count(*) from neurolink_notifications", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(written, 0);
}
