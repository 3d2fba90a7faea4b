//! Quiet hours: what interrupts waits until they end, and everybody who asks is told so; what is critical or mandatory doesn't wait,
//! and the inbox never does.

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::support::TestDb;
use crate::support::app::{App, WHOLE, drained, event, people, rule};

/// Quiet for 23 hours around now, by the clock of Baghdad, where the tests' people live.
fn around_now() -> Value {
    let zone = jiff::tz::TimeZone::get("Asia/Baghdad").unwrap();
    let in_hours = |hours: i64| {
        let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
        zone.to_datetime(then).strftime("%H:%M").to_string()
    };
    json!({"from": in_hours(2), "to": in_hours(1)})
}

async fn wish(app: &App, who: &str, wishes: &Value) -> (u16, Value) {
    app.call("PUT", "/v1/preferences", who, &[], Some(wishes))
        .await
}

async fn start(db: &TestDb, mails: &tempfile::TempDir) -> App {
    let settings = [
        ("NEUROLINK_EMAIL_FROM", "TSH ERP <erp@tsh.example>"),
        ("NEUROLINK_EMAIL_DIR", mails.path().to_str().unwrap()),
    ];
    App::start_with(db, WHOLE, &settings).await
}

/// `channel=status` of each delivery of an event, with why it waits, in order of people and channels.
async fn deliveries(sql: &Client, event: i64) -> String {
    sql.query_one(
        "select string_agg(concat_ws(' ', d.user_id, d.channel, d.status, d.deferred_by), ', ' order by d.user_id, d.id)
           from neurolink_delivery_log d join neurolink_notifications n on n.user_id = d.user_id and n.id = d.notification_id
          where n.event_id = $1",
        &[&event],
    )
    .await
    .unwrap()
    .get(0)
}

fn template(more: &Value) -> Value {
    let mut template =
        json!({"title": "T", "channels": ["in_app", "email"], "recipient_users": ["ali", "nadia"]});
    for (key, value) in more.as_object().unwrap() {
        template[key] = value.clone();
    }
    template
}

#[tokio::test]
async fn a_mail_in_quiet_hours_waits_for_their_end_and_everybody_can_see_why() {
    let (db, mails) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let sql = db.client().await;
    people(&sql).await;
    rule(&sql, "plain", "order.plain", &template(&json!({}))).await;
    let urgent = template(&json!({"severity": "critical"}));
    rule(&sql, "urgent", "order.urgent", &urgent).await;
    let must = template(&json!({"mandatory": true}));
    rule(&sql, "must", "order.must", &must).await;
    let app = start(&db, &mails).await;
    let wishes = json!({"channels": {}, "quiet_hours": around_now()});
    let (status, set) = wish(&app, "ali", &wishes).await;
    assert_eq!((status, &set["quiet_hours"]), (200, &wishes["quiet_hours"]));

    let plain = event(&sql, "order.plain", &json!({})).await;
    let urgent = event(&sql, "order.urgent", &json!({})).await;
    let must = event(&sql, "order.must", &json!({})).await;
    drained(&sql).await;
    assert_eq!(
        deliveries(&sql, plain).await,
        "ali in_app delivered, ali email pending quiet_hours, nadia in_app delivered, nadia email sent"
    );
    for at_once in [urgent, must] {
        assert_eq!(
            deliveries(&sql, at_once).await,
            "ali in_app delivered, ali email sent, nadia in_app delivered, nadia email sent"
        );
    }
    // They end within the hour, on the minute.
    let waits: bool = sql
        .query_one(
            "select run_at between now() + interval '58 minutes' and now() + interval '1 hour' and extract(second from run_at) = 0
               from neurolink_jobs where kind = 'delivery'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert!(waits);

    let list = format!("/v1/deliveries?event_id={plain}&status=pending");
    let (_, list) = app.call("GET", &list, "chief", &["admin"], None).await;
    let waiting = &list["items"][0];
    assert_eq!(waiting["deferred_by"], "quiet_hours", "{list}");
    assert_ne!(waiting["next_attempt_at"], Value::Null);
    let trace = format!("/v1/events/{plain}/trace");
    let (_, trace) = app.call("GET", &trace, "chief", &["admin"], None).await;
    let told = &trace["rules"][0]["recipients"]["items"][0]["notifications"][0];
    let mail = &told["deliveries"][1];
    assert_eq!(
        (&mail["deferred_by"], &mail["next_attempt_at"]),
        (&waiting["deferred_by"], &waiting["next_attempt_at"]),
        "{trace}"
    );
    let said = |who: &'static str| {
        let sql = &sql;
        async move {
            let row = sql
                .query_one(
                    "select answer from neurolink_explain($1, $2)",
                    &[&plain, &who],
                )
                .await;
            row.unwrap().get::<_, String>(0)
        }
    };
    let answer = said("ali").await;
    assert!(
        answer.contains("by e-mail (waits for the end of their quiet hours, until 20"),
        "{answer}"
    );
    let way: String = sql
        .query_one(
            "select detail from neurolink_event_trace($1) where what = 'pending'",
            &[&plain],
        )
        .await
        .unwrap()
        .get(0);
    assert!(
        way.starts_with("waits for the end of their quiet hours"),
        "{way}"
    );

    // Over.
    sql.batch_execute(
        "update neurolink_jobs set run_at = now(); select pg_notify('neurolink_wake', '')",
    )
    .await
    .unwrap();
    drained(&sql).await;
    let answer = said("ali").await;
    assert!(answer.contains(", after their quiet hours)"), "{answer}");
    app.stop().await;
}

#[tokio::test]
async fn a_retry_by_hand_doesnt_wait() {
    let (db, mails) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let sql = db.client().await;
    people(&sql).await;
    let template = template(&json!({"recipient_users": ["ali"]}));
    rule(&sql, "plain", "order.plain", &template).await;
    let app = start(&db, &mails).await;
    wish(
        &app,
        "ali",
        &json!({"channels": {}, "quiet_hours": around_now()}),
    )
    .await;
    let id = event(&sql, "order.plain", &json!({})).await;
    drained(&sql).await;
    let delivery: i64 = sql
        .query_one("select ref_id from neurolink_jobs", &[])
        .await
        .unwrap()
        .get(0);
    let path = format!("/v1/deliveries/{delivery}/retry");
    let (status, answer) = app.call("POST", &path, "chief", &["admin"], None).await;
    assert_eq!(status, 200, "{answer}");
    drained(&sql).await;
    assert_eq!(
        deliveries(&sql, id).await,
        "ali in_app delivered, ali email sent",
        "and nothing says that it waited"
    );
    app.stop().await;
}

#[tokio::test]
async fn what_is_told_directly_waits_as_well() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    sql.execute(
        "insert into neurolink_user_preferences (user_id, quiet_hours) values ('ali', $1::text::jsonb)",
        &[&around_now().to_string()],
    )
    .await
    .unwrap();
    for (message, waits) in [
        (json!({"title": "T", "channels": ["in_app", "email"]}), true),
        (
            json!({"title": "T", "channels": ["email"], "mandatory": true}),
            false,
        ),
        (
            json!({"title": "T", "channels": ["email"], "severity": "critical"}),
            false,
        ),
    ] {
        let told: i64 = sql
            .query_one(
                "select max(notification_id) from neurolink_tell_people('{ali,nadia}', $1::text::jsonb) where user_id = 'ali'",
                &[&message.to_string()],
            )
            .await
            .unwrap()
            .get(0);
        let row = sql
            .query_one(
                "select d.deferred_by is not null, j.run_at > now() + interval '50 minutes'
                   from neurolink_delivery_log d join neurolink_jobs j on j.ref_id = d.id where d.notification_id = $1",
                &[&told],
            )
            .await
            .unwrap();
        let found: (bool, bool) = (row.get(0), row.get(1));
        assert_eq!(found, (waits, waits), "{message}");
    }
    let nadias = "select count(*) from neurolink_delivery_log where user_id = 'nadia' and deferred_by is not null";
    assert_eq!(crate::support::app::number(&sql, nadias).await, 0);
}

#[tokio::test]
async fn sql_and_the_pipeline_agree_when_it_is_quiet() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    let hours = [
        json!({"from": "22:00", "to": "07:00"}),
        json!({"from": "12:00", "to": "13:30", "days": ["fri", "sat"]}),
        json!({"from": "20:00", "to": "10:00", "days": "thu"}),
        json!({"from": "22:00"}),
        json!("at night"),
    ];
    let mut quiet = 0;
    for hours in &hours {
        for zone in ["Asia/Baghdad", "UTC", "America/New_York", "Mars/Olympus"] {
            for hour in 0..24 * 8 {
                let now: jiff::Timestamp = "2026-12-13T00:30:00Z".parse().unwrap();
                let now = now + jiff::SignedDuration::from_hours(hour);
                let text = hours.to_string();
                let wishes = neurolink::preferences::Wishes::stored(None, Some(&text), None);
                let ours = wishes.quiet_until(now, zone);
                let theirs: Option<jiff::Timestamp> = sql
                    .query_one(
                        "select neurolink_quiet_until($1::text::jsonb, $2, $3)",
                        &[&text, &zone, &now],
                    )
                    .await
                    .unwrap()
                    .get(0);
                assert_eq!(ours, theirs, "{hours} {zone} {now}");
                quiet += usize::from(ours.is_some());
            }
        }
    }
    assert!(quiet > 300, "{quiet}");
}

#[tokio::test]
async fn wishes_are_checked_with_their_places_and_replace_what_was_there() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let app = App::start(&db).await;
    let all = json!({"channels": {"finance": {"email": false}}, "quiet_hours": {"from": "22:00", "to": "07:00", "days": ["sun"]},
        "digest": {"*": {"every": "1d", "at": "08:00"}, "stock": "off"}});
    let (status, set) = wish(&app, "ali", &all).await;
    assert_eq!(status, 200, "{set}");
    let shown = app.get("/v1/preferences", "ali").await;
    for part in ["channels", "quiet_hours", "digest"] {
        assert_eq!(shown[part], all[part], "{part}");
    }
    for (wishes, code, place) in [
        (
            json!({"channels": {}, "quiet_hours": {"from": "22:00", "to": "22:00"}}),
            "invalid_field",
            "/quiet_hours/to",
        ),
        (
            json!({"channels": {}, "digest": {"stock": {"every": "1h", "at": "08:00"}}}),
            "invalid_field",
            "/digest/stock/at",
        ),
        (
            json!({"channels": {}, "digest": {"stock": {"at": "08:00"}}}),
            "missing_field",
            "/digest/stock/every",
        ),
        (
            json!({"channels": {}, "quiet_hours": {"from": "22:00", "to": "07:00", "on": "sun"}}),
            "unknown_field",
            "/quiet_hours/on",
        ),
    ] {
        let (status, problem) = wish(&app, "ali", &wishes).await;
        assert_eq!(
            (status, &problem["code"], &problem["place"]),
            (400, &json!(code), &json!(place)),
            "{problem}"
        );
    }
    let (_, kept) = wish(&app, "ali", &json!({"channels": {}})).await;
    assert_eq!(
        (&kept["quiet_hours"], &kept["digest"]),
        (&Value::Null, &json!({})),
        "what isn't said isn't wished any more"
    );
    let audited: i64 = crate::support::app::number(
        &sql,
        "select count(*) from neurolink_audit_log where subject_kind = 'preferences'",
    )
    .await;
    assert_eq!(audited, 0, "one's own wishes are nobody's business");
    app.stop().await;
}
