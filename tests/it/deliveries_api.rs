//! `/v1/deliveries`: the log read by filter and branch, and deliveries retried and cancelled, by API and by SQL alike.

mod bulk;
mod cancel;
mod finding;
mod races;
mod retry;

use neurolink::app::Parts;
use neurolink::kernel::ChannelKind;
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::App;
use crate::support::http::SECRET;

const API: Parts = Parts {
    api: true,
    worker: false,
};

/// A delivery as if the pipeline had planned it some time ago. Its id.
async fn delivery(
    sql: &Client,
    user: &str,
    branch: Option<&str>,
    channel: ChannelKind,
    status: &str,
) -> i64 {
    let notification: i64 = sql
        .query_one(
            "insert into neurolink_notifications (user_id, in_app, branch_id, title) values ($1, false, $2, 'T') returning id",
            &[&user, &branch],
        )
        .await
        .unwrap()
        .get(0);
    let id = channel.delivery_id(notification);
    let ended = status != "pending";
    sql.execute(
        "insert into neurolink_delivery_log (id, notification_id, user_id, channel, status, address, ended_at)
         values ($1, $2, $3, $4, $5, $6, case when $7 then now() end)",
        &[&id, &notification, &user, &channel.as_str(), &status, &format!("{user}@old.example"), &ended],
    )
    .await
    .unwrap();
    if status == "pending" {
        sql.execute(
            "insert into neurolink_jobs (kind, channel, ref_id, run_at) values ('delivery', $1, $2, now() + interval '1 hour')",
            &[&channel.as_str(), &id],
        )
        .await
        .unwrap();
    }
    id
}

/// A request by somebody of these branches; status and JSON body.
async fn call(
    app: &App,
    method: &str,
    path: &str,
    (role, branches): (&str, &[&str]),
    body: Option<&Value>,
) -> (u16, Value) {
    let exp = jiff::Timestamp::now().as_second() + 3600;
    let claims = json!({"sub": "chief", "roles": [role], "branch_ids": branches, "exp": exp});
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    let mut request = app
        .client
        .request(method.parse().unwrap(), format!("{}{path}", app.base))
        .bearer_auth(token);
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (
        status,
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null),
    )
}

async fn admin(app: &App, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    call(app, method, path, ("admin", &["*"]), body).await
}

fn ids(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap_or_else(|| panic!("{page}"));
    items.iter().map(|d| d["id"].as_i64().unwrap()).collect()
}

async fn text(sql: &Client, question: &str) -> String {
    sql.query_one(question, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn deliveries_are_listed_newest_first_by_filter_and_page() {
    use ChannelKind::{Email, Sms};
    let db = TestDb::new().await;
    let sql = db.client().await;
    let a = delivery(&sql, "ali", Some("BGD"), Email, "sent").await;
    let b = delivery(&sql, "nadia", Some("BGD"), Sms, "dead").await;
    let c = delivery(&sql, "ali", Some("BSR"), Email, "dead").await;
    let d = delivery(&sql, "nadia", None, Email, "pending").await;
    sql.batch_execute(&format!(
        "update neurolink_notifications set event_id = 41 where id = {};
         update neurolink_delivery_log set created_at = now() - interval '1 day' where id = {a}",
        c / 32
    ))
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    let since = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1)).to_string();
    for (query, expected) in [
        (String::new(), vec![d, c, b, a]),
        ("?status=dead".to_owned(), vec![c, b]),
        ("?status=pending".to_owned(), vec![d]),
        ("?status=sent&channel=email".to_owned(), vec![a]),
        ("?channel=email".to_owned(), vec![d, c, a]),
        ("?user_id=ali".to_owned(), vec![c, a]),
        ("?user_id=ali&status=dead".to_owned(), vec![c]),
        ("?event_id=41".to_owned(), vec![c]),
        ("?event_id=42".to_owned(), vec![]),
        (format!("?from={since}"), vec![d, c, b]),
        (format!("?to={since}"), vec![a]),
    ] {
        let (status, page) = admin(&app, "GET", &format!("/v1/deliveries{query}"), None).await;
        assert_eq!(status, 200, "{query}: {page}");
        assert_eq!(ids(&page), expected, "{query}");
        assert_eq!(page["next_cursor"], Value::Null, "{query}");
    }
    let (mut seen, mut query) = (Vec::new(), "?limit=1".to_owned());
    loop {
        let (_, page) = admin(&app, "GET", &format!("/v1/deliveries{query}"), None).await;
        seen.extend(ids(&page));
        match page["next_cursor"].as_str() {
            Some(next) => query = format!("?limit=1&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, [d, c, b, a]);

    for bad in [
        "?status=lost",
        "?channel=pigeon",
        "?event_id=x",
        "?event_id=0",
        "?from=yesterday",
        "?who=ali",
        "?user_id=%00",
    ] {
        let (status, problem) = admin(&app, "GET", &format!("/v1/deliveries{bad}"), None).await;
        assert_eq!(status, 400, "{bad}: {problem}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_delivery_is_shown_with_its_attempts_and_masked_for_auditors() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let id = delivery(&sql, "nadia", Some("BGD"), ChannelKind::Email, "dead").await;
    sql.batch_execute(&format!(
        "update neurolink_delivery_log set attempts = 2, last_error = '550 <nadia@old.example>: unknown' where id = {id};
         insert into neurolink_delivery_attempts (delivery_id, attempt, worker, started_at, outcome, error)
         values ({id}, 1, gen_random_uuid(), now(), 'lost', null),
                ({id}, 2, gen_random_uuid(), now(), 'permanent', '550 <nadia@old.example>: unknown')"
    ))
    .await
    .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    let path = format!("/v1/deliveries/{id}");
    let (status, whole) = admin(&app, "GET", &path, None).await;
    assert_eq!(status, 200);
    assert_eq!(whole["address"], "nadia@old.example");
    assert_eq!(
        (&whole["branch_id"], &whole["attempts"]),
        (&json!("BGD"), &json!(2))
    );
    let outcomes: Vec<&str> = whole["attempt_log"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["lost", "permanent"]);

    let auditor = ("auditor", &["BGD"][..]);
    let (status, masked) = call(&app, "GET", &path, auditor, None).await;
    assert_eq!(status, 200);
    assert_eq!(masked["address"], "n***@old.example");
    assert!(!masked.to_string().contains("nadia@"), "{masked}");
    assert_eq!(masked["last_error"], "550 <n***@old.example>: unknown");
    let (_, page) = call(&app, "GET", "/v1/deliveries", auditor, None).await;
    assert_eq!(page["items"][0]["address"], "n***@old.example");
    assert!(!page.to_string().contains("nadia@"), "{page}");

    assert_eq!(admin(&app, "GET", "/v1/deliveries/7", None).await.0, 404);
    let post = format!("{path}/retry");
    assert_eq!(call(&app, "POST", &post, auditor, None).await.0, 403);
    app.stop().await;
}

#[tokio::test]
async fn another_branchs_deliveries_dont_exist_for_admins_and_auditors_of_this_one() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let own = delivery(&sql, "ali", Some("BGD"), ChannelKind::Email, "dead").await;
    let theirs = delivery(&sql, "dina", Some("BSR"), ChannelKind::Email, "dead").await;
    let general = delivery(&sql, "cfo", None, ChannelKind::Email, "dead").await;
    // Whose notification was swept away: nobody knows its branch.
    let orphan = delivery(&sql, "eve", None, ChannelKind::Email, "dead").await;
    sql.batch_execute("delete from neurolink_notifications where user_id = 'eve'")
        .await
        .unwrap();
    let app = App::start_with(&db, API, &[]).await;
    for role in ["admin", "auditor"] {
        let who = (role, &["BGD"][..]);
        let (_, page) = call(&app, "GET", "/v1/deliveries", who, None).await;
        assert_eq!(ids(&page), [general, own], "{role}");
        for id in [theirs, orphan] {
            let path = format!("/v1/deliveries/{id}");
            assert_eq!(call(&app, "GET", &path, who, None).await.0, 404);
        }
    }
    let who = ("admin", &["BGD"][..]);
    for deed in ["retry", "cancel"] {
        let path = format!("/v1/deliveries/{theirs}/{deed}");
        assert_eq!(call(&app, "POST", &path, who, None).await.0, 404, "{deed}");
    }
    let all = json!({"expected_count": 2});
    let (status, told) = call(&app, "POST", "/v1/deliveries/retry", who, Some(&all)).await;
    assert_eq!((status, &told["retried"]), (200, &json!(2)), "{told}");
    let left = text(&sql, "select string_agg(user_id, ' ' order by user_id) from neurolink_delivery_log where status = 'dead'").await;
    assert_eq!(left, "dina eve");
    app.stop().await;
}
