-- ERP tables as sources: does each watch work, and if not, why? definition makes it again.
create or replace view neurolink_watch_health as
select w.name, coalesce(t.name, w.relation::oid::text) as relation, w.event_type, w.operations, w.columns,
       case when t.name is null then 'table_gone'
            when g.missing is not null then 'column_gone'
            when p.oid is null or g.triggers < cardinality(w.operations) then 'trigger_gone'
            when g.switched_off then 'trigger_off'
            when g.keyless then 'key_gone'
            when g.is_failing then 'failing'
            else 'ok' end as state,
       case when t.name is null then 'the table is gone'
            when g.missing is not null then 'the table has no column ' || g.missing || ' any more'
            when p.oid is null or g.triggers < cardinality(w.operations) then 'its triggers are gone, or some of them'
            when g.switched_off then 'its triggers are switched off, or some of them'
            when g.keyless then 'the table has no key any more, by which the old and the new rows of an update are paired'
            when g.is_failing
                then format('%s (last at %s; statements that have lost events: at least %s)', w.last_error,
                            to_char(w.last_failed_at, 'YYYY-MM-DD HH24:MI:SSOF'), w.failed_count) end as detail,
       w.failed_count, w.last_error, w.last_failed_at, w.created_by, w.created_at, w.changed_at,
       format('select neurolink_watch(%L, event_type => %L', coalesce(t.name, w.relation::oid::text), w.event_type)
           || coalesce(', columns => ' || quote_literal(w.columns), '') || format(', source_module => %L', w.source_module)
           || coalesce(', entity_type => ' || quote_literal(w.entity_type), '') || coalesce(', entity_id => ' || quote_literal(w.entity_id), '')
           || coalesce(', branch_id => ' || quote_literal(w.branch_id), '') || coalesce(', actor_id => ' || quote_literal(w.actor_id), '')
           || coalesce(', payload_columns => ' || quote_literal(w.payload_columns), '')
           || case when w.without_columns <> '{}' then format(', without_columns => %L', w.without_columns) else '' end
           || format(', operations => %L, severity => %L, name => %L)', w.operations, w.severity, w.name) as definition
  from neurolink_watches w
  left join lateral (select format('%I.%I', n.nspname, c.relname) as name
                       from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = w.relation::oid) t on true
  left join pg_proc p on p.proname = 'neurolink_watch_' || w.id and p.pronamespace = (select c.relnamespace from pg_class c where c.oid = 'neurolink_watches'::regclass)
 cross join lateral (
       select (select count(*) from pg_trigger r where r.tgrelid = w.relation::oid and r.tgname = any (o.names)) as triggers,
              exists (select from pg_trigger r where r.tgrelid = w.relation::oid and r.tgname = any (o.names) and r.tgenabled not in ('O', 'A')) as switched_off,
              -- A column or a key that was gone and is there again is a reason that is over: the watch works.
              w.last_failed_at > greatest(w.changed_at, now() - interval '1 day')
                  and w.last_error not like 'neurolink_watch: a column it watches is gone: %'
                  and w.last_error not like 'the key of % is gone, by which %' as is_failing,
              'update' = any (w.operations) and not exists ( -- as neurolink_watch_key() has it, which who looks may not call
                  select from pg_index i
                   where i.indrelid = w.relation::oid and i.indisunique and i.indimmediate and i.indisvalid and i.indpred is null and i.indexprs is null
                     and (select bool_and(a.attnotnull)
                            from unnest(i.indkey::int2[]) with ordinality as k (attnum, nth)
                            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
                           where k.nth <= i.indnkeyatts)) as keyless,
              (select string_agg(quote_ident(m.name), ', ')
                 from unnest(w.columns || array_remove(array[w.entity_id, w.branch_id, w.actor_id], null)) as m (name)
                where not exists (select from pg_attribute a where a.attrelid = w.relation::oid and a.attname = m.name and a.attnum > 0 and not a.attisdropped)) as missing
         from (select array(select 'neurolink_watch_' || w.id || '_' || u from unnest(w.operations) u) as names) o) g;
comment on view neurolink_watch_health is
    'ERP tables whose changes are events. state: ok, failing (events were lost since yesterday), column_gone, key_gone (updates can''t be paired), trigger_off, trigger_gone, table_gone';
comment on column neurolink_watch_health.failed_count is
    'Statements of the ERP whose events were lost: at least so many, since nobody waits to be counted. The first hundred one by one, then one a second';
comment on column neurolink_watch_health.last_error is 'Why the last one that was counted lost its events; last_failed_at says when';
comment on column neurolink_watches.failed_count is 'Statements of the ERP whose events were lost, at least: the first hundred one by one, then one a second';
comment on column neurolink_watches.last_error is 'Why, the last time that was counted';
