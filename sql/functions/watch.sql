-- ERP tables as sources: neurolink_watch() makes triggers on a table that put an event in for each row that came, changed or went.
--   select neurolink_watch('invoices', event_type => 'invoice.status_changed', columns => '{status}', source_module => 'invoicing',
--                          entity_type => 'invoice', branch_id => 'branch_id', actor_id => 'updated_by');
--   select * from neurolink_watch_health;
--   select neurolink_unwatch('invoice.status_changed');
-- These two run with the caller's rights, since who makes a trigger must be allowed to by the table's owner. What needs
-- ours stands in watch_keep.sql; what the triggers run is written by watch_text.sql.

-- Watches a table. The same name again replaces what it said before. Gives the watch's name.
-- name: without it, the event type. columns: an update counts when one of these has changed; without it, any of the payload's.
-- entity_id, branch_id, actor_id: columns of the table; without entity_id its key, without actor_id the setting neurolink.actor.
-- payload_columns: what is told of a row; without it every column but bytea and without_columns.
create or replace function neurolink_watch(
    relation regclass, event_type text, columns text[] default null, source_module text default 'erp',
    entity_type text default null, entity_id text default null, branch_id text default null, actor_id text default null,
    payload_columns text[] default null, without_columns text[] default '{}',
    operations text[] default '{insert,update,delete}', severity text default 'info', name text default null
) returns text
language plpgsql set search_path = @schema@, pg_temp as $$
#variable_conflict use_variable
declare
    v_name constant text := coalesce(name, event_type);
    v_table constant text := (select pg_catalog.format('%I.%I', n.nspname, c.relname)
                                from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = relation);
    v_id bigint;
    v_operation text;
    v_trigger text;
    v_state "char";
begin
    v_id := neurolink_watch_keep(v_name, relation, event_type, columns, source_module, entity_type, entity_id, branch_id, actor_id,
                                 payload_columns, without_columns, operations, severity);
    foreach v_operation in array '{insert,update,delete}'::text[] loop
        v_trigger := neurolink_watch_object(v_id) || '_' || v_operation;
        select t.tgenabled into v_state from pg_catalog.pg_trigger t where t.tgrelid = relation and t.tgname = v_trigger;
        if v_operation = any (operations) then
            -- One that is there and on stays: making it anew would wait for the table's writers.
            if v_state is null or v_state not in ('O', 'A') then
                execute pg_catalog.format('create or replace trigger %I after %s on %s referencing %s for each statement execute function %I.%I()',
                    v_trigger, v_operation, v_table,
                    case v_operation when 'insert' then 'new table as new_rows' when 'delete' then 'old table as old_rows'
                                     else 'old table as old_rows new table as new_rows' end,
                    (select n.nspname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                      where c.oid = 'neurolink_watches'::regclass),
                    neurolink_watch_object(v_id));
            end if;
        elsif v_state is not null then
            begin
                execute pg_catalog.format('drop trigger %I on %s', v_trigger, v_table);
            exception when insufficient_privilege then
                null; -- Only the owner may take it away; the function does nothing for it.
            end;
        end if;
    end loop;
    perform neurolink_watch_made(v_id);
    -- A statement's triggers are those of the table that it names.
    if exists (select from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhparent where i.inhparent = relation and c.relkind = 'r') then
        raise notice 'neurolink_watch: tables inherit from %: what is written to them by their own names is not seen', relation
            using hint = 'Watch each of them, too.';
    end if;
    return v_name;
end $$;
comment on function neurolink_watch(regclass, text, text[], text, text, text, text, text, text[], text[], text[], text, text) is
    'Makes events of a table''s changes: select neurolink_watch(''invoices'', event_type => ''invoice.status_changed'', columns => ''{status}''). Needs the right TRIGGER on the table. The same name again replaces it';
revoke execute on function neurolink_watch(regclass, text, text[], text, text, text, text, text, text[], text[], text[], text, text) from public;

-- Takes a watch away, also when its table is gone. Whoever does it must own the table, as for every trigger.
create or replace function neurolink_unwatch(name text) returns void
language plpgsql set search_path = @schema@, pg_temp as $$
declare
    v_watch record;
    v_trigger record;
begin
    select * into v_watch from neurolink_watch_of(neurolink_unwatch.name) f;
    for v_trigger in
        select t.tgname, pg_catalog.format('%I.%I', n.nspname, c.relname) as relation
          from pg_catalog.pg_trigger t
          join pg_catalog.pg_class c on c.oid = t.tgrelid
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where t.tgrelid = v_watch.relation and t.tgname::text like pg_catalog.replace(neurolink_watch_object(v_watch.id), '_', '\_') || '\_%'
    loop
        execute pg_catalog.format('drop trigger %I on %s', v_trigger.tgname, v_trigger.relation);
    end loop;
    perform neurolink_watch_forget(v_watch.id);
end $$;
comment on function neurolink_unwatch(text) is
    'Takes a watch away: select neurolink_unwatch(''invoice.status_changed''). neurolink_watch_health lists them';
revoke execute on function neurolink_unwatch(text) from public;
