-- The wake: NOTIFY only when somebody sleeps (src/queue/bell.rs holds the other half of the protocol).
--
-- A transaction that has called NOTIFY takes a lock on the whole server while it commits. So a sleeping node holds the
-- advisory lock K exclusively, and an inserter that gets K shared knows that nobody sleeps. It keeps K until after its
-- rows are visible, so a node that gets K exclusively knows that no open transaction has skipped its NOTIFY.
-- Try-locks never wait, and are not MVCC, so this holds under REPEATABLE READ too.

-- The second key of K and S: of this schema, so that two NeuroLinks in one database don't share them.
create or replace function neurolink_lock_key() returns integer
language sql stable security definer set search_path = @schema@, pg_temp as $$
    select hashtext(n.nspname::text) from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.oid = 'neurolink_jobs'::regclass
$$;
revoke execute on function neurolink_lock_key() from public;

create or replace function neurolink_jobs_wake() returns trigger
language plpgsql security definer set search_path = @schema@, pg_temp as $$
begin
    -- A statement trigger fires for zero rows too (on conflict do nothing, insert … select of nothing).
    -- The cast matters: without it, somebody who may create functions in our schema could offer a hashtext(name) that fits
    -- better than PostgreSQL's own, and it would run with our rights.
    if exists (select from new_jobs) and not pg_try_advisory_xact_lock_shared(1313625931, hashtext(tg_table_schema::text)) then
        perform pg_notify('neurolink_wake', '');
    end if;
    return null;
end $$;
revoke execute on function neurolink_jobs_wake() from public;
