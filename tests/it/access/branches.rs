//! What belongs to a branch (`x-branch`) is there for who has that branch in their token, or `*`; what belongs to none, for all.
//!
//! A new kind of such things is one row of [`THINGS`].

use tokio_postgres::Client;

use super::{CALLERS, Operation};
use crate::openapi::API;
use crate::support::TestDb;
use crate::support::app::{App, people};
use crate::support::http::token_of;

/// Things of branches: the beginning of their paths, a statement that makes one of branch `$1` (null = of none) and gives its id
/// as text, and the field of a list's items that has it.
const THINGS: [(&str, &str, &str); 4] = [
    (
        "/v1/audit",
        "select id from (select gen_random_uuid()::text as id) made,
                lateral neurolink_audit('event.tried', 'event', id, null, jsonb_build_object('branch_id', $1::text))",
        "subject_id",
    ),
    ("/v1/events", EVENT, "id"),
    ("/v1/deliveries", DELIVERY, "id"),
    ("/v1/queue/dead", DEAD, "id"),
];

const EVENT: &str = "insert into neurolink_events (source_module, event_type, payload, branch_id)
                     values ('test', 'thing.made', '{}', $1) returning id::text";

/// A dead one, so that whatever may be done to deliveries may be done to it.
const DELIVERY: &str = "with made as (
        insert into neurolink_notifications (user_id, in_app, title, branch_id)
        values ('nadia', false, 'T', $1) returning id)
    insert into neurolink_delivery_log (id, notification_id, user_id, channel, status, attempts, ended_at)
    select id * 32 + 1, id, 'nadia', 'email', 'dead', 1, now() from made returning id::text";

/// An event's job that was given up.
const DEAD: &str = "with made as (
        insert into neurolink_events (source_module, event_type, payload, branch_id)
        values ('test', 'thing.made', '{}', $1) returning id)
    insert into neurolink_dead_jobs (id, kind, ref_id, lane, attempt, max_attempts, created_at)
    select id, 'event', id, 1, 5, 5, now() from made returning id::text";

/// Operations on many things at once whose branches are tested where they are made: which, and where.
const ELSEWHERE: [(&str, &str); 7] = [
    ("POST /v1/deliveries/retry", "tests/it/deliveries_api.rs"),
    ("GET /v1/rules/{id}/shadow", "tests/it/time/calm.rs"),
    ("POST /v1/queue/retry", "tests/it/queue_api.rs"),
    ("POST /v1/queue/discard", "tests/it/queue_api.rs"),
    ("POST /v1/rules/preview", "tests/it/preview.rs"),
    ("POST /v1/rules/backtest", "tests/it/backtest.rs"),
    (
        "GET /v1/events/stats/summary",
        "tests/it/stats.rs: all branches or none",
    ),
];

/// The branches of a token, and those of things that it sees.
const TOKENS: [(&[&str], [bool; 3]); 4] = [
    (&["BGD"], [true, false, true]),
    (&["BSR"], [false, true, true]),
    (&["*"], [true, true, true]),
    (&[], [false, false, true]),
];
const BRANCHES: [Option<&str>; 3] = [Some("BGD"), Some("BSR"), None];

async fn make(sql: &Client, statement: &str, branch: Option<&str>) -> String {
    sql.query_one(statement, &[&branch]).await.unwrap().get(0)
}

/// Whether the operation's answer shows the thing.
async fn shows(app: &App, operation: &Operation, token: &str, id: &str, field: &str) -> bool {
    let (status, body) = operation.call(app, Some(token), id).await;
    if operation.is_of_one() {
        let hidden = status == 404 && body["code"] == "not_found";
        assert!(hidden || status != 404, "{body}");
        return !hidden;
    }
    assert_eq!(status, 200, "{}: {body}", operation.name());
    let items = body["items"].as_array();
    let items = items.unwrap_or_else(|| {
        panic!(
            "{} is no list: say where it is tested, in ELSEWHERE",
            operation.name()
        )
    });
    items.iter().any(|item| {
        let own = &item[field];
        own.as_str().map_or_else(|| own.to_string(), str::to_owned) == id
    })
}

#[tokio::test]
async fn things_of_other_branches_are_not_there() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let sql = db.client().await;
    people(&sql).await;
    let (mut wrong, mut walked) = (Vec::new(), 0);
    for operation in Operation::all() {
        let name = operation.name();
        let row = THINGS.iter().find(|(path, ..)| {
            operation.path == *path || operation.path.starts_with(&format!("{path}/"))
        });
        if ELSEWHERE.iter().any(|(known, _)| *known == name) {
            continue;
        }
        let reads = matches!(operation.access.as_str(), "auditor" | "admin");
        let Some((_, statement, field)) = row else {
            assert!(
                !operation.is_of_branch,
                "{name}: which things? Add a row to THINGS"
            );
            continue;
        };
        if !operation.is_of_branch {
            let said = "say `x-branch: true`, or in ELSEWHERE where it is tested";
            assert!(!reads, "{name}: {said}");
            continue;
        }
        let roles = ["auditor", "admin"].into_iter().filter(|role| {
            let (_, words) = CALLERS.iter().find(|(caller, _)| caller == role).unwrap();
            words.contains(&operation.access.as_str())
        });
        for role in roles {
            for (branches, sees) in TOKENS {
                let token = token_of("eye", &[role], branches);
                for (branch, sees) in BRANCHES.into_iter().zip(sees) {
                    // One each time: it may be gone afterwards.
                    let id = make(&sql, statement, branch).await;
                    walked += 1;
                    if shows(&app, &operation, &token, &id, field).await != sees {
                        wrong.push(format!(
                            "{name}: a thing of {branch:?} to {role} of {branches:?}, expected {sees}"
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(walked >= 24, "{walked}");
    let names: Vec<String> = Operation::all().iter().map(Operation::name).collect();
    for (known, _) in ELSEWHERE {
        assert!(names.iter().any(|name| name == known), "{known} is gone");
    }
    app.stop().await;
}
