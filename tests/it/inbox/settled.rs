//! What is settled or past needs nobody any more: it counts no more, leaves the inbox or stays with its mark, and what of it waits to
//! be sent is withdrawn, once, whoever else is at it.

use std::sync::Arc;

use neurolink::notifications::Inboxes;
use neurolink::notifications::resolve::{Told, store};
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::{change, count, ids};
use crate::support::TestDb;
use crate::support::app::{App, drained, number};
use crate::support::inbox::fill;
use crate::support::sse::Tab;

/// Notifications of event 7 by rule 3, each with a mail that waits an hour.
async fn told(sql: &Client, user: &str, count: i32) -> Vec<i64> {
    let ids = fill(sql, user, count).await;
    sql.execute(
        "with one as (
             update neurolink_notifications set event_id = 7, rule_id = 3, rule_version = 1, step = (id - $2)::smallint
              where id = any ($1) returning id, user_id
         ), logged as (
             insert into neurolink_delivery_log (id, notification_id, user_id, channel, address)
             select id * 32 + 1, id, user_id, 'email', 'x@tsh.example' from one
         )
         insert into neurolink_jobs (kind, channel, ref_id, run_at)
         select 'delivery', 'email', id * 32 + 1, now() + interval '1 hour' from one",
        &[&ids, &ids[0]],
    )
    .await
    .unwrap();
    ids
}

/// `status(error)` and how many, of all deliveries, and how many jobs are left.
async fn deliveries(sql: &Client) -> String {
    sql.query_one(
        "select coalesce(string_agg(what || ' ' || many, ', ' order by what), '') || '; jobs ' || (select count(*) from neurolink_jobs)
           from (select status || coalesce('(' || last_error || ')', '') as what, count(*) as many
                   from neurolink_delivery_log group by 1) d",
        &[],
    )
    .await
    .unwrap()
    .get(0)
}

async fn no_drift(sql: &Client) {
    let drift = "select count(*) from neurolink_inbox_drift";
    assert_eq!(number(sql, drift).await, 0, "counts differ from rows");
}

fn inboxes(db: &TestDb) -> Inboxes {
    Inboxes::new(db.db(), Arc::new(|_: Vec<String>| {}))
}

#[tokio::test]
async fn what_is_resolved_counts_no_more_and_stays_with_its_mark() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let all = told(&sql, "ali", 3).await;
    told(&sql, "dina", 1).await;
    let app = App::start(&db).await;
    let (_, read) = change(&app, "PATCH", &format!("{}/read", all[0]), "ali").await;
    change(&app, "DELETE", &all[2].to_string(), "ali").await;
    let mut tab = Tab::open(&app, "ali").await;
    tab.next("hello").await;

    let hints = std::sync::Mutex::new(Vec::new());
    let changed = |users: Vec<String>| hints.lock().unwrap().extend(users);
    let node = db.db();
    let count_of = store::resolve_all(&node, &[(7, 3), (7, 3), (8, 3)], &changed);
    assert_eq!(count_of.await.unwrap(), 3, "not the deleted one");
    assert_eq!(*hints.lock().unwrap(), ["ali", "dina"]);

    // Nobody told this node; its sweep finds out.
    let first = tab.next("notification").await;
    let second = tab.next("notification").await;
    assert_eq!(
        (&first["id"], &second["id"]),
        (&json!(all[0]), &json!(all[1]))
    );
    assert_eq!(first["read_at"], read["read_at"], "read before, read then");
    assert_eq!(second["read_at"], second["resolved_at"]);
    assert_ne!(second["resolved_at"], Value::Null);
    let counts = json!({"unread": 0, "unseen": 0, "rev": 7});
    assert_eq!(tab.next("counts").await, counts);
    assert_eq!(count(&app, "ali").await, counts);
    for (query, found) in [
        ("", vec![all[1], all[0]]),
        ("?resolved=true", vec![all[1], all[0]]),
        ("?resolved=false", vec![]),
        ("?status=unread", vec![]),
    ] {
        let list = app.get(&format!("/v1/notifications{query}"), "ali").await;
        assert_eq!(ids(&list), found, "{query}");
    }
    // The deleted one's mail is its claim's to cancel.
    assert_eq!(
        deliveries(&sql).await,
        "cancelled(resolved) 3, pending 1; jobs 1"
    );
    let again = store::resolve_all(&node, &[(7, 3)], &changed);
    assert_eq!(again.await.unwrap(), 0);
    no_drift(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn a_batch_resolves_within_its_own_transaction_or_not_at_all() {
    let db = TestDb::new().await;
    let (sql, batch) = (db.client().await, db.db().client().await.unwrap());
    let all = told(&sql, "ali", 2).await;
    let found = store::find(&batch, &[(7, 3)], 10).await.unwrap();
    let expected: Vec<Told> = all
        .iter()
        .map(|&id| Told {
            user_id: "ali".to_owned(),
            id,
            in_app: true,
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!(store::find(&batch, &[(7, 3)], 1).await.unwrap().len(), 1);
    for end in ["rollback", "commit"] {
        batch.batch_execute("begin").await.unwrap();
        store::lock(&batch, &["ali"]).await.unwrap();
        let resolved = store::resolve(&batch, &found).await.unwrap();
        assert_eq!((resolved.notifications, resolved.deliveries), (2, 2));
        assert_eq!(resolved.users, ["ali"]);
        batch.batch_execute(end).await.unwrap();
        let expected = match end {
            "rollback" => "pending 2; jobs 2",
            _ => "cancelled(resolved) 2; jobs 0",
        };
        assert_eq!(deliveries(&sql).await, expected);
        no_drift(&sql).await;
    }
}

#[tokio::test]
async fn what_is_being_sent_is_left_to_its_sender_and_never_waited_for() {
    let db = TestDb::new().await;
    let (sql, claim) = (db.client().await, db.client().await);
    let all = told(&sql, "ali", 3).await;
    // One is claimed, and one is being claimed at this moment.
    sql.execute(
        "update neurolink_jobs set claimed_by = gen_random_uuid(), attempt = 1 where ref_id = $1",
        &[&(all[0] * 32 + 1)],
    )
    .await
    .unwrap();
    claim.batch_execute("begin").await.unwrap();
    claim
        .execute(
            "select from neurolink_jobs where ref_id = $1 for update",
            &[&(all[1] * 32 + 1)],
        )
        .await
        .unwrap();
    let node = db.db();
    let done = store::resolve_all(&node, &[(7, 3)], &|_| {}).await.unwrap();
    assert_eq!(done, 3, "all three are resolved");
    assert_eq!(
        deliveries(&sql).await,
        "cancelled(resolved) 1, pending 2; jobs 2"
    );
    claim.batch_execute("rollback").await.unwrap();

    // Whoever claims them next finds out.
    sql.batch_execute("update neurolink_jobs set run_at = now(), claimed_by = null")
        .await
        .unwrap();
    let mails = tempfile::tempdir().unwrap();
    let app = with_mails(&db, &mails).await;
    drained(&sql).await;
    assert_eq!(deliveries(&sql).await, "cancelled(resolved) 3; jobs 0");
    assert_eq!(std::fs::read_dir(mails.path()).unwrap().count(), 0);
    app.stop().await;
}

async fn with_mails(db: &TestDb, mails: &tempfile::TempDir) -> App {
    let settings = [
        ("NEUROLINK_EMAIL_FROM", "TSH ERP <erp@tsh.example>"),
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
    ];
    App::start_with(db, crate::support::app::WHOLE, &settings).await
}

#[tokio::test]
async fn what_has_expired_goes_into_the_archive_by_itself_in_every_open_tab() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let all = told(&sql, "ali", 3).await;
    let app = App::start(&db).await;
    let mut tab = Tab::open(&app, "ali").await;
    tab.next("hello").await;
    sql.execute(
        "update neurolink_notifications set expires_at = now() - interval '1 second' where id = $1",
        &[&all[1]],
    )
    .await
    .unwrap();
    sql.execute(
        "update neurolink_notifications set expires_at = now() + interval '1 hour' where id = $1",
        &[&all[2]],
    )
    .await
    .unwrap();
    let gone = tab.next("notification").await;
    assert_eq!((&gone["id"], &gone["rev"]), (&json!(all[1]), &json!(4)));
    assert_ne!(gone["archived_at"], Value::Null);
    assert_eq!(gone["read_at"], Value::Null, "nobody has read it");
    let counts = json!({"unread": 2, "unseen": 2, "rev": 4});
    assert_eq!(tab.next("counts").await, counts);
    let list = app.get("/v1/notifications", "ali").await;
    assert_eq!(ids(&list), [all[2], all[0]]);
    assert_eq!(
        deliveries(&sql).await,
        "cancelled(expired) 1, pending 2; jobs 2"
    );

    let (_, back) = change(&app, "PATCH", &format!("{}/unarchive", all[1]), "ali").await;
    assert_eq!(
        (&back["archived_at"], &back["expires_at"]),
        (&Value::Null, &Value::Null),
        "who takes it back keeps it"
    );
    assert_eq!(inboxes(&db).expire_due().await.unwrap(), 0);
    assert_eq!(count(&app, "ali").await["unread"], 3);
    no_drift(&sql).await;
    app.stop().await;
}

#[tokio::test]
async fn two_nodes_put_each_of_many_away_once_and_what_no_inbox_shows_too() {
    let db = TestDb::new().await;
    let (sql, holder) = (db.client().await, db.client().await);
    told(&sql, "ali", 600).await;
    told(&sql, "dina", 2).await;
    sql.batch_execute(
        "update neurolink_notifications set expires_at = now() - interval '1 second';
         update neurolink_notifications set in_app = false, rev = null where user_id = 'dina';
         update neurolink_inboxes set unread_count = 0, unseen_count = 0 where user_id = 'dina';
         update neurolink_notifications set read_at = now() where user_id = 'ali' and rev <= 10;
         update neurolink_inboxes set unread_count = 590 where user_id = 'ali'",
    )
    .await
    .unwrap();
    let (one, other) = (inboxes(&db), inboxes(&db));
    holder
        .batch_execute(
            "begin; select from neurolink_inboxes where user_id in ('ali', 'dina') for update",
        )
        .await
        .unwrap();
    let first = one.expire_due().await.unwrap();
    assert!(first <= 2, "who holds an inbox isn't waited for");
    holder.batch_execute("rollback").await.unwrap();
    let (second, third) = tokio::join!(one.expire_due(), other.expire_due());
    let rest = one.expire_due().await.unwrap();
    assert_eq!(first + second.unwrap() + third.unwrap() + rest, 602);
    let revs = "select count(distinct rev) from neurolink_notifications where user_id = 'ali' and rev > 600";
    assert_eq!(number(&sql, revs).await, 600);
    let counted =
        "select (unread_count + unseen_count)::bigint from neurolink_inboxes where user_id = 'ali'";
    assert_eq!(number(&sql, counted).await, 0);
    assert_eq!(deliveries(&sql).await, "cancelled(expired) 602; jobs 0");
    no_drift(&sql).await;
}

#[tokio::test]
async fn nothing_is_sent_of_what_has_expired_and_a_retry_says_so() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let id = told(&sql, "ali", 1).await[0];
    // Put away by hand, so that the sweep has nothing to do with it.
    sql.batch_execute(
        "update neurolink_notifications set expires_at = now() - interval '1 second', archived_at = now();
         update neurolink_inboxes set unread_count = 0, unseen_count = 0;
         update neurolink_jobs set run_at = now()",
    )
    .await
    .unwrap();
    let mails = tempfile::tempdir().unwrap();
    let app = with_mails(&db, &mails).await;
    drained(&sql).await;
    assert_eq!(deliveries(&sql).await, "cancelled(expired) 1; jobs 0");
    assert_eq!(std::fs::read_dir(mails.path()).unwrap().count(), 0);
    let path = format!("/v1/deliveries/{}/retry", id * 32 + 1);
    let (status, problem) = app.call("POST", &path, "chief", &["admin"], None).await;
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("nothing_to_send")),
        "{problem}"
    );
    app.stop().await;
}
