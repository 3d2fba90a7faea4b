//! Exactly once inside PostgreSQL: two nodes, producers side by side, and rollbacks.

use serde_json::json;

use super::{events, number, outcome, told};
use crate::support::TestDb;
use crate::support::app::{App, drained, people, rule};

/// Producers, and what each commits.
const PRODUCERS: i64 = 8;
const EACH: i64 = 250;

#[tokio::test]
async fn two_nodes_tell_each_recipient_once_of_each_of_two_thousand_events_put_in_side_by_side() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let one = json!({"title": "{{n}}", "recipient_roles": ["accountant"]});
    rule(&sql, "by role", "*", &one).await;
    let two =
        json!({"title": "{{n}}", "recipient_users": ["cfo", "ali"], "channels": ["in_app", "sms"]});
    rule(&sql, "by name", "even.*", &two).await;
    let nodes = [App::start(&db).await, App::start(&db).await];

    let mut producers = Vec::new();
    for producer in 0..PRODUCERS {
        let mut client = db.client().await;
        producers.push(tokio::spawn(async move {
            let mut left = EACH;
            let mut size = 1 + producer % 3;
            while left > 0 {
                let rows = size.min(left);
                let insert = "insert into neurolink_events (source_module, event_type, payload, branch_id)
                     select 'test', case when n % 2 = 0 then 'even.number' else 'odd.number' end, jsonb_build_object('n', n),
                            case when n % 2 = 0 then 'BGD' else 'BSR' end
                       from generate_series($1::bigint, $2::bigint) as n";
                // Every other transaction is tried and rolled back first: nobody may ever see it.
                if left % 2 == 0 {
                    let tried = client.transaction().await.unwrap();
                    tried.execute(insert, &[&1i64, &rows]).await.unwrap();
                    tried.rollback().await.unwrap();
                }
                let first = producer * EACH + (EACH - left) + 1;
                client
                    .execute(insert, &[&first, &(first + rows - 1)])
                    .await
                    .unwrap();
                left -= rows;
                size = size % 40 + 7;
            }
        }));
    }
    for producer in producers {
        producer.await.unwrap();
    }
    drained(&sql).await;

    let count = async |question: &str| number(&sql, question).await;
    let total = PRODUCERS * EACH;
    assert_eq!(count("select count(*) from neurolink_events").await, total);
    assert_eq!(
        count("select count(*) from neurolink_event_outcomes where error is null").await,
        total
    );
    // Even ones: ali and nadia by role, cfo and ali by name. Odd ones: dina.
    assert_eq!(
        count("select count(*) from neurolink_notifications").await,
        total / 2 * 4 + total / 2
    );
    let doubled = "select count(*) from (select from neurolink_notifications group by event_id, rule_id, user_id having count(*) > 1) d";
    assert_eq!(count(doubled).await, 0);
    let wrong = "select count(*) from neurolink_notifications n join neurolink_events e on e.id = n.event_id
                  where n.title <> e.payload->>'n'";
    assert_eq!(count(wrong).await, 0, "each says what its own event says");
    assert_eq!(
        count("select coalesce(sum(notifications), 0)::bigint from neurolink_event_outcomes").await,
        total / 2 * 5
    );
    assert_eq!(
        count("select count(*) from neurolink_delivery_log").await,
        total / 2 * 5 + total / 2 * 2
    );
    let orphans = "select (select count(*) from neurolink_notifications n where not exists (select from neurolink_events e where e.id = n.event_id))
                 + (select count(*) from neurolink_event_outcomes o where not exists (select from neurolink_events e where e.id = o.event_id))
                 + (select count(*) from neurolink_delivery_log d where not exists (select from neurolink_notifications n where n.user_id = d.user_id and n.id = d.notification_id))
                 + (select count(*) from neurolink_jobs) + (select count(*) from neurolink_dead_jobs)";
    assert_eq!(count(orphans).await, 0);
    assert_eq!(count("select count(*) from neurolink_inbox_drift").await, 0);
    let gaps = "select count(*) from neurolink_inboxes i
                  join (select user_id, count(*) as n, min(rev) as first, max(rev) as last from neurolink_notifications group by user_id) r
                 using (user_id) where r.first <> 1 or r.last <> i.rev or r.n <> i.rev";
    assert_eq!(count(gaps).await, 0, "revisions are gapless");
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test]
async fn what_is_rolled_back_was_never_seen_and_what_commits_later_is() {
    let db = TestDb::new().await;
    let mut sql = db.client().await;
    people(&sql).await;
    rule(
        &sql,
        "all",
        "*",
        &json!({"title": "t", "recipient_users": ["cfo"]}),
    )
    .await;
    let app = App::start(&db).await;
    let looking = db.client().await;
    let emit = "select neurolink_emit('test', 'made.by_emit', '{}', idempotency_key => 'k')";

    let tx = sql.transaction().await.unwrap();
    let lost: i64 = tx.query_one(emit, &[]).await.unwrap().get(0);
    // Another event goes through while the transaction is open, so the nodes have looked.
    let other = events(&looking, &json!([{}])).await;
    drained(&looking).await;
    assert_eq!(told(&looking, other[0]).await, ["cfo"]);
    tx.rollback().await.unwrap();

    let mut tx = sql.transaction().await.unwrap();
    let inner = tx.savepoint("part").await.unwrap();
    inner.query_one(emit, &[]).await.unwrap();
    inner.rollback().await.unwrap();
    let kept: i64 = tx.query_one(emit, &[]).await.unwrap().get(0);
    tx.commit().await.unwrap();
    drained(&looking).await;

    assert_eq!(told(&looking, kept).await, ["cfo"]);
    assert_eq!(outcome(&looking, kept).await["notifications"], 1);
    let of_lost = format!("select count(*) from neurolink_event_outcomes where event_id = {lost}");
    assert_eq!(number(&looking, &of_lost).await, 0);
    assert_eq!(
        number(&looking, "select count(*) from neurolink_notifications").await,
        2
    );
    app.stop().await;
}

#[tokio::test]
async fn every_evaluated_event_has_an_outcome_also_one_that_no_rule_wants() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start(&db).await;
    let ids = events(&sql, &json!([{}, {"severity": "critical"}])).await;
    drained(&sql).await;
    for id in ids {
        let outcome = outcome(&sql, id).await;
        assert_eq!(
            (&outcome["rules_matched"], &outcome["notifications"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(outcome["suppressed"], json!(null));
    }
    app.stop().await;
}
