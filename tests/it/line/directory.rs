//! A DBA's own directory: a view on the ERP's tables, whatever their columns' types.

use neurolink::db::migrate;
use serde_json::json;

use super::{events, told};
use crate::support::TestDb;
use crate::support::app::{App, drained, event, people, rule, until};

/// An ERP that knows numbers where we know texts, `char` and `varchar`, roles in another table, and 0 and 1 for no and yes.
const ERP: &str = "
    create table erp_staff (emp_no integer primary key, full_name varchar(80) not null, mail varchar(120), mobile bigint,
                            lang char(5), zone varchar(40), boss integer, works smallint);
    create table erp_jobs (emp_no integer not null, job varchar(30) not null, branch integer);
    insert into erp_staff values
        (101, 'زينب', 'zainab@tsh.example', 9647701234567, 'ar-IQ', 'Asia/Baghdad', 103, 1),
        (102, 'Left', 'left@tsh.example', null, 'en', null, 103, 0),
        (103, 'Boss', null, null, null, null, null, null),
        (104, 'Other branch', null, null, 'en', 'Asia/Baghdad', 103, 1);
    insert into erp_jobs values (101, 'accountant', 1), (102, 'accountant', 1), (103, 'accountant', null), (104, 'accountant', 2);
    drop view neurolink_directory;
    create view neurolink_directory as
    select s.emp_no as id, s.full_name as display_name, s.mail as email, s.mobile as phone, null::bigint as telegram_chat_id,
           null::varchar as slack_user_id, array(select j.job from erp_jobs j where j.emp_no = s.emp_no) as roles,
           case when s.boss is null then array['*']::varchar[]
                else array(select j.branch::varchar from erp_jobs j where j.emp_no = s.emp_no) end as branch_ids,
           s.boss as manager_id, s.lang as locale, s.zone as timezone, s.works as is_active
      from erp_staff s";

#[tokio::test]
async fn people_are_read_through_a_dbas_own_view_with_other_types_and_upgrades_leave_it_alone() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(ERP).await.unwrap();
    sql.batch_execute("update neurolink_meta set value = 'older' where key = 'objects_checksum'")
        .await
        .unwrap();
    migrate::run(&db.db()).await.unwrap();
    let title = json!({"en": "{{recipient.display_name}}: {{n}}", "ar": "{{recipient.display_name}}، {{n}}"});
    let template = json!({"title": title, "recipient_roles": ["accountant"], "recipient_fields": ["to"],
        "channels": ["in_app", "sms"]});
    rule(&sql, "told", "*", &template).await;
    let app = App::start(&db).await;

    let ids = events(
        &sql,
        &json!([
            {"payload": {"n": 1}, "branch_id": "1"},
            {"payload": {"n": 2, "to": [104, 102]}, "branch_id": "3"},
        ]),
    )
    .await;
    drained(&sql).await;

    assert_eq!(told(&sql, ids[0]).await, ["101", "103"]);
    assert_eq!(told(&sql, ids[1]).await, ["103", "104"]);
    let inbox = app.get("/v1/notifications", "101").await;
    assert_eq!(inbox["items"][0]["title"], "زينب، 1");
    let phone =
        "select address from neurolink_delivery_log where user_id = '101' and channel = 'sms'";
    let address: String = sql.query_one(phone, &[]).await.unwrap().get(0);
    assert_eq!(address, "9647701234567");
    app.stop().await;
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_gives_no_event_up() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    people(&sql).await;
    let template = json!({"title": "T", "recipient_users": ["cfo"]});
    rule(&sql, "told", "test.happened", &template).await;
    // A sequence counts the tries: what a rollback undoes, it keeps.
    sql.batch_execute(
        "alter view neurolink_directory rename to mended;
         create sequence asked;
         create function ask() returns text language plpgsql as
           $$ begin perform nextval('asked'); raise 'the staff table is being moved'; end $$;
         create view neurolink_directory as
         select ask() as id, display_name, email, phone, telegram_chat_id, slack_user_id, roles, branch_ids, manager_id,
                locale, timezone, is_active from neurolink_users",
    )
    .await
    .unwrap();
    let app = App::start(&db).await;
    let id = event(&sql, "test.happened", &json!({})).await;
    // More often than a batch has patience with what nobody is to blame for.
    until(&sql, "select last_value >= 6 from asked").await;
    let apart = "select count(*) from neurolink_jobs where channel = 'single'";
    assert_eq!(sql.query_one(apart, &[]).await.unwrap().get::<_, i64>(0), 0);

    sql.batch_execute(
        "drop view neurolink_directory; alter view mended rename to neurolink_directory",
    )
    .await
    .unwrap();
    drained(&sql).await;
    assert_eq!(
        app.get("/v1/notifications", "cfo").await["items"][0]["event_id"],
        id
    );
    app.stop().await;
}
