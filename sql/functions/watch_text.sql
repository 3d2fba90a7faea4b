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

-- Old and new rows pair up by key; where a key has changed, one row is gone and another has come, and these are events if that is
-- watched. A full join is never a nested loop, so a plan made for one row is good for a million.
create or replace function neurolink_watch_pairs(watch neurolink_watches) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    select 'from old_rows o full join new_rows n on '
           || pg_catalog.string_agg(pg_catalog.format('pg_catalog.format(''%%s'', o.%1$I) = pg_catalog.format(''%%s'', n.%1$I)', k.name), ' and ' order by k.nth)
      from pg_catalog.unnest(neurolink_watch_key(watch.relation)) with ordinality as k (name, nth)
$$;
revoke execute on function neurolink_watch_pairs(neurolink_watches) from public;

-- A condition over a pair: it is an event. names: the columns that are watched.
create or replace function neurolink_watch_differs(watch neurolink_watches, names text[]) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    select pg_catalog.format('case when o.%1$I is null then %2$s when n.%1$I is null then %3$s else ', (neurolink_watch_key(watch.relation))[1],
               ('insert' = any (watch.operations))::text, ('delete' = any (watch.operations))::text)
           || pg_catalog.string_agg(pg_catalog.format('%s is distinct from %s', neurolink_watch_column(watch.relation, 'o', w.name),
                                neurolink_watch_column(watch.relation, 'n', w.name)), E'\n               or ' order by w.nth) || ' end'
      from pg_catalog.unnest(names) with ordinality as w (name, nth)
$$;
revoke execute on function neurolink_watch_differs(neurolink_watches, text[]) from public;

create or replace function neurolink_watch_update(watch neurolink_watches, told text[], watched text[], came text, went text) returns text
language sql stable set search_path = @schema@, pg_temp as $$
    with parts as (
        select (select pg_catalog.string_agg(pg_catalog.format('case when %s is distinct from %s then %L end',
                           neurolink_watch_column(watch.relation, 'o', w.name), neurolink_watch_column(watch.relation, 'n', w.name), w.name), ', ' order by w.nth)
                  from pg_catalog.unnest(watched) with ordinality as w (name, nth)) as changed,
               pg_catalog.format('o.%I is null', k.key[1]) as is_come,
               pg_catalog.format('n.%I is null', k.key[1]) as is_gone
          from (select neurolink_watch_key(watch.relation) as key) k
    )
    select neurolink_watch_insert(watch,
               'i.entity_id, i.branch_id, i.actor_id',
               pg_catalog.format(E'case when %s then %s\n               when %s then %s\n               else %s end',
                   p.is_come, case when 'insert' = any (watch.operations) then came else 'null' end,
                   p.is_gone, case when 'delete' = any (watch.operations) then went else 'null' end,
                   neurolink_watch_row(watch.relation, 'n', told)
                   || pg_catalog.format(' || pg_catalog.jsonb_build_object(''operation'', ''update'', ''old'', %s, ''new'', %s, ''changed'', '
                                        || 'pg_catalog.to_jsonb(pg_catalog.array_remove(array[%s], null)))',
                           neurolink_watch_object_of(watch.relation, 'o', watched), neurolink_watch_object_of(watch.relation, 'n', watched), p.changed)),
               pg_catalog.format(E'%s\n         cross join lateral (select %s where not %s union all select %s where %s) as i (entity_id, branch_id, actor_id)\n'
                   || E'         where %s',
                   neurolink_watch_pairs(watch), neurolink_watch_ids(watch, 'n'), p.is_gone, neurolink_watch_ids(watch, 'o'), p.is_gone,
                   neurolink_watch_differs(watch, watched)))
      from parts p
$$;
revoke execute on function neurolink_watch_update(neurolink_watches, text[], text[], text, text) from public;

-- The insert of one operation's events, as the table is now; null where that isn't watched. What a payload gives besides the row's
-- columns: operation; old and new, the columns that are watched; and of an update which of them changed.
create or replace function neurolink_watch_statement(watch neurolink_watches, operation text) returns text
language plpgsql stable set search_path = @schema@, pg_temp as $$
declare
    v_told text[];
    v_watched text[];
    v_did constant text := ' || pg_catalog.jsonb_build_object(''operation'', %L, %s)';
    v_came text;
    v_went text;
begin
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
language sql stable set search_path = @schema@, pg_temp as $$
    select pg_catalog.format($body$
#variable_conflict use_column
declare
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
            execute neurolink_watch_mend(%2$s, tg_op);
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
end $body$,
               -- Most updates change nothing that is watched, and a small statement says so five times as fast as the whole one.
               (select pg_catalog.string_agg(pg_catalog.format(E'        if tg_op = %L then\n    %s    %s;\n    %send if;\n', pg_catalog.upper(o.name),
                           case when o.name = 'update' then pg_catalog.format(E'if exists (select %s\n         where %s) then\n    ', neurolink_watch_pairs(watch),
                               neurolink_watch_differs(watch, coalesce(watch.columns, neurolink_watch_told(watch)))) end,
                           neurolink_watch_statement(watch, o.name), case when o.name = 'update' then 'end if; ' end), '' order by o.name)
                  from pg_catalog.unnest(watch.operations) as o (name)),
               watch.id)
$$;
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
