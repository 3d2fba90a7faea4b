//! Who follows what: oneself over HTTP, others by admins, everybody by SQL.

use serde_json::{Value, json};

use super::{SHOP, emit, told};
use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, number, rule};

async fn as_admin(app: &App, method: &str, path: &str) -> (u16, Value) {
    app.call(method, path, "chief", &["admin"], None).await
}

#[tokio::test]
async fn one_follows_and_stops_following_and_says_either_as_often_as_one_likes() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(SHOP).await.unwrap();
    rule(
        &sql,
        "r",
        "invoice.*",
        &json!({"title": "t", "recipient_followers": true}),
    )
    .await;
    let app = App::start_with(&db, WHOLE, &[]).await;
    let about = json!({"entity_type": "invoice", "entity_id": "7/ب"});
    for (method, expected) in [("PUT", &["dina"][..]), ("DELETE", &[])] {
        for _ in 0..2 {
            let (status, body) = app
                .call(method, "/v1/follows/invoice/7%2F%D8%A8", "dina", &[], None)
                .await;
            assert_eq!((status, body), (204, Value::Null));
        }
        let id = emit(&sql, "invoice.paid", &about).await;
        drained(&sql).await;
        assert_eq!(told(&sql, id).await, expected);
    }
    let audited = "select count(*) from neurolink_audit_log where subject_kind = 'follower'";
    assert_eq!(number(&sql, audited).await, 0, "one's own affair");
    let long = format!("/v1/follows/{}/7", "x".repeat(65));
    assert_eq!(app.call("PUT", &long, "dina", &[], None).await.0, 404);
    app.stop().await;
}

#[tokio::test]
async fn ones_own_list_is_paged_and_filtered_and_nobody_elses() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, WHOLE, &[]).await;
    for what in ["order/2", "invoice/10", "invoice/9", "order/1"] {
        let path = format!("/v1/follows/{what}");
        assert_eq!(app.call("PUT", &path, "ali", &[], None).await.0, 204);
    }
    app.call("PUT", "/v1/follows/order/3", "dina", &[], None)
        .await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app
            .get(&format!("/v1/follows?limit=3{cursor}"), "ali")
            .await;
        for item in page["items"].as_array().unwrap() {
            assert!(item["since"].is_string());
            seen.push(format!("{}/{}", item["entity_type"], item["entity_id"]).replace('"', ""));
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["invoice/10", "invoice/9", "order/1", "order/2"]);
    let page = app
        .get("/v1/follows?entity_type=order&entity_id=2", "ali")
        .await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let page = app
        .get("/v1/follows?entity_type=order&entity_id=3", "ali")
        .await;
    assert_eq!(page["items"], json!([]));
    app.stop().await;
}

#[tokio::test]
async fn admins_say_it_for_others_which_is_written_down_and_auditors_look() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(SHOP).await.unwrap();
    let app = App::start_with(&db, WHOLE, &[]).await;
    const LIST: &str = "/v1/entities/order/5/followers";
    for who in ["maya", "ali", "maya"] {
        assert_eq!(as_admin(&app, "PUT", &format!("{LIST}/{who}")).await.0, 204);
    }
    let (status, refused) = as_admin(&app, "PUT", &format!("{LIST}/nobody")).await;
    assert_eq!((status, &refused["code"]), (404, &json!("not_found")));
    let (_, page) = app.call("GET", LIST, "eye", &["auditor"], None).await;
    let ids: Vec<&str> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["user_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["ali", "maya"]);
    let (_, page) = app
        .call("GET", &format!("{LIST}?limit=1"), "eye", &["auditor"], None)
        .await;
    let next = page["next_cursor"].as_str().unwrap();
    let (_, page) = app
        .call(
            "GET",
            &format!("{LIST}?limit=1&cursor={next}"),
            "eye",
            &["auditor"],
            None,
        )
        .await;
    assert_eq!(
        (&page["items"][0]["user_id"], &page["next_cursor"]),
        (&json!("maya"), &Value::Null)
    );
    assert_eq!(
        as_admin(&app, "DELETE", &format!("{LIST}/maya")).await.0,
        204
    );
    assert_eq!(
        as_admin(&app, "DELETE", &format!("{LIST}/maya")).await.0,
        204
    );

    let log = "select string_agg(concat_ws(' ', actor, action, subject_id, coalesce(after, before) ->> 'entity_id'), ', ' order by id)
                 from neurolink_audit_log where subject_kind = 'follower'";
    let log: String = sql.query_one(log, &[]).await.unwrap().get(0);
    assert_eq!(
        log,
        "chief follower.created maya 5, chief follower.created ali 5, chief follower.deleted maya 5"
    );
    app.stop().await;
}

#[tokio::test]
async fn nobody_follows_without_end_and_an_erps_transaction_is_not_undone_by_it() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start_with(&db, WHOLE, &[]).await;
    sql.batch_execute(
        "insert into neurolink_followers (entity_type, entity_id, user_id)
         select 'order', n::text, 'ali' from generate_series(1, 10000) n",
    )
    .await
    .unwrap();
    let (status, refused) = app
        .call("PUT", "/v1/follows/order/new", "ali", &[], None)
        .await;
    assert_eq!(
        (status, &refused["code"]),
        (409, &json!("too_many_follows")),
        "{refused}"
    );
    assert_eq!(
        app.call("PUT", "/v1/follows/order/7", "ali", &[], None)
            .await
            .0,
        204,
        "already"
    );
    let followed = "select neurolink_follow('ali', 'order', 'new')";
    let followed: Option<bool> = sql.query_one(followed, &[]).await.unwrap().get(0);
    assert_eq!(followed, None);
    for expected in [true, false] {
        let row = sql.query_one("select neurolink_unfollow('ali', 'order', '7')", &[]);
        assert_eq!(row.await.unwrap().get::<_, bool>(0), expected);
    }
    app.stop().await;
}
