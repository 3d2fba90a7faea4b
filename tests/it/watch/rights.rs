//! Who may watch what, and that nobody's code runs with our rights.

use super::{deeds, payloads, refused, run};
use crate::support::TestDb;

#[tokio::test]
async fn whoever_may_make_a_trigger_on_a_table_may_watch_it_and_its_writers_need_no_right_of_ours()
{
    let db = TestDb::new().await;
    let owner = db.client().await;
    run(
        &owner,
        "create table t (id int primary key); grant select, insert on t to neurolink_readonly;
         create table mine (id int primary key); alter table mine owner to neurolink_admin",
    )
    .await;
    let admin = db.client().await;
    run(&admin, "set role neurolink_admin").await;
    let (code, said) = refused(&admin, "select neurolink_watch('t', 't.x')").await;
    assert_eq!(code, "42501", "{said}");
    run(&owner, "grant trigger on t to neurolink_admin").await;
    run(
        &admin,
        "select neurolink_watch('t', 't.x'); select neurolink_watch('mine', 'mine.x')",
    )
    .await;
    // A writer that may not even see our tables.
    let writer = db.client().await;
    run(
        &writer,
        "set role neurolink_readonly; insert into t values (1)",
    )
    .await;
    assert_eq!(deeds(&owner).await, ["insert 1"]);
    // What an admin was lent for making the trigger is taken back: the function is for no other table.
    let (code, _) = refused(
        &admin,
        "create table other (id int); create trigger x after insert on other referencing new table as new_rows
         for each statement execute function neurolink_watch_1()",
    )
    .await;
    assert_eq!(code, "42501");
    // Only a table's owner takes triggers away.
    assert_eq!(
        refused(&admin, "select neurolink_unwatch('t.x')").await.0,
        "42501"
    );
    run(&admin, "select neurolink_unwatch('mine.x')").await;
    run(&owner, "select neurolink_unwatch('t.x')").await;
    for role in ["neurolink_readonly", "neurolink_producer"] {
        run(&writer, &format!("set role {role}")).await;
        for call in [
            "neurolink_watch('t', 't.x')",
            "neurolink_unwatch('t.x')",
            "neurolink_watch_failed(1, 'x')",
            "neurolink_watch_mend(1, 'insert')",
        ] {
            assert_eq!(
                refused(&writer, &format!("select {call}")).await.0,
                "42501",
                "{role} {call}"
            );
        }
    }
}

#[tokio::test]
async fn a_watch_of_somebody_else_s_table_is_not_changed_or_taken_by_a_name() {
    let db = TestDb::new().await;
    let owner = db.client().await;
    run(
        &owner,
        "create table theirs (id int primary key); select neurolink_watch('theirs', 't.x');
                 create table mine (id int primary key); alter table mine owner to neurolink_admin",
    )
    .await;
    let admin = db.client().await;
    run(&admin, "set role neurolink_admin").await;
    assert_eq!(
        refused(&admin, "select neurolink_watch('mine', 't.x')")
            .await
            .0,
        "42710"
    );
    assert_eq!(
        refused(
            &admin,
            "select neurolink_watch('theirs', 't.x', severity => 'critical')"
        )
        .await
        .0,
        "42501"
    );
    assert_eq!(
        refused(&admin, "select neurolink_unwatch('t.x')").await.0,
        "42501"
    );
    assert_eq!(
        refused(&admin, "select neurolink_watch_forget(1)").await.0,
        "42501"
    );
}

#[tokio::test]
async fn types_with_casts_and_operators_of_their_own_run_nothing_with_our_rights() {
    let db = TestDb::new().await;
    let owner = db.client().await;
    // A role that owns a table, and a type whose cast to json would make it an admin of ours if it ran as us.
    run(
        &owner,
        "create schema erp; grant create, usage on schema erp to neurolink_admin; create table ran (who text); grant insert on ran to public;
         grant create on schema public to neurolink_admin",
    )
    .await;
    let admin = db.client().await;
    run(
        &admin,
        "set role neurolink_admin;
         create type erp.evil as enum ('a', 'b');
         create function erp.evil_json(erp.evil) returns json language plpgsql as $$ begin insert into ran values (current_user); return '1'; end $$;
         create cast (erp.evil as json) with function erp.evil_json(erp.evil);
         create function erp.evil_text(erp.evil) returns text language plpgsql as $$ begin insert into ran values (current_user); return 'x'; end $$;
         create cast (erp.evil as text) with function erp.evil_text(erp.evil);
         create function public.evil_eq(erp.evil, erp.evil) returns boolean language plpgsql as $$ begin insert into ran values (current_user); return true; end $$;
         create operator public.= (leftarg = erp.evil, rightarg = erp.evil, function = public.evil_eq);
         create function public.format(text, erp.evil) returns text language plpgsql as $$ begin insert into ran values (current_user); return 'x'; end $$;
         create function public.to_jsonb(erp.evil) returns jsonb language plpgsql as $$ begin insert into ran values (current_user); return '1'; end $$;
         create domain erp.soft as erp.evil;
         create type erp.pair as (x erp.evil);
         create table erp.t (k erp.evil primary key, one erp.evil, many erp.evil[], soft erp.soft, pair erp.pair, later text, n int);
         select neurolink_watch('erp.t', 't.x', entity_id => 'one', branch_id => 'soft', actor_id => 'k');
         insert into erp.t values ('a', 'a', '{a,b}', 'b', row('b'), 'a', 1);
         update erp.t set one = 'b', many = '{b}', later = 'b';
         alter table erp.t alter column later type erp.evil using later::erp.evil;
         alter table erp.t alter column n type erp.evil using 'a'::erp.evil;
         update erp.t set one = 'a', later = 'a', n = 'b';
         update erp.t set k = 'b'",
    )
    .await;
    let ran: i64 = owner
        .query_one(
            "select count(*) from ran where who <> 'neurolink_admin'",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_eq!(ran, 0, "somebody's code ran with our rights");
    let found = payloads(&owner).await;
    assert_eq!(found.len(), 5);
    assert_eq!(found[2]["n"], "b");
    assert_eq!(
        (&found[0]["many"], &found[0]["pair"]),
        (&"{a,b}".into(), &"(b)".into())
    );
}
