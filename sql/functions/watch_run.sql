-- What the triggers of watches call while the ERP writes, and only when something isn't as it should be: a lock of ours is held,
-- a table has changed its columns, events are lost. Nobody may call these but the functions that watch_text.sql writes.

-- How long a statement of the ERP may wait for a lock of ours: a fifth of a second, a tenth of what its own timeouts have left
-- (a trigger may wait for some tables in turn), and no more at all once its transaction has waited in vain, since 100 statements
-- would hold the ERP's own locks for 20 s.
create or replace function neurolink_watch_patience() returns text
language sql volatile set search_path = @schema@, pg_temp as $$
    select case when pg_catalog.current_setting('neurolink.watch_waited', true) = 'on' then '1ms'
                else (select greatest(1, least(200, pg_catalog.round(100 * extract(epoch from min(t.ends_at) - pg_catalog.clock_timestamp()))))::text || 'ms'
                        from (values (pg_catalog.statement_timestamp() + nullif(pg_catalog.current_setting('statement_timeout'), '0')::interval),
                                     (pg_catalog.transaction_timestamp() + nullif(pg_catalog.current_setting('transaction_timeout', true), '0')::interval))
                          as t (ends_at)) end
$$;
revoke execute on function neurolink_watch_patience() from public;

-- For a trigger whose text doesn't fit the table any more, or whose key no longer tells rows apart: writes it anew if it would be another
-- one, unless somebody is at it, and gives the one statement. That gives a row, with the reason, where events had to be left out.
create or replace function neurolink_watch_mend(id bigint, operation text) returns text
language plpgsql security definer set search_path = @schema@, pg_temp as $$
declare
    v_watch neurolink_watches;
    v_statement text;
begin
    select * into strict v_watch from neurolink_watches w where w.id = neurolink_watch_mend.id;
    v_statement := neurolink_watch_statement(v_watch, pg_catalog.lower(operation));
    if neurolink_watch_body(v_watch) is distinct from
           (select p.prosrc from pg_catalog.pg_proc p where p.oid = pg_catalog.to_regprocedure(neurolink_watch_object(v_watch.id) || '()')::oid)
       and pg_catalog.pg_try_advisory_xact_lock(1313625943, (v_watch.id % 2147483647)::integer) then
        perform neurolink_watch_define(v_watch);
    end if;
    return case when operation = 'UPDATE' then neurolink_watch_sure(v_watch)
                else 'with made as (' || v_statement || ') select null::text where false' end;
end $$;
revoke execute on function neurolink_watch_mend(bigint, text) from public;

-- Notes that a statement's events were lost. Waits for nobody, not even for a lock of the whole table, and so counts "at least": not while
-- another transaction has the row. The first hundred are counted one by one, what comes after them once a second, since every count is a
-- version of a row that a long transaction's vacuum can't clean up, and who comes next walks along them. The server's log has a line a
-- minute, or when the reason is another.
create or replace function neurolink_watch_failed(id bigint, message text) returns void
language plpgsql security definer set lock_timeout = '1ms' set search_path = @schema@, pg_temp as $$
#variable_conflict use_column
declare
    v_message constant text := pg_catalog.left(neurolink_watch_failed.message, 500);
    v_before record;
begin
    select w.id, w.name, w.last_error, w.last_failed_at into v_before from neurolink_watches w
     where w.id = neurolink_watch_failed.id
       and (w.failed_count < 100 or w.last_failed_at is null or w.last_failed_at < pg_catalog.clock_timestamp() - interval '1 second')
       for update skip locked;
    if not found then
        return;
    end if;
    update neurolink_watches w
       set failed_count = w.failed_count + 1, last_error = v_message, last_failed_at = pg_catalog.clock_timestamp()
     where w.id = v_before.id;
    if v_before.last_error is distinct from v_message or v_before.last_failed_at < pg_catalog.clock_timestamp() - interval '1 minute' then
        raise log 'neurolink: the watch "%" lost the events of a statement: %', v_before.name, v_message;
    end if;
end $$;
revoke execute on function neurolink_watch_failed(bigint, text) from public;
