-- The epoch of inbox revisions: another server, another timeline (failover, point-in-time recovery), another database or
-- a restored table gives another epoch, and every reader's cursor then says "reload" instead of skipping silently.
create or replace function neurolink_epoch() returns text
language sql stable security definer set search_path = @schema@, pg_temp as $$
    -- No variadic call on values of other types: a function in our schema that fits better would run with our rights.
    select left(md5(
        (select system_identifier::text from pg_control_system()) || '/'
        || case when pg_is_in_recovery() then 'standby' else left(pg_walfile_name(pg_current_wal_lsn()), 8) end || '/'
        || (select oid::text from pg_database where datname = current_database()) || '/'
        || 'neurolink_inboxes'::regclass::oid::text), 8)
$$;
revoke execute on function neurolink_epoch() from public;
