//! Migrating: once however many start at once, twice a no-op, nothing of the ERP's touched, old and new side by side.

mod landed;

use neurolink::db::{Db, migrate};
use tokio_postgres::Client;

use crate::support::TestDb;

/// Everything in the database that isn't PostgreSQL's own, with what tells a change.
async fn objects(client: &Client) -> Vec<String> {
    let rows = client
        .query(
            "select n.nspname || '.' || c.relname || ' ' || c.xmin from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
             union all
             select n.nspname || '.' || p.proname || ' ' || p.xmin from pg_proc p join pg_namespace n on n.oid = p.pronamespace
              where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
             order by 1",
            &[],
        )
        .await
        .unwrap();
    rows.iter().map(|r| r.get(0)).collect()
}

async fn meta(client: &Client, key: &str) -> String {
    client
        .query_one("select value from neurolink_meta where key = $1", &[&key])
        .await
        .unwrap()
        .get(0)
}

fn in_schema(test: &TestDb, path: &str) -> Db {
    let mut config = test.config();
    config.options(format!("-csearch_path={path}"));
    Db::open(
        config.clone(),
        config,
        2,
        std::time::Duration::from_secs(30),
    )
    .unwrap()
}

async fn refusal(db: &Db) -> String {
    let run = migrate::run(db).await.unwrap_err().chain();
    let check = migrate::check(db).await.unwrap_err().chain();
    assert_eq!(run, check, "serve and migrate say the same");
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_that_start_at_once_migrate_once() {
    let test = TestDb::empty().await;
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let db = crate::support::open(test.url());
        starting.spawn(async move { migrate::run(&db).await.unwrap() });
    }
    let reports = starting.join_all().await;
    assert_eq!(reports.iter().filter(|r| r.changed()).count(), 1);
    let did = reports.iter().find(|r| r.changed()).unwrap();
    assert_eq!(did.applied[0], "V1__line");
    assert!(did.objects_applied);
    let history: i64 = test
        .client()
        .await
        .query_one("select count(*) from neurolink_schema_history", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(history, i64::try_from(did.applied.len()).unwrap());
    assert!(matches!(
        migrate::check(&test.db()).await.unwrap(),
        migrate::State::UpToDate { .. }
    ));
}

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    let test = TestDb::new().await;
    let client = test.client().await;
    let before = objects(&client).await;
    let report = migrate::run(&test.db()).await.unwrap();
    assert!(!report.changed(), "{report:?}");
    assert_eq!(objects(&client).await, before);
    let plan = migrate::plan(&test.db()).await.unwrap();
    assert!(plan.is_empty() && plan.sql().contains("nothing to do"));
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_prints_a_script_that_does_the_same() {
    let test = TestDb::empty().await;
    let client = test.client().await;
    let plan = migrate::plan(&test.db()).await.unwrap();
    assert!(objects(&client).await.is_empty());
    let state = migrate::check(&test.db()).await.unwrap();
    assert!(!state.is_ready());
    let sentence = state.to_string();
    assert!(
        sentence.contains("V1__line") && sentence.contains("neurolink migrate"),
        "{sentence}"
    );

    client.batch_execute(&plan.sql()).await.unwrap();
    assert!(matches!(
        migrate::check(&test.db()).await.unwrap(),
        migrate::State::UpToDate { .. }
    ));
    assert!(!migrate::run(&test.db()).await.unwrap().changed());
}

#[tokio::test]
async fn only_names_with_our_prefix_appear_and_the_erps_tables_stay_as_they_are() {
    let test = TestDb::empty().await;
    let client = test.client().await;
    client
        .batch_execute("create table invoices (id int); insert into invoices values (1)")
        .await
        .unwrap();
    let before = objects(&client).await;
    migrate::run(&test.db()).await.unwrap();
    let after = objects(&client).await;
    let new: Vec<&String> = after.iter().filter(|o| !before.contains(o)).collect();
    assert!(
        new.iter().all(|o| o.starts_with("public.neurolink_")),
        "{new:?}"
    );
    assert!(before.iter().all(|o| after.contains(o)), "{before:?}");
}

#[tokio::test]
async fn every_table_is_explained_and_none_is_open_to_everybody() {
    let test = TestDb::new().await;
    let rows = test
        .client()
        .await
        .query(
            "select relname::text from pg_class c where relname like 'neurolink\\_%' and relkind in ('r', 'v')
                and (obj_description(c.oid, 'pg_class') is null
                     or exists (select from aclexplode(c.relacl) a where a.grantee = 0))
             union all
             select proname::text from pg_proc p where proname like 'neurolink\\_%'
                and (p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee = 0))",
            &[],
        )
        .await
        .unwrap();
    let names: Vec<String> = rows.iter().map(|r| r.get(0)).collect();
    assert!(names.is_empty(), "{names:?}");
}

#[tokio::test]
async fn a_dbas_own_directory_survives_upgrades() {
    let test = TestDb::new().await;
    let client = test.client().await;
    client
        .batch_execute(
            r#"create table employees (code text, mail text);
             create or replace view neurolink_directory as
             select code collate "C" as id, code as display_name, mail as email, null::text as phone, null::text as telegram_chat_id,
                    null::text as slack_user_id, '{}'::text[] as roles, '{}'::text[] as branch_ids,
                    null::text collate "C" as manager_id, 'ar-IQ'::text as locale, 'Asia/Baghdad'::text as timezone, true as is_active,
                    '{}'::text[] as groups
               from employees;
             update neurolink_meta set value = 'of an older version' where key = 'objects_checksum'"#,
        )
        .await
        .unwrap_or_else(|e| panic!("{:?}", e.as_db_error()));
    let state = migrate::check(&test.db()).await.unwrap();
    assert!(
        matches!(&state, migrate::State::Missing { migrations, objects: true, .. } if migrations.is_empty())
    );
    let report = migrate::run(&test.db()).await.unwrap();
    assert!(report.objects_applied && report.applied.is_empty());
    let definition: String = client
        .query_one(
            "select pg_get_viewdef('neurolink_directory'::regclass)",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert!(definition.contains("employees"), "{definition}");
}

#[tokio::test]
async fn an_older_binary_runs_on_a_newer_schema_and_leaves_its_functions_alone() {
    let test = TestDb::new().await;
    let client = test.client().await;
    client
        .batch_execute(
            "insert into neurolink_schema_history values (9999, 'of_tomorrow', '2030-01-01T00:00:00Z', '1');
             update neurolink_meta set value = '99.0.0' where key = 'objects_version';
             update neurolink_meta set value = 'of tomorrow' where key = 'objects_checksum'",
        )
        .await
        .unwrap();
    let before = objects(&client).await;
    let state = migrate::check(&test.db()).await.unwrap();
    assert!(state.is_ready());
    assert!(matches!(&state, migrate::State::NewerSchema { version, .. } if version == "99.0.0"));
    let report = migrate::run(&test.db()).await.unwrap();
    assert!(!report.changed());
    assert_eq!(report.newer.as_deref(), Some("99.0.0"));
    assert_eq!(objects(&client).await, before);
    assert_eq!(meta(&client, "objects_checksum").await, "of tomorrow");
}

#[tokio::test]
async fn a_binary_older_than_min_binary_is_refused() {
    let test = TestDb::new().await;
    test.client()
        .await
        .batch_execute("update neurolink_meta set value = '99.1.0' where key = 'min_binary'")
        .await
        .unwrap();
    let sentence = refusal(&test.db()).await;
    assert!(sentence.contains("needs neurolink 99.1.0"), "{sentence}");
}

#[tokio::test]
async fn a_history_that_is_not_ours_is_refused() {
    let test = TestDb::new().await;
    let client = test.client().await;
    client
        .batch_execute("update neurolink_schema_history set checksum = '42' where version = 1")
        .await
        .unwrap();
    let sentence = refusal(&test.db()).await;
    assert!(sentence.contains("with another text"), "{sentence}");

    client
        .batch_execute(
            "delete from neurolink_schema_history;
             insert into neurolink_schema_history values (9999, 'x', '2030-01-01T00:00:00Z', '1')",
        )
        .await
        .unwrap();
    let sentence = refusal(&test.db()).await;
    assert!(sentence.contains("lacks V1__line"), "{sentence}");
}

#[tokio::test]
async fn the_first_existing_schema_of_the_search_path_is_used_whatever_its_name() {
    let test = TestDb::new().await;
    let client = test.client().await;
    client
        .batch_execute("create schema \"ERP's \"\"own\"\" $$\"")
        .await
        .unwrap();
    // Another neurolink stands in public, further down the path.
    let db = in_schema(&test, r#"missing,"ERP's\ ""own""\ $$",public"#);
    let report = migrate::run(&db).await.unwrap();
    assert_eq!(report.schema, "ERP's \"own\" $$");
    assert!(report.changed());
    assert!(!migrate::run(&db).await.unwrap().changed());
    assert!(!migrate::run(&test.db()).await.unwrap().changed());

    let inside = db.client().await.unwrap();
    let id: i64 = inside
        .query_one("select neurolink_emit('sales', 'order.created', '{}')", &[])
        .await
        .unwrap()
        .get(0);
    let jobs = "select count(*) from neurolink_jobs where ref_id = $1";
    assert_eq!(
        inside
            .query_one(jobs, &[&id])
            .await
            .unwrap()
            .get::<_, i64>(0),
        1
    );
    let outside: i64 = client
        .query_one("select count(*) from public.neurolink_jobs", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(outside, 0);
}

#[tokio::test]
async fn a_search_path_without_any_schema_is_explained() {
    let test = TestDb::empty().await;
    let sentence = refusal(&in_schema(&test, "nowhere")).await;
    assert!(sentence.contains("search_path (nowhere)"), "{sentence}");
}

#[tokio::test]
async fn a_user_without_the_right_to_create_is_told_so_and_leaves_no_lock() {
    let test = TestDb::empty().await;
    let client = test.client().await;
    let role = test.name();
    client
        .batch_execute(&format!(
            "create role {role} login; revoke create on schema public from public"
        ))
        .await
        .unwrap();
    let mut config = test.config();
    config.user(role);
    let poor = Db::open(
        config.clone(),
        config,
        1,
        std::time::Duration::from_secs(30),
    )
    .unwrap();
    let error = migrate::run(&poor).await.unwrap_err().to_string();
    assert!(error.contains("may not create objects"), "{error}");
    let held: i64 = client
        .query_one(
            "select count(*) from pg_locks where locktype = 'advisory'
                and database = (select oid from pg_database where datname = current_database())",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(held, 0);
    assert!(migrate::run(&test.db()).await.unwrap().changed());
    poor.close();
    client
        .batch_execute(&format!("drop role {role}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_failed_step_rolls_back_whole_and_the_next_run_succeeds() {
    let test = TestDb::new().await;
    let client = test.client().await;
    // A view of another shape under one of our names can't be replaced: an error in the middle of the objects.
    client
        .batch_execute(
            "update neurolink_meta set value = 'old' where key = 'objects_checksum';
             drop view neurolink_queue_health; create view neurolink_queue_health as select 1 as one;
             drop function neurolink_epoch()",
        )
        .await
        .unwrap();
    let error = migrate::run(&test.db()).await.unwrap_err().chain();
    assert!(error.contains("views/queue.sql"), "{error}");
    let half: bool = client
        .query_one("select to_regproc('neurolink_epoch') is not null", &[])
        .await
        .unwrap()
        .get(0);
    assert!(!half, "functions come before views, and went with them");
    client
        .batch_execute("drop view neurolink_queue_health")
        .await
        .unwrap();
    assert!(migrate::run(&test.db()).await.unwrap().objects_applied);
}

#[tokio::test]
async fn an_upgrade_waits_for_an_open_transaction_without_standing_before_other_inserts() {
    let test = TestDb::new().await;
    let mut erp = test.client().await;
    let other = test.client().await;
    other
        .batch_execute("update neurolink_meta set value = 'old' where key = 'objects_checksum'")
        .await
        .unwrap();
    let insert = "insert into neurolink_events (source_module, event_type, payload) values ('sales', 'order.created', '{}')";
    let open = erp.transaction().await.unwrap();
    open.execute(insert, &[]).await.unwrap();
    let db = test.db();
    let upgrade = tokio::spawn(async move { migrate::run(&db).await });
    // Until the upgrade queues for the lock that the open transaction holds.
    let waiting = "select count(*) from pg_locks where not granted and relation = 'neurolink_events'::regclass";
    let watcher = test.client().await;
    while watcher
        .query_one(waiting, &[])
        .await
        .unwrap()
        .get::<_, i64>(0)
        == 0
    {
        tokio::task::yield_now().await;
    }
    other
        .batch_execute("set statement_timeout = '5s'")
        .await
        .unwrap();
    let begun = std::time::Instant::now();
    other.execute(insert, &[]).await.unwrap();
    assert!(begun.elapsed() < std::time::Duration::from_secs(3));
    assert!(!upgrade.is_finished());
    open.commit().await.unwrap();
    assert!(upgrade.await.unwrap().unwrap().objects_applied);
}
