//! `/v1/users`: people put in one by one and ten thousand at once, and the word when they are a DBA's to keep.

use serde_json::{Value, json};

use crate::support::TestDb;
use crate::support::app::{App, people};

const API: neurolink::app::Parts = neurolink::app::Parts {
    api: true,
    worker: false,
};

async fn admin(app: &App, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    app.call(method, path, "chief", &["admin"], body).await
}

async fn ids(app: &App, query: &str) -> Vec<String> {
    let (status, page) = admin(app, "GET", &format!("/v1/users?{query}"), None).await;
    assert_eq!(status, 200, "{query}: {page}");
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|p| p["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_person_is_put_in_read_back_replaced_whole_and_taken_away() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let zainab = json!({"display_name": "زينب", "email": "z@tsh.example", "roles": ["accountant"], "groups": ["night shift", "night shift"], "branch_ids": ["BGD", 7],
        "telegram_chat_id": 123456789, "locale": "ar-IQ", "manager_id": 17});
    let (status, answer) = admin(&app, "PUT", "/v1/users/z%2F1", Some(&zainab)).await;
    assert_eq!(status, 201, "{answer}");
    let whole = json!({"id": "z/1", "display_name": "زينب", "email": "z@tsh.example", "phone": null, "telegram_chat_id": "123456789",
        "slack_user_id": null, "roles": ["accountant"], "groups": ["night shift"], "branch_ids": ["BGD", "7"], "manager_id": "17", "locale": "ar-IQ",
        "timezone": "Asia/Baghdad", "is_active": true});
    assert_eq!(answer, whole);
    assert_eq!(
        admin(&app, "GET", "/v1/users/z%2F1", None).await,
        (200, whole.clone())
    );
    // What GET gives, PUT takes.
    assert_eq!(
        admin(&app, "PUT", "/v1/users/z%2F1", Some(&whole)).await.0,
        200
    );
    let (status, answer) = admin(
        &app,
        "PUT",
        "/v1/users/z%2F1",
        Some(&json!({"is_active": false})),
    )
    .await;
    assert_eq!(
        (
            status,
            &answer["email"],
            &answer["roles"],
            &answer["is_active"]
        ),
        (200, &Value::Null, &json!([]), &json!(false))
    );
    assert_eq!(admin(&app, "DELETE", "/v1/users/z%2F1", None).await.0, 204);
    assert_eq!(admin(&app, "DELETE", "/v1/users/z%2F1", None).await.0, 404);
    assert_eq!(admin(&app, "GET", "/v1/users/z%2F1", None).await.0, 404);
    for (body, place) in [
        (json!({"id": "other"}), "/id"),
        (json!({"email": "nobody"}), "/email"),
        (json!({"locale": "العربية"}), "/locale"),
        (json!({"timezone": "Mars/Olympus"}), "/timezone"),
        (json!({"roles": [""]}), "/roles/0"),
        (json!({"colour": "red"}), "/colour"),
    ] {
        let (status, answer) = admin(&app, "PUT", "/v1/users/x", Some(&body)).await;
        assert_eq!(
            (status, answer["place"].as_str()),
            (400, Some(place)),
            "{answer}"
        );
    }
    assert_eq!(ids(&app, "").await, [""; 0]);
    app.stop().await;
}

#[tokio::test]
async fn people_are_found_by_role_branch_activity_and_words() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    sql.execute("insert into neurolink_users (id, display_name, is_active) values ('a_1', '100% Ali', false)", &[]).await.unwrap();
    let app = App::start_with(&db, API, &[]).await;
    assert_eq!(ids(&app, "").await, ["a_1", "ali", "cfo", "dina", "nadia"]);
    assert_eq!(ids(&app, "role=accountant").await, ["ali", "dina", "nadia"]);
    assert_eq!(
        ids(&app, "branch=BSR").await,
        ["cfo", "dina"],
        "people of all branches too"
    );
    assert_eq!(ids(&app, "active=false").await, ["a_1"]);
    assert_eq!(ids(&app, "q=ALI").await, ["a_1", "ali"]);
    assert_eq!(ids(&app, "q=%25").await, ["a_1"], "a per cent sign is one");
    assert_eq!(ids(&app, "q=_").await, ["a_1"]);
    assert_eq!(ids(&app, "q=ناديا").await, ["nadia"]);
    let (_, page) = admin(&app, "GET", "/v1/users?limit=2", None).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(
        ids(&app, &format!("limit=2&cursor={cursor}")).await,
        ["cfo", "dina"]
    );
    assert_eq!(app.call("GET", "/v1/users", "ali", &[], None).await.0, 403);
    assert_eq!(
        app.call("GET", "/v1/users/ali", "eye", &["auditor"], None)
            .await
            .0,
        200
    );
    assert_eq!(
        app.call(
            "PUT",
            "/v1/users/ali",
            "eye",
            &["auditor"],
            Some(&json!({}))
        )
        .await
        .0,
        403
    );
    app.stop().await;
}

fn crowd(count: usize, name: &str) -> Value {
    (0..count)
        .map(|i| json!({"id": i, "display_name": format!("{name} {i}"), "email": format!("person-{i}@tsh.example"),
            "roles": ["accountant", "clerk"], "branch_ids": ["BGD"], "locale": "ar-IQ", "phone": "+964 770 000 0000"}))
        .collect()
}

#[tokio::test]
async fn ten_thousand_people_come_in_one_call_and_the_same_again_changes_nothing() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    // A tenth of what they need: the route takes more by itself.
    let app = App::start_with(&db, API, &[("NEUROLINK_MAX_BODY_BYTES", "131072")]).await;
    let mut all = crowd(10_000, "Person");
    let (status, answer) = admin(&app, "POST", "/v1/users/bulk", Some(&all)).await;
    assert_eq!(
        (status, answer),
        (
            200,
            json!({"created": 10_000, "updated": 0, "unchanged": 0})
        )
    );
    all[3]["roles"] = json!([]);
    all[4]["is_active"] = json!(false);
    let (_, answer) = admin(&app, "POST", "/v1/users/bulk", Some(&all)).await;
    assert_eq!(
        answer,
        json!({"created": 0, "updated": 2, "unchanged": 9_998})
    );
    let row = sql.query_one("select count(*), count(*) filter (where roles = '{accountant,clerk}') from neurolink_users", &[]).await.unwrap();
    assert_eq!(
        (row.get::<_, i64>(0), row.get::<_, i64>(1)),
        (10_000, 9_999)
    );

    let (status, answer) = admin(&app, "POST", "/v1/users/bulk", Some(&crowd(10_001, "X"))).await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (400, Some("too_many_items"))
    );
    let (status, _) = admin(
        &app,
        "PUT",
        "/v1/users/x",
        Some(&json!({"display_name": "x".repeat(200_000)})),
    )
    .await;
    assert_eq!(status, 413, "other routes keep the limit");
    app.stop().await;
}

#[tokio::test]
async fn a_bulk_with_faults_stores_nobody_and_names_each_by_its_index() {
    let db = TestDb::new().await;
    let app = App::start_with(&db, API, &[]).await;
    let mut some = crowd(20, "Person");
    some[7]["email"] = json!("nobody");
    some[9]["id"] = json!(8);
    some[11]["rolls"] = json!([]);
    let (status, answer) = admin(&app, "POST", "/v1/users/bulk", Some(&some)).await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (400, Some("invalid_items")),
        "{answer}"
    );
    let places: Vec<&str> = answer["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["place"].as_str().unwrap())
        .collect();
    assert_eq!(places, ["/7/email", "/9/id", "/11/rolls"]);
    assert_eq!(ids(&app, "").await, [""; 0]);
    for (body, code) in [(json!({}), "invalid_type"), (json!([5]), "invalid_items")] {
        let (status, answer) = admin(&app, "POST", "/v1/users/bulk", Some(&body)).await;
        assert_eq!(
            (status, answer["code"].as_str()),
            (400, Some(code)),
            "{answer}"
        );
    }
    assert_eq!(
        admin(&app, "POST", "/v1/users/bulk", Some(&json!([])))
            .await
            .1,
        json!({"created": 0, "updated": 0, "unchanged": 0})
    );
    app.stop().await;
}

#[tokio::test]
async fn where_the_directory_is_a_dbas_own_view_people_are_read_by_it_and_changed_elsewhere() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let app = App::start_with(&db, API, &[]).await;
    // A view over our table, through another view, is still ours.
    sql.batch_execute(
        "create view halfway as select * from neurolink_users;
         create or replace view neurolink_directory as
         select id, display_name, email, phone, telegram_chat_id, slack_user_id, roles, branch_ids, manager_id, locale, timezone, is_active,
                groups
           from halfway where id <> 'ghost'",
    )
    .await
    .unwrap();
    assert_eq!(
        admin(&app, "PUT", "/v1/users/ali", Some(&json!({})))
            .await
            .0,
        201
    );

    sql.batch_execute(
        r#"create table staff (login text collate "C" primary key, name text, job text);
         insert into staff values ('omar', 'Omar', 'driver');
         -- Another type than ours, as in many an ERP.
         drop view neurolink_directory;
         create view neurolink_directory as
         select login as id, name as display_name, null::text as email, null::text as phone, null::text as telegram_chat_id,
                null::text as slack_user_id, array[job] as roles, '{*}'::text[] as branch_ids, null::text collate "C" as manager_id,
                'ar'::text as locale, 'Asia/Baghdad'::text as timezone, 1 as is_active
           from staff"#,
    )
    .await
    .unwrap_or_else(|e| panic!("{:?}", e.as_db_error()));
    for (method, path, body) in [
        ("PUT", "/v1/users/omar", json!({})),
        ("DELETE", "/v1/users/ali", Value::Null),
        ("POST", "/v1/users/bulk", json!([{"id": "x"}])),
    ] {
        let body = (!body.is_null()).then_some(&body);
        let (status, answer) = admin(&app, method, path, body).await;
        assert_eq!(
            (status, answer["code"].as_str()),
            (409, Some("directory_is_yours")),
            "{method} {answer}"
        );
    }
    assert_eq!(ids(&app, "role=driver&active=true").await, ["omar"]);
    assert_eq!(
        admin(&app, "GET", "/v1/users/omar", None).await.1["is_active"],
        true
    );
    assert_eq!(admin(&app, "GET", "/v1/users/ali", None).await.0, 404);
    // Preferences are ours all the same.
    let switches = json!({"channels": {"*": {"email": false}}});
    assert_eq!(
        admin(&app, "PUT", "/v1/users/omar/preferences", Some(&switches))
            .await
            .0,
        200
    );
    app.stop().await;
}
