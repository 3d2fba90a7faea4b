//! `/v1/queue`: what waits, who works, what is dead and paused; and the hand on it.

use neurolink::app::Parts;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, WHOLE, until};
use crate::support::http::SECRET;

const API: Parts = Parts {
    api: true,
    worker: false,
};

async fn admin(app: &App, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    app.call(method, path, "chief", &["admin"], body).await
}

async fn text(sql: &Client, question: &str) -> String {
    sql.query_one(question, &[]).await.unwrap().get(0)
}

/// Events that were given up, of these branches, with their outcomes.
async fn dead_events(sql: &Client, branches: &[Option<&str>]) {
    for branch in branches {
        sql.execute(
            "with e as (insert into neurolink_events (source_module, event_type, branch_id) values ('test', 'a.b', $1) returning id)
             insert into neurolink_dead_jobs (id, kind, ref_id, lane, attempt, max_attempts, last_error, created_at)
             select id + 1000, 'event', id, 1, 5, 5, 'poison', now() from e",
            &[branch],
        )
        .await
        .unwrap();
    }
    sql.batch_execute(
        "delete from neurolink_jobs;
         insert into neurolink_event_outcomes (event_id, error)
         select ref_id, 'poison' from neurolink_dead_jobs on conflict do nothing",
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn the_queue_shows_depth_age_lanes_workers_dead_and_pauses() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_workers (incarnation, host, pid, version, works, channels)
         values ('00000000-0000-0000-0000-000000000007', 'erp-1', 7, '0.1.0', true, '{email}');
         select neurolink_pause('delivery', 'email', 'the server moves')",
    )
    .await
    .unwrap();
    sql.batch_execute(
        "insert into neurolink_jobs (kind, channel, ref_id, lane, run_at, claimed_by) values
           ('event', '', 1, 0, now() - interval '90 seconds', null), ('event', '', 2, 0, now(), null),
           ('event', 'single', 3, 1, now() + interval '1 hour', null),
           ('delivery', 'email', 65, 1, now() + interval '1 minute', gen_random_uuid()),
           ('delivery', 'email', 97, 1, now() - interval '1 second', gen_random_uuid()),
           ('delivery', 'sms', 98, 2, now() - interval '5 seconds', null);
         insert into neurolink_delivery_log (id, notification_id, user_id, channel, status) values (33, 1, 'u', 'email', 'dead')",
    )
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    let (status, queue) = admin(&app, "GET", "/v1/queue", None).await;
    assert_eq!(status, 200, "{queue}");
    assert_eq!(
        (&queue["depth"], &queue["at_least"], &queue["dead"]),
        (
            &json!(6),
            &json!(false),
            &json!({"jobs": 0, "deliveries": 1})
        )
    );
    let age = queue["oldest_waiting_seconds"].as_f64().unwrap();
    assert!((90.0..120.0).contains(&age), "{age}");
    let lanes: Vec<String> = queue["lanes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| {
            let word = |name: &str| l[name].as_str().unwrap_or("-").to_owned();
            let count = |name: &str| l[name].as_i64().unwrap();
            format!(
                "{} {} {}: {} {} {} {}",
                word("kind"),
                word("channel"),
                word("lane"),
                count("waiting"),
                count("scheduled"),
                count("running"),
                l["paused"]
            )
        })
        .collect();
    assert_eq!(
        lanes,
        [
            "event - critical: 2 0 0 false",
            "event single normal: 0 1 0 false",
            "delivery email normal: 1 0 1 true",
            "delivery sms bulk: 1 0 0 false",
        ]
    );
    let workers = queue["workers"].as_array().unwrap();
    let worker = workers.iter().find(|w| w["host"] == "erp-1").unwrap();
    assert_eq!(worker["channels"], json!(["email"]));
    let api = workers.iter().find(|w| w["works"] == false).unwrap();
    assert_eq!(api["channels"], Value::Null);
    assert_eq!(queue["pauses"][0]["reason"], "the server moves");
    let (status, _) = app.call("GET", "/v1/queue", "u", &[], None).await;
    assert_eq!(status, 403);
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
    app.stop().await;
}

#[tokio::test]
async fn a_place_of_many_jobs_is_counted_up_to_a_bound() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(
        "insert into neurolink_jobs (kind, ref_id) select 'event', n from generate_series(1, 5050) n",
    )
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    let (_, queue) = admin(&app, "GET", "/v1/queue", None).await;
    assert_eq!(
        (&queue["depth"], &queue["at_least"]),
        (&json!(5_000), &json!(true))
    );
    assert_eq!(queue["lanes"][0]["waiting"], 5_000);
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
    app.stop().await;
}

#[tokio::test]
async fn pauses_and_resumes_are_the_callers_and_stand_in_the_audit_log() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start_with(&db, API, &[]).await;
    let email = json!({"kind": "delivery", "channel": "email", "reason": "it moves"});
    let (status, told) = admin(&app, "POST", "/v1/queue/pause", Some(&email)).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(told["pauses"][0]["paused_by"], "chief");
    let (_, told) = admin(
        &app,
        "POST",
        "/v1/queue/pause",
        Some(&json!({"kind": "event"})),
    )
    .await;
    assert_eq!(told["pauses"].as_array().unwrap().len(), 2);
    assert_eq!(told["pauses"][0]["channel"], Value::Null);
    let one = json!({"kind": "delivery", "channel": "email"});
    for resumed in [true, false] {
        let (status, told) = admin(&app, "POST", "/v1/queue/resume", Some(&one)).await;
        assert_eq!((status, &told["resumed"]), (200, &json!(resumed)));
        assert_eq!(told["pauses"].as_array().unwrap().len(), 1);
    }
    for (path, bad) in [
        ("pause", json!({"kind": "digest"})),
        ("pause", json!({"kind": "event", "channel": "email"})),
        ("pause", json!({"kind": "delivery", "channel": "in_app"})),
        ("pause", json!({"kind": "delivery", "channel": "pigeon"})),
        ("pause", json!({"kind": "event", "reason": "x".repeat(501)})),
        ("pause", json!({})),
        ("resume", json!({"kind": "event", "reason": "x"})),
    ] {
        let path = format!("/v1/queue/{path}");
        let (status, problem) = admin(&app, "POST", &path, Some(&bad)).await;
        assert_eq!(status, 400, "{bad}: {problem}");
    }
    let log = "select string_agg(actor || ' ' || action || ' ' || subject_id, ', ' order by id) from neurolink_audit_log";
    assert_eq!(
        text(&sql, log).await,
        "chief queue.paused delivery/email, chief queue.paused event, chief queue.resumed delivery/email"
    );
    let (status, _) = app
        .call("POST", "/v1/queue/pause", "eye", &["auditor"], Some(&one))
        .await;
    assert_eq!(status, 403);
    app.stop().await;
}

#[tokio::test]
async fn dead_events_are_listed_retried_and_discarded_by_those_of_their_branch() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    dead_events(&sql, &[Some("BGD"), Some("BSR"), None, Some("BGD")]).await;
    let app = App::start_with(&db, API, &[]).await;
    let exp = jiff::Timestamp::now().as_second() + 3600;
    let claims = json!({"sub": "head", "roles": ["admin"], "branch_ids": ["BGD"], "exp": exp});
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    let head = async |method: &str, path: &str, body: Option<&Value>| {
        let mut request = app
            .client
            .request(method.parse().unwrap(), format!("{}{path}", app.base))
            .bearer_auth(&token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.unwrap())
    };
    let refs = |page: &Value| -> Vec<i64> {
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|j| j["ref_id"].as_i64().unwrap())
            .collect()
    };
    let (_, page) = head("GET", "/v1/queue/dead", None).await;
    assert_eq!(refs(&page), [4, 3, 1]);
    assert_eq!(page["items"][0]["event_type"], "a.b");
    let (_, page) = admin(&app, "GET", "/v1/queue/dead?limit=3&kind=event", None).await;
    assert_eq!(refs(&page), [4, 3, 2]);
    let next = page["next_cursor"].as_str().unwrap();
    let (_, page) = admin(&app, "GET", &format!("/v1/queue/dead?cursor={next}"), None).await;
    assert_eq!(refs(&page), [1]);

    let id = |id: i64| json!({"id": id});
    assert_eq!(
        head("POST", "/v1/queue/retry", Some(&id(1002))).await.0,
        404
    );
    assert_eq!(
        head("POST", "/v1/queue/discard", Some(&id(1002))).await.0,
        404
    );
    let (status, told) = head("POST", "/v1/queue/retry", Some(&id(1001))).await;
    assert_eq!((status, told), (200, json!({"matched": 1, "done": 1})));
    let job = "select kind || ' ' || channel || ' ' || ref_id from neurolink_jobs";
    assert_eq!(text(&sql, job).await, "event single 1");
    let outcomes =
        "select string_agg(event_id::text, ' ' order by event_id) from neurolink_event_outcomes";
    assert_eq!(
        text(&sql, outcomes).await,
        "2 3 4",
        "the retried one's went"
    );

    let two = json!({"kind": "event", "expected_count": 3});
    let (status, problem) = head("POST", "/v1/queue/discard", Some(&two)).await;
    assert_eq!((status, &problem["code"]), (409, &json!("count_differs")));
    let two = json!({"kind": "event", "expected_count": 2});
    let (status, told) = head("POST", "/v1/queue/discard", Some(&two)).await;
    assert_eq!((status, &told["done"]), (200, &json!(2)), "{told}");
    let left = "select string_agg(ref_id::text, ' ') from neurolink_dead_jobs";
    assert_eq!(text(&sql, left).await, "2");
    assert_eq!(
        text(&sql, outcomes).await,
        "2 3 4",
        "what is discarded goes on saying why"
    );
    let log = "select string_agg(actor || ' ' || action || ' ' || subject_id || ' ' || coalesce(before ->> 'branch_id', '-'), ', ' order by action, subject_id) from neurolink_audit_log";
    assert_eq!(
        text(&sql, log).await,
        "head event.discarded 3 -, head event.discarded 4 BGD, head event.retried 1 BGD"
    );
    for bad in [
        json!({}),
        json!({"id": 1, "expected_count": 1}),
        json!({"id": 1, "kind": "event"}),
        json!({"expected_count": 1, "channel": "email"}),
    ] {
        let (status, problem) = admin(&app, "POST", "/v1/queue/retry", Some(&bad)).await;
        assert_eq!(status, 400, "{bad}: {problem}");
    }
    sql.batch_execute("delete from neurolink_jobs")
        .await
        .unwrap();
    app.stop().await;
}

#[tokio::test]
async fn a_dead_event_that_is_retried_is_evaluated_once_its_cause_is_mended() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    dead_events(&sql, &[Some("BGD")]).await;
    let app = App::start_with(&db, WHOLE, &[]).await;
    let all = json!({"expected_count": 1});
    let (status, told) = admin(&app, "POST", "/v1/queue/retry", Some(&all)).await;
    assert_eq!(status, 200, "{told}");
    until(
        &sql,
        "select exists (select from neurolink_event_outcomes where error is null)",
    )
    .await;
    crate::support::app::drained(&sql).await;
    app.stop().await;
}
