//! A directory of the DBA's own: what is wrong with it, by views that are so.

use super::{codes, run, sound};
use crate::support::TestDb;

const COLUMNS: &str = "null::text as email, null::text as phone, null::text as telegram_chat_id, null::text as slack_user_id,
    '{*}'::text[] as branch_ids, null::text as manager_id, 'ar'::text as locale";

#[tokio::test]
async fn a_directory_of_the_dbas_own_is_judged_by_its_columns_types_rights_and_people() {
    let db = TestDb::new().await;
    let sql = db.client().await;
    sound(&sql).await;
    run(
        &sql,
        "create table staff (login integer, name text, job text, is_active integer);
         insert into staff values (1, 'Omar', 'driver', 1), (2, 'Zainab', 'cfo', 0)",
    )
    .await;
    let columns = "select login as id, name as display_name, array[job] as roles, 'Asia/Baghdad'::text as timezone, is_active";
    for (view, code) in [
        (format!("{columns}, {COLUMNS} from staff"), None),
        (
            format!("{columns}, {COLUMNS} from staff where false"),
            Some("directory_empty"),
        ),
        (
            format!("{columns}, {COLUMNS} from staff, generate_series(1, 2)"),
            Some("directory_doubled"),
        ),
        (
            format!(
                "select null::integer as id, 'x' as display_name, '{{a}}'::text[] as roles, 'UTC' as timezone, 1 as is_active, {COLUMNS}"
            ),
            Some("directory_nameless"),
        ),
        (
            format!(
                "select login as id, name as display_name, job as roles, 'UTC' as timezone, 1 as is_active, {COLUMNS} from staff"
            ),
            Some("directory_types"),
        ),
        (
            format!(
                "select login as id, name as display_name, '{{}}'::text[] as roles, 'UTC' as timezone, 1 as is_active, {COLUMNS} from staff"
            ),
            Some("directory_roles"),
        ),
        (
            format!("{columns}, {COLUMNS} from staff where 1 / (login - login) = 1"),
            Some("directory_unreadable"),
        ),
        (
            format!("select login as id, {COLUMNS} from staff"),
            Some("directory_columns"),
        ),
    ] {
        run(
            &sql,
            &format!(
                "drop view if exists neurolink_directory; create view neurolink_directory as {view}"
            ),
        )
        .await;
        assert_eq!(codes(&db).await, Vec::from_iter(code), "{view}");
    }
    run(&sql, "drop view neurolink_directory").await;
    assert_eq!(codes(&db).await, ["directory_missing"]);
}
