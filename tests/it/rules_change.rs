//! Changing rules safely: what differs in plain words, over HTTP and by command; switching on and off; files that say the same
//! whichever way they went; and the word when a rule can't reach anybody.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, event, people, rule};

async fn neurolink(db: &TestDb, folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neurolink"));
    command
        .env_clear()
        .env("DATABASE_URL", db.url())
        .current_dir(folder)
        .args(["--env-file", "/dev/null"])
        .args(args)
        .stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

/// Standard output of what must end with this code.
async fn told(db: &TestDb, folder: &Path, code: i32, args: &[&str]) -> String {
    let out = neurolink(db, folder, args).await;
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(code), "{args:?}: {text}{said}");
    text
}

/// A rule of three versions: another condition and somebody more, then switched off.
async fn changed(sql: &Client) -> i64 {
    let template = json!({"title": {"en": "Late", "ar": "متأخرة"}, "recipient_roles": ["accountant"], "channels": ["in_app", "email"]});
    let id = rule(sql, "overdue", "invoice.overdue", &template).await;
    sql.batch_execute(
        r#"update neurolink_notification_rules set conditions = '{">": [{"var": "payload.days_overdue"}, 14]}', priority = 200,
               notification_template = notification_template || '{"recipient_roles": ["accountant", "cfo"], "channels": ["in_app"]}';
           update neurolink_notification_rules set enabled = false"#,
    )
    .await
    .unwrap();
    id
}

async fn difference(app: &App, id: i64, query: &str) -> (u16, Value) {
    let path = format!("/v1/rules/{id}/diff{query}");
    app.call("GET", &path, "eye", &["auditor"], None).await
}

fn words(difference: &Value) -> Vec<&str> {
    let changes = difference["changes"].as_array().unwrap();
    changes
        .iter()
        .map(|c| c["words"].as_str().unwrap())
        .collect()
}

const SECOND: [&str; 4] = [
    "priority 0 → 200 (now critical)",
    "now only if `payload.days_overdue > 14` (was: always)",
    "no longer by e-mail",
    "now also told: role cfo",
];

#[tokio::test]
async fn any_two_versions_are_told_apart_over_http() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start_with(&db, WHOLE, &[]).await;
    let id = changed(&sql).await;
    let (status, newest) = difference(&app, id, "").await;
    assert_eq!(status, 200, "{newest}");
    assert_eq!(
        (&newest["from"]["version"], &newest["to"]["version"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(words(&newest), ["switched off"]);
    let (_, second) = difference(&app, id, "?to=2").await;
    assert_eq!(words(&second), SECOND);
    assert_eq!(
        second["changes"][3]["place"],
        "/notification_template/recipient_roles/1"
    );
    let (_, all) = difference(&app, id, "?from=1&to=3").await;
    assert_eq!(words(&all).len(), 5);
    let (_, back) = difference(&app, id, "?from=3&to=1").await;
    assert_eq!(words(&back)[0], "switched on");
    let (_, none) = difference(&app, id, "?from=2&to=2").await;
    assert_eq!(words(&none), [""; 0]);
    let (_, first) = difference(&app, id, "?to=1").await;
    assert_eq!(
        (&first["from"]["version"], words(&first).len()),
        (&json!(1), 0)
    );

    for (query, status, code) in [
        ("?from=9", 404, "not_found"),
        ("?to=0", 400, "invalid_parameter"),
        ("?from=one", 400, "invalid_parameter"),
        ("?versions=1", 400, "unknown_parameter"),
    ] {
        let (found, body) = difference(&app, id, query).await;
        assert_eq!(
            (found, body["code"].as_str()),
            (status, Some(code)),
            "{query}"
        );
    }
    assert_eq!(difference(&app, 99, "").await.0, 404);
    sql.batch_execute("delete from neurolink_notification_rules")
        .await
        .unwrap();
    let (status, gone) = difference(&app, id, "?from=1&to=2").await;
    assert_eq!(
        (status, words(&gone).len()),
        (200, 4),
        "what is gone had versions"
    );
    app.stop().await;
}

#[tokio::test]
async fn the_command_tells_versions_and_files_apart() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let (sql, path) = (db.client().await, folder.path());
    let id = changed(&sql).await.to_string();
    for rule in ["overdue", &id] {
        let text = told(&db, path, 0, &["rules", "diff", rule]).await;
        assert_eq!(text, "overdue: version 2 → 3\n  ~ switched off\n");
    }
    let text = told(&db, path, 0, &["rules", "diff", "overdue", "1", "2"]).await;
    let expected = format!(
        "overdue: version 1 → 2\n  ~ {}\n  + {}\n  - {}\n  + {}\n",
        SECOND[0], SECOND[1], SECOND[2], SECOND[3]
    );
    assert_eq!(text, expected);
    let json = told(&db, path, 0, &["rules", "diff", "overdue", "1", "--json"]).await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json[0]["to"], words(&json[0]).len()), (&json!(3), 5));

    told(&db, path, 0, &["rules", "export", "-o", "rules.yaml"]).await;
    let text = told(&db, path, 0, &["rules", "diff", "rules.yaml"]).await;
    assert_eq!(text, "overdue: version 3 → the file\n  they say the same\n");
    let file = std::fs::read_to_string(path.join("rules.yaml")).unwrap();
    let more = format!(
        "{}- {{name: new, event_type_pattern: a.b, notification_template: {{title: T}}}}\n",
        file.replace("متأخرة", "متأخّرة")
    );
    std::fs::write(path.join("rules.yaml"), more).unwrap();
    let text = told(&db, path, 0, &["rules", "diff", "rules.yaml"]).await;
    assert_eq!(
        text,
        "overdue: version 3 → the file\n  ~ title in Arabic changed from “متأخرة” to “متأخّرة”\nnew: not saved yet\n"
    );

    for args in [
        &["rules", "diff", "nothing"][..],
        &["rules", "diff", "overdue", "7"],
        &["rules", "diff", "rules.yaml", "1"],
    ] {
        told(&db, path, 2, args).await;
    }
}

#[tokio::test]
async fn rules_are_switched_off_and_on_again_and_it_is_written_down() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let (sql, path) = (db.client().await, folder.path());
    people(&sql).await;
    for name in ["one", "other"] {
        rule(
            &sql,
            name,
            "a.b",
            &json!({"title": name, "recipient_users": ["ali"]}),
        )
        .await;
    }
    let app = App::start(&db).await;
    let text = told(&db, path, 0, &["rules", "disable", "one"]).await;
    assert_eq!(text, "one is off\n");
    event(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    let inbox = app.get("/v1/notifications", "ali").await;
    let titles: Vec<&Value> = inbox["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| &n["title"])
        .collect();
    assert_eq!(titles, ["other"]);

    told(&db, path, 2, &["rules", "enable", "one", "nothing"]).await;
    let text = told(&db, path, 0, &["rules", "enable", "one", "other", "one"]).await;
    assert_eq!(text, "one is on\nother is already on\n");
    let log = "select string_agg(before ->> 'enabled', ',' order by id) from neurolink_audit_log where action = 'rule.updated'";
    let log: String = sql.query_one(log, &[]).await.unwrap().get(0);
    assert_eq!(log, "true,false");
    app.stop().await;
}

/// Everything that is hard on a format: names, texts, and keys of every kind.
async fn awkward(sql: &Client) {
    let template = json!({
        "title": {"en": "Invoice {{number}}: “late” # no comment", "ar": "الفاتورة {{number}} متأخرة", "no": "ja"},
        "body": {"en": "Dear {{default recipient.display_name \"you\"}},\n\n  - one: {{amount}}\n  - two\n\nYours\n", "ar": "سطر أول\nسطر ثانٍ"},
        "recipient_roles": ["yes", "null", "1.50", "~"], "recipient_groups": ["year end", "ليلي"], "recipient_managers": ["actor", "lines.owner"],
        "recipient_followers": true, "exclude_users": ["07", "no"], "recipient_branches": "any", "$comment": ["a: b", "\t", 1.5, null]
    });
    for name in [
        "no",
        "a: 'b' \"c\" #d",
        "فاتورة متأخرة",
        "- dash",
        "{{x}}",
        "007",
    ] {
        rule(sql, name, "invoice.*", &template).await;
    }
    sql.batch_execute(
        r#"update neurolink_notification_rules set source_module = 'on', enabled = false, priority = -3,
               conditions = '{"and": [{"==": [{"var": "payload.name"}, "- x: y\nz"]}, {"in": [{"var": "payload.c"}, ["IQD", null, 1.0]]}]}'
            where name in ('no', '007')"#,
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn yaml_and_json_say_the_same_whichever_way_rules_went_and_twice_is_once() {
    let (one, other, folder) = (
        TestDb::new().await,
        TestDb::new().await,
        tempfile::tempdir().unwrap(),
    );
    let (sql, path) = (one.client().await, folder.path());
    awkward(&sql).await;
    for file in ["one.yaml", "one.json"] {
        told(&one, path, 0, &["rules", "export", "-o", file]).await;
        let same = told(&one, path, 0, &["rules", "import", file]).await;
        assert!(
            same.contains("0 new, 0 changed, 0 gone, 6 as they are"),
            "{same}"
        );
    }
    let read = |file: &str| std::fs::read_to_string(path.join(file)).unwrap();
    let yaml = read("one.yaml");
    for line in [
        "        - one: {{amount}}\n",
        "      سطر أول\n",
        "en: |",
        "- name: فاتورة متأخرة\n",
    ] {
        assert!(yaml.contains(line), "{line:?} is not in\n{yaml}");
    }
    // Yaml into one database and JSON over it, out again in both.
    for file in ["one.yaml", "one.json", "one.yaml"] {
        told(&other, path, 0, &["rules", "import", file]).await;
        told(&other, path, 0, &["rules", "export", "-o", "other.yaml"]).await;
        told(&other, path, 0, &["rules", "export", "-o", "other.json"]).await;
        assert_eq!(read("other.yaml"), yaml);
        assert_eq!(read("other.json"), read("one.json"));
    }
    let versions = "select max(version) from neurolink_notification_rules";
    let versions: i32 = other
        .client()
        .await
        .query_one(versions, &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(versions, 1);
}

#[tokio::test]
async fn a_rule_that_can_reach_nobody_is_saved_with_a_word_of_it_and_the_checks_say_so_too() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let (sql, path) = (db.client().await, folder.path());
    people(&sql).await;
    let app = App::start(&db).await;
    event(&sql, "truck.parked", &json!({"truck": {"plate": "B 7"}})).await;
    drained(&sql).await;
    crate::support::app::until(&sql, "select exists (select from neurolink_event_types)").await;
    let save = async |template: Value, pattern: &str, condition: Value| {
        let body = json!({"name": format!("{pattern} {}", template["recipient_roles"][0]), "event_type_pattern": pattern, "conditions": condition,
            "notification_template": template});
        let (status, saved) = app
            .call("POST", "/v1/rules", "chief", &["admin"], Some(&body))
            .await;
        assert_eq!(status, 201, "{saved}");
        let kinds = saved["warnings"].as_array().unwrap().iter();
        kinds
            .map(|w| w["kind"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let sound =
        json!({"title": "t", "recipient_roles": ["accountant"], "recipient_users": ["cfo"]});
    let plate = json!({"==": [{"var": "payload.truck.plate"}, "B 7"]});
    assert_eq!(save(sound.clone(), "truck.parked", plate).await, [""; 0]);
    let wrong = json!({"title": "t", "recipient_roles": ["acountant"], "recipient_groups": ["x"], "recipient_users": ["nobody"],
        "channels": ["in_app", "sms"]});
    let colour = json!({"==": [{"var": "payload.truck.colour"}, "red"]});
    assert_eq!(
        save(wrong, "truck.parked", colour).await,
        [
            "unknown_field",
            "empty_role",
            "empty_group",
            "unknown_person",
            "channel_not_configured"
        ]
    );
    assert_eq!(
        save(sound, "truck.stolen", Value::Null).await,
        ["unknown_event_type"]
    );

    let text = told(&db, path, 0, &["rules", "check"]).await;
    assert!(
        text.contains(
            "empty_role: nobody active holds the role acountant (did you mean `accountant`?)"
        ),
        "{text}"
    );
    std::fs::write(
        path.join("r.yaml"),
        "{name: r, event_type_pattern: invoice.paid, notification_template: {title: T, recipient_roles: [cfoo]}}",
    )
    .unwrap();
    let text = told(&db, path, 0, &["rules", "check", "r.yaml"]).await;
    assert!(
        text.contains("good\n1 rule: 0 faulty, 0 to look at"),
        "{text}"
    );
    let text = told(&db, path, 0, &["rules", "check", "r.yaml", "--database"]).await;
    assert!(
        text.contains("empty_role: nobody active holds the role cfoo (did you mean `cfo`?)"),
        "{text}"
    );
    told(
        &db,
        path,
        3,
        &["rules", "check", "r.yaml", "--database", "--strict"],
    )
    .await;
    let out = neurolink(&db, path, &["doctor"]).await;
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(
        text.contains("2 rules miss something that they are about"),
        "{text}"
    );

    // A directory that can't be read costs the hints, not the save.
    sql.batch_execute("alter view neurolink_directory rename to elsewhere")
        .await
        .unwrap();
    let body = json!({"name": "blind", "event_type_pattern": "a.b", "notification_template": {"title": "t", "recipient_roles": ["x"]}});
    let (status, saved) = app
        .call("POST", "/v1/rules", "chief", &["admin"], Some(&body))
        .await;
    assert_eq!((status, &saved["warnings"]), (201, &json!([])), "{saved}");
    app.stop().await;
}
