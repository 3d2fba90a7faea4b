//! `neurolink_find_deliveries`: whatever the filter and however small the stretch, its pages together are what a plain query gives.

use serde_json::json;

use crate::support::TestDb;

#[tokio::test]
async fn pages_of_any_filter_and_size_are_together_what_a_plain_query_gives() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_notifications (user_id, in_app, event_id, rule_id, step, branch_id, title)
         select 'u' || n % 7, false, nullif(n / 9, 0), 1, n % 9, (array['BGD', 'BSR', null])[n % 3 + 1], 'T' from generate_series(1, 200) n;
         insert into neurolink_delivery_log (id, notification_id, user_id, channel, status, created_at)
         select n.id * 32 + k, n.id, n.user_id, (array['in_app', 'email', 'sms'])[k + 1],
                (array['sent', 'sent', 'dead', 'suppressed', 'pending'])[(n.id + k) % 5 + 1],
                now() - (200 - n.id + (n.id % 4)) * interval '1 minute'
           from neurolink_notifications n, generate_series(0, 2) k where n.id % 11 > k;
         insert into neurolink_jobs (kind, channel, ref_id)
         select 'delivery', channel, id from neurolink_delivery_log where status = 'pending'",
    )
    .await
    .unwrap();
    let moment = async |minutes: i32| -> String {
        let ago = "select to_json(now() - $1::int * interval '1 minute') #>> '{}'";
        sql.query_one(ago, &[&minutes]).await.unwrap().get(0)
    };
    let (early, late) = (moment(166).await, moment(61).await);
    let filters = [
        json!({}),
        json!({"status": "dead"}),
        json!({"status": "pending"}),
        json!({"status": "suppressed", "channel": "sms"}),
        json!({"user_id": "u3"}),
        json!({"user_id": "u3", "status": "dead", "channel": "email"}),
        json!({"event_id": 5}),
        json!({"event_id": 5, "user_id": "u1"}),
        json!({"from": early, "to": late}),
        json!({"from": early, "status": "dead"}),
        json!({"to": early, "status": "pending"}),
        json!({"user_id": "u2", "from": late}),
        json!({"user_id": "nobody"}),
    ];
    let plain = "select coalesce(array_agg(d.id order by d.id desc), '{}') from neurolink_delivery_log d
                   join neurolink_notifications n on n.user_id = d.user_id and n.id = d.notification_id,
                        (select $1::text::jsonb as f) f
                  where coalesce(d.status = f ->> 'status', true) and coalesce(d.channel = f ->> 'channel', true)
                    and coalesce(d.user_id = f ->> 'user_id', true) and (f ->> 'event_id' is null or n.event_id = (f ->> 'event_id')::bigint)
                    and coalesce(d.created_at >= (f ->> 'from')::timestamptz, true)
                    and coalesce(d.created_at < (f ->> 'to')::timestamptz, true)
                    and ($2::text[] is null or n.branch_id is null or n.branch_id = any ($2))";
    let page =
        "select ids, reached from neurolink_find_deliveries($1::text::jsonb, $2, $3, $4, $5)";
    for filter in &filters {
        let filter = filter.to_string();
        for branches in [None, Some(vec!["BGD".to_owned()])] {
            let expected: Vec<i64> = sql
                .query_one(plain, &[&filter, &branches])
                .await
                .unwrap()
                .get(0);
            for (most, look) in [(3, 7), (50, 20), (2000, 20_000), (5, 500)] {
                let (mut all, mut below, mut pages) = (Vec::new(), None::<i64>, 0);
                loop {
                    let row = sql
                        .query_one(page, &[&filter, &below, &branches, &most, &look])
                        .await
                        .unwrap();
                    let ids: Vec<i64> = row.get(0);
                    assert!(ids.len() <= usize::try_from(most).unwrap());
                    all.extend(ids);
                    let reached: Option<i64> = row.get(1);
                    assert!(
                        reached.is_none() || reached < below || below.is_none(),
                        "it goes on"
                    );
                    below = reached;
                    pages += 1;
                    assert!(pages < 5000);
                    if below.is_none() {
                        break;
                    }
                }
                assert_eq!(all, expected, "{filter} {branches:?} {most} {look}");
            }
        }
    }
}

#[tokio::test]
async fn a_misspelt_key_of_a_filter_is_refused_instead_of_widening_it() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    for filter in [r#"{"state": "dead"}"#, "[]", r#"{"event_id": "x"}"#] {
        let find = format!("select neurolink_find_deliveries('{filter}', null, null, 1, 1)");
        let error = sql.batch_execute(&find).await.unwrap_err();
        let code = error.as_db_error().unwrap().code().code().to_owned();
        assert!(code.starts_with("22"), "{filter}: {code}");
    }
    sql.batch_execute("select neurolink_find_deliveries('{}', null, null, 1, 1)")
        .await
        .unwrap();
}
