//! A DBA's own directory over the ERP's tables: with groups, without them, changed while the node runs; and what a migration does to
//! the views it finds.

use neurolink::db::migrate;
use serde_json::json;

use super::{emit, reach, told};
use crate::support::TestDb;
use crate::support::app::{App, drained, rule};

/// Integer keys, varchar, 0 and 1; teams and reporting lines in tables of their own.
const ERP: &str = "
    create table erp_staff (emp_no integer primary key, full_name varchar(80) not null, boss integer, works smallint);
    create table erp_teams (emp_no integer not null, team varchar(30) not null);
    insert into erp_staff values (1, 'زينب', 3, 1), (2, 'Left', 4, 0), (3, 'Boss', 3, 1), (4, 'Sami', 3, 1), (5, 'Nobody''s', null, 1);
    insert into erp_teams values (1, 'year end'), (2, 'year end'), (4, 'night shift');";

/// What every view of it shows; groups come behind.
const COLUMNS: &str = "s.emp_no as id, s.full_name as display_name, null::varchar as email, null::bigint as phone,
    null::bigint as telegram_chat_id, null::varchar as slack_user_id, '{}'::varchar[] as roles, array['*']::varchar[] as branch_ids,
    s.boss as manager_id, null::char(5) as locale, null::varchar as timezone, s.works as is_active";

const GROUPS: &str = "array(select t.team from erp_teams t where t.emp_no = s.emp_no) as groups";

fn view(groups: &str) -> String {
    format!(
        "drop view neurolink_directory; create view neurolink_directory as select {COLUMNS}{groups} from erp_staff s;"
    )
}

#[tokio::test]
async fn groups_managers_and_followers_are_read_through_a_dbas_own_view() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(&format!("{ERP}{}", view(&format!(", {GROUPS}"))))
        .await
        .unwrap();
    sql.batch_execute(
        "select neurolink_follow(id, 'order', '9') from unnest('{1,2,5,77}'::text[]) id",
    )
    .await
    .unwrap();
    let app = App::start(&db).await;
    reach(
        &sql,
        &[
            (
                "a group",
                json!({"recipient_groups": ["year end", "night shift"]}),
                json!({}),
                &["1", "4"],
            ),
            (
                "managers by number, of one who has left and of one who is their own",
                json!({"recipient_managers": ["actor", "who"]}),
                json!({"actor_id": "2", "payload": {"who": [1, 3, 5]}}),
                &["3", "4"],
            ),
            (
                "managers of those told",
                json!({"recipient_groups": ["year end"], "recipient_managers": ["recipients"]}),
                json!({}),
                &["1", "3"],
            ),
            (
                "followers",
                json!({"recipient_followers": true, "exclude_users": [5]}),
                json!({"entity_type": "order", "entity_id": "9"}),
                &["1"],
            ),
        ],
    )
    .await;
    app.stop().await;
}

#[tokio::test]
async fn a_view_without_groups_is_read_all_the_same_also_when_it_changes_under_a_running_node() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sql.batch_execute(&format!("{ERP}{}", view("")))
        .await
        .unwrap();
    let template = json!({"title": "t", "recipient_groups": ["year end"], "recipient_users": [5]});
    rule(&sql, "told", "*", &template).await;
    let app = App::start(&db).await;
    let first = emit(&sql, "a.b", &json!({})).await;
    drained(&sql).await;
    assert_eq!(told(&sql, first).await, ["5"]);
    let (status, person) = app
        .call("GET", "/v1/users/1", "eye", &["auditor"], None)
        .await;
    assert_eq!((status, &person["groups"]), (200, &json!([])));
    let (status, page) = app
        .call("GET", "/v1/users?group=x", "eye", &["auditor"], None)
        .await;
    assert_eq!((status, &page["items"]), (200, &json!([])));

    // More often than statements are planned anew: kept plans must see the new view, too.
    for (groups, expected) in [
        (format!(", {GROUPS}"), &["1", "5"][..]),
        (String::new(), &["5"]),
    ] {
        sql.batch_execute(&format!("begin; {} commit;", view(&groups)))
            .await
            .unwrap();
        for _ in 0..8 {
            let id = emit(&sql, "a.b", &json!({})).await;
            drained(&sql).await;
            assert_eq!(told(&sql, id).await, expected);
        }
        let (_, page) = app
            .call(
                "GET",
                "/v1/users?group=year%20end",
                "eye",
                &["auditor"],
                None,
            )
            .await;
        assert_eq!(
            page["items"].as_array().unwrap().len(),
            if groups.is_empty() { 0 } else { 2 },
            "{page}"
        );
    }
    app.stop().await;
}

/// Whether the directory shows groups, and how many people.
async fn shown(sql: &tokio_postgres::Client) -> (bool, i64) {
    let row = sql
        .query_one(
            "select exists (select from pg_attribute where attrelid = 'neurolink_directory'::regclass and attname = 'groups'),
                    (select count(*) from neurolink_directory)",
            &[],
        )
        .await
        .unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn the_migration_adds_groups_to_our_own_directory_and_leaves_a_dbas_as_it_is() {
    let list = "id, display_name, email, phone, telegram_chat_id, slack_user_id, roles, branch_ids, manager_id, locale, timezone, is_active";
    for (directory, expected) in [
        (format!("select {list} from neurolink_users"), (true, 1)),
        (
            format!("select {list} from neurolink_users where id <> 'ali'"),
            (false, 0),
        ),
        (
            format!(
                "select upper(id) collate \"C\" as id, {} from neurolink_users",
                &list[4..]
            ),
            (false, 1),
        ),
    ] {
        let db = TestDb::new().await;
        let sql = db.client().await;
        // The schema as it was before.
        sql.batch_execute(&format!(
            "drop view neurolink_directory; alter table neurolink_users drop column groups; drop table neurolink_followers;
             create view neurolink_directory as {directory};
             insert into neurolink_users (id) values ('ali');"
        ))
        .await
        .unwrap();
        sql.batch_execute(recipients_section()).await.unwrap();
        assert_eq!(shown(&sql).await, expected, "{directory}");
        sql.batch_execute(
            "update neurolink_meta set value = 'older' where key = 'objects_checksum'",
        )
        .await
        .unwrap();
        migrate::run(&db.db()).await.unwrap();
        assert_eq!(shown(&sql).await, expected, "{directory}");
    }
}

/// The migration's part about recipients, whatever stands before and behind it.
fn recipients_section() -> &'static str {
    const WHOLE: &str = include_str!("../../../sql/migrations/V0004__sources.sql");
    let begin = WHOLE
        .find("alter table neurolink_users add column groups")
        .unwrap();
    let last = "Written by neurolink_follow() and neurolink_unfollow().';";
    let end = begin + WHOLE[begin..].find(last).unwrap() + last.len();
    &WHOLE[begin..end]
}

#[tokio::test]
async fn a_row_with_holes_stops_nobody() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    // An outer join that finds nothing: null in a list, and a row without anybody.
    sql.batch_execute(
        "create table erp_staff (id text, team text);
         insert into erp_staff values ('ali', null), (null, 'a'), ('noor', 'a');
         drop view neurolink_directory;
         create view neurolink_directory as
         select s.id, null::text as display_name, null::text as email, null::text as phone, null::text as telegram_chat_id,
                null::text as slack_user_id, array['seller', null] as roles, array[null, '*'] as branch_ids, null::text as manager_id,
                null::text as locale, null::text as timezone, null::boolean as is_active, array[s.team] as groups
           from erp_staff s",
    )
    .await
    .unwrap();
    let app = App::start(&db).await;
    reach(
        &sql,
        &[
            (
                "a role",
                json!({"recipient_roles": ["seller"]}),
                json!({}),
                &["ali", "noor"],
            ),
            (
                "a group",
                json!({"recipient_groups": ["a"]}),
                json!({}),
                &["noor"],
            ),
        ],
    )
    .await;
    let (status, people) = app.call("GET", "/v1/users", "root", &["admin"], None).await;
    assert_eq!(status, 200, "{people}");
    app.stop().await;
}
