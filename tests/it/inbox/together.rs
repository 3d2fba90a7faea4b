//! Many hands in few inboxes while the pipeline writes: no deadlock, no lost count, no revision twice or left out.

use std::sync::Arc;

use serde_json::json;

use crate::support::TestDb;
use crate::support::app::{App, drained, event, rule};
use crate::support::inbox::{fill, table};
use crate::support::sse::{Mirror, Tab};

const PEOPLE: [&str; 3] = ["ali", "dina", "nadia"];
const VERBS: [&str; 6] = ["read", "unread", "seen", "archive", "unarchive", "read"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_hands_and_the_pipeline_leave_counts_and_revisions_in_order() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    // Every revision that is ever given out, as its transaction saw it.
    sql.batch_execute(
        "insert into neurolink_users (id) values ('ali'), ('dina'), ('nadia');
         create table given (user_id text, rev bigint);
         create function given() returns trigger language plpgsql as $$
           begin insert into given values (new.user_id, new.rev); return null; end $$;
         create trigger given after insert or update of rev on neurolink_notifications for each row execute function given();",
    )
    .await
    .unwrap();
    rule(
        &sql,
        "all",
        "a.b",
        &json!({"title": "T", "recipient_users": PEOPLE}),
    )
    .await;
    let mut ids = Vec::new();
    for who in PEOPLE {
        ids.push(fill(&sql, who, 20).await);
    }
    let ids = Arc::new(ids);
    let app = Arc::new(App::start(&db).await);
    let mut tab = Tab::resume(&app, "ali", "0").await;

    let mut hands = tokio::task::JoinSet::new();
    for hand in 0..20usize {
        let (app, ids) = (app.clone(), ids.clone());
        hands.spawn(async move {
            for step in 0..15usize {
                let person = (hand + step) % PEOPLE.len();
                let id = ids[person][(hand * 7 + step * 3) % 20];
                let verb = VERBS[(hand + step) % VERBS.len()];
                let (method, path) = match step {
                    7 => ("POST", "mark-all-read".to_owned()),
                    14 if hand % 5 == 0 => ("DELETE", id.to_string()),
                    _ => ("PATCH", format!("{id}/{verb}")),
                };
                let path = format!("/v1/notifications/{path}");
                let (status, body) = app.call(method, &path, PEOPLE[person], &[], None).await;
                // Somebody else may have deleted it.
                assert!(
                    matches!(status, 200 | 204 | 404),
                    "{method} {path}: {status} {body}"
                );
            }
        });
    }
    for _ in 0..60 {
        event(&sql, "a.b", &json!({})).await;
    }
    while let Some(done) = hands.join_next().await {
        done.unwrap();
    }
    drained(&sql).await;

    let wrong = sql
        .query("select user_id from neurolink_inbox_drift", &[])
        .await
        .unwrap();
    assert!(wrong.is_empty(), "counts differ from rows");
    let gaps = sql
        .query(
            "select i.user_id, i.rev, count(g.rev), count(distinct g.rev), max(g.rev)
               from neurolink_inboxes i left join given g on g.user_id = i.user_id and g.rev > 20
              group by i.user_id, i.rev
             having (i.rev - 20, i.rev - 20, i.rev) is distinct from (count(g.rev), count(distinct g.rev), max(g.rev))",
            &[],
        )
        .await
        .unwrap();
    assert!(gaps.is_empty(), "revisions are left out or given twice");
    // Revisions become visible in their order: who only ever asked for later ones has them all.
    let (revs, rev) = table(&sql, "ali").await;
    let mut mirror = Mirror::default();
    mirror.follow(&mut tab, rev).await;
    assert_eq!((mirror.revs, mirror.resets), (revs, 0));
    drop(tab);
    Arc::into_inner(app).unwrap().stop().await;
}
