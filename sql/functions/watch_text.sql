-- What the triggers of watches run: a function a watch, written from its row. One statement of the ERP is one insert … select of
-- ours, in one subtransaction, whatever the number of rows; what fails in it costs the events and never the ERP's write.

-- Expressions, with commas between: entity, branch and actor of an event about the row at this place.
create or replace function neurolink_watch_ids(watch neurolink_watches, place text) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    select pg_catalog.string_agg(coalesce('nullif(pg_catalog.left(' || i.value || ', 128), '''')', 'null'), ', ' order by i.nth)
      from (values
            (1, coalesce('pg_catalog.format(''%s'', ' || place || '.' || pg_catalog.quote_ident(watch.entity_id) || ')',
                         (select 'pg_catalog.concat_ws('':'', '
                                 || pg_catalog.string_agg(pg_catalog.format('pg_catalog.format(''%%s'', %s.%I)', place, k.name), ', ' order by k.nth) || ')'
                            from pg_catalog.unnest(neurolink_watch_key(watch.relation)) with ordinality as k (name, nth)))),
            (2, case when watch.branch_id is not null then pg_catalog.format('pg_catalog.format(''%%s'', %s.%I)', place, watch.branch_id) end),
            (3, case when watch.actor_id is not null then pg_catalog.format('pg_catalog.format(''%%s'', %s.%I)', place, watch.actor_id)
                     else 'pg_catalog.current_setting(''neurolink.actor'', true)' end)) as i (nth, value)
$$;
revoke execute on function neurolink_watch_ids(neurolink_watches, text) from public;

-- An insert … select of events.
create or replace function neurolink_watch_insert(watch neurolink_watches, ids text, payload text, source text) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    select pg_catalog.format(
        'insert into neurolink_events (source_module, event_type, severity, occurred_at, entity_type, entity_id, branch_id, actor_id, payload)'
        || E'\n        select %L, %L, %L, pg_catalog.clock_timestamp(), %L, %s,\n               %s\n          %s',
        watch.source_module, watch.event_type, watch.severity, watch.entity_type, ids, payload, source)
$$;
revoke execute on function neurolink_watch_insert(neurolink_watches, text, text, text) from public;

-- The insert of one operation's events, as the table is now; null where that isn't watched. What a payload gives besides the row's
-- columns: operation; old and new, the columns that are watched; and of an update which of them changed. An update's takes every
-- pair for a true one (watch_update.sql).
create or replace function neurolink_watch_statement(watch neurolink_watches, operation text) returns text
language plpgsql stable set search_path = @schema@, pg_temp as $$
declare
    v_told text[];
    v_watched text[];
    v_did constant text := ' || pg_catalog.jsonb_build_object(''operation'', %L, %s)';
    v_came text;
    v_went text;
begin
    if operation = 'update' and neurolink_watch_key(watch.relation) = '{}' then
        raise exception 'the key of % is gone, by which the old and the new rows of an update are paired', watch.relation
            using errcode = 'invalid_parameter_value';
    end if;
    perform neurolink_watch_columns(watch.relation, 'a column it watches is gone',
                                    watch.columns || pg_catalog.array_remove(array[watch.entity_id, watch.branch_id, watch.actor_id], null));
    v_told := neurolink_watch_told(watch);
    v_watched := coalesce(watch.columns, v_told);
    v_came := neurolink_watch_row(watch.relation, 'n', v_told)
              || pg_catalog.format(v_did, 'insert', '''new'', ' || neurolink_watch_object_of(watch.relation, 'n', v_watched));
    v_went := neurolink_watch_row(watch.relation, 'o', v_told)
              || pg_catalog.format(v_did, 'delete', '''old'', ' || neurolink_watch_object_of(watch.relation, 'o', v_watched));
    return case when operation <> all (watch.operations) then null
                when operation = 'insert' then neurolink_watch_insert(watch, neurolink_watch_ids(watch, 'n'), v_came, 'from new_rows n')
                when operation = 'delete' then neurolink_watch_insert(watch, neurolink_watch_ids(watch, 'o'), v_went, 'from old_rows o')
                else neurolink_watch_update(watch, v_told, v_watched, v_came, v_went) end;
end $$;
revoke execute on function neurolink_watch_statement(neurolink_watches, text) from public;

-- The text of a watch's function. A column that is there no more and isn't watched itself costs nothing: the text is written anew.
-- What fails is noted after the subtransaction, so that a lock is waited for once (watch_run.sql).
create or replace function neurolink_watch_body(watch neurolink_watches) returns text
language plpgsql stable set search_path = @schema@, pg_temp as $$
declare
    v_operation text;
    v_parts text := '';
begin
    foreach v_operation in array watch.operations loop
        v_parts := v_parts || pg_catalog.format(E'        if tg_op = %L then\n            %s;\n        end if;\n', pg_catalog.upper(v_operation),
            case when v_operation = 'update' then neurolink_watch_update_body(watch) else neurolink_watch_statement(watch, v_operation) end);
    end loop;
    return pg_catalog.format($body$
#variable_conflict use_column
declare
    v_differs boolean;
    v_is_sound boolean;
    v_fault text;
    v_code text;
begin
    begin
        if pg_catalog.current_setting('statement_timeout') <> '0' or pg_catalog.current_setting('transaction_timeout', true) <> '0'
           or pg_catalog.current_setting('neurolink.watch_waited', true) = 'on' then
            perform pg_catalog.set_config('lock_timeout', neurolink_watch_patience(), true);
        end if;
%1$s    exception when undefined_column then
        begin
            execute neurolink_watch_mend(%2$s, tg_op) into v_fault;
        exception when others then
            v_fault := sqlerrm;
            v_code := sqlstate;
        end;
    when others then
        v_fault := sqlerrm;
        v_code := sqlstate;
    end;
    if v_code = '55P03' then
        perform pg_catalog.set_config('neurolink.watch_waited', 'on', true);
    end if;
    if v_fault is not null then
        begin
            perform neurolink_watch_failed(%2$s, v_fault);
        exception when others then null;
        end;
    end if;
    return null;
end $body$, v_parts, watch.id);
end $$;
revoke execute on function neurolink_watch_body(neurolink_watches) from public;

-- Makes or renews a watch's function. A lock of ours holds the ERP up for a fifth of a second at most, and for less where
-- neurolink_watch_patience() says so; then its write goes on without events.
create or replace function neurolink_watch_define(watch neurolink_watches) returns void
language plpgsql security definer set search_path = @schema@, pg_temp as $$
declare
    v_schema constant text := (select n.nspname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                                where c.oid = 'neurolink_watches'::regclass::oid);
    v_function constant text := neurolink_watch_object(watch.id);
    v_is_new constant boolean := pg_catalog.to_regprocedure(pg_catalog.format('%I()', v_function)) is null;
begin
    execute pg_catalog.format('create or replace function %I.%I() returns trigger language plpgsql security definer '
                              || 'set search_path = %I, pg_temp set lock_timeout = ''200ms'' as %L',
                              v_schema, v_function, v_schema, neurolink_watch_body(watch));
    if v_is_new then
        execute pg_catalog.format('revoke execute on function %I.%I() from public', v_schema, v_function);
    end if;
end $$;
revoke execute on function neurolink_watch_define(neurolink_watches) from public;

-- Every watch's function written anew, by a migrate that may have brought a better text. One that can't be is as it was.
create or replace function neurolink_watch_renew() returns void
language plpgsql security definer set search_path = @schema@, pg_temp as $$
declare
    v_watch neurolink_watches;
begin
    for v_watch in select w.* from neurolink_watches w join pg_catalog.pg_class c on c.oid = w.relation::oid order by w.id loop
        begin
            perform neurolink_watch_define(v_watch);
        exception when others then
            perform neurolink_watch_failed(v_watch.id, sqlerrm);
        end;
    end loop;
end $$;
revoke execute on function neurolink_watch_renew() from public;
