//! Inboxes filled and checked by SQL, beside the product.

use std::collections::BTreeMap;
use std::future::Future;

use serde_json::Value;
use tokio_postgres::Client;

use super::app::App;

/// Puts `count` notifications into an inbox in one transaction, as the pipeline would. Their ids, oldest first.
pub async fn fill(sql: &Client, user: &str, count: i32) -> Vec<i64> {
    fill_with(sql, user, count, "").await
}

/// The same, each with this body.
pub async fn fill_with(sql: &Client, user: &str, count: i32, body: &str) -> Vec<i64> {
    sql.execute(
        "insert into neurolink_inboxes (user_id) values ($1) on conflict do nothing",
        &[&user],
    )
    .await
    .unwrap();
    let rows = sql
        .query(
            "with moved as (
                 update neurolink_inboxes
                    set rev = rev + $2::int, unread_count = unread_count + $2::int, unseen_count = unseen_count + $2::int
                  where user_id = $1 returning rev - $2::int as base)
             insert into neurolink_notifications (user_id, rev, title, body)
             select $1, base + n, 'Told ' || n, $3 from moved, generate_series(1, $2::int) n
             returning id",
            &[&user, &count, &body],
        )
        .await
        .unwrap();
    let mut ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    ids.sort_unstable();
    ids
}

/// Marks one read by plain SQL, taking its revision as everybody must. Tells nobody.
pub async fn read_by_sql(sql: &Client, user: &str, id: i64) {
    let changed = sql
        .execute(
            "with moved as (
                 update neurolink_inboxes set rev = rev + 1, unread_count = unread_count - 1, unseen_count = unseen_count - 1
                  where user_id = $1 returning rev)
             update neurolink_notifications n set rev = moved.rev, read_at = now(), seen_at = now()
               from moved where n.user_id = $1 and n.id = $2 and n.read_at is null and n.seen_at is null",
            &[&user, &id],
        )
        .await
        .unwrap();
    assert_eq!(changed, 1);
}

/// The inbox as the table has it: revision by id, and the inbox's own revision.
pub async fn table(sql: &Client, user: &str) -> (BTreeMap<i64, i64>, i64) {
    let rows = sql
        .query(
            "select id, rev from neurolink_notifications where user_id = $1 and in_app and deleted_at is null",
            &[&user],
        )
        .await
        .unwrap();
    let revs = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let rev = sql
        .query_one(
            "select coalesce(max(rev), 0) from neurolink_inboxes where user_id = $1",
            &[&user],
        )
        .await
        .unwrap()
        .get(0);
    (revs, rev)
}

/// What a node says of its listener, streams and hints.
pub async fn facts(app: &App) -> Value {
    app.get("/health", "watcher").await["listener"].clone()
}

/// Resolves when `question` answers true. Fails after half a minute with `what`.
pub async fn eventually<F: Future<Output = bool>>(what: &str, question: impl Fn() -> F) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(10));
    while !question().await {
        assert!(
            tokio::time::Instant::now() < deadline,
            "not within 30 s: {what}"
        );
        tick.tick().await;
    }
}

/// Resolves when a node has so many streams and long polls open.
pub async fn readers(app: &App, count: u64) {
    let what = format!("{count} readers");
    eventually(&what, || async {
        facts(app).await["stream_readers"] == count
    })
    .await;
}
