-- Which of our triggers, views and functions are gone or switched off, and which of our indexes are not valid.
-- Parameters: $1 triggers text[], $2 views text[], $3 functions text[]
-- Rows: kind (trigger, view, function, index), name, its table or null, state (missing, disabled, invalid)
with ours as (
    select c.relnamespace as schema from pg_class c where c.oid = to_regclass('neurolink_jobs')
), triggers as (
    select t.tgname::text as name, c.relname::text as relation, t.tgenabled
      from ours join pg_class c on c.relnamespace = ours.schema join pg_trigger t on t.tgrelid = c.oid
     where not t.tgisinternal
)
select 'trigger' as kind, e.name, t.relation, case when t.name is null then 'missing' else 'disabled' end as state
  from unnest($1::text[]) as e (name) left join triggers t on t.name = e.name
 where t.name is null or t.tgenabled not in ('O', 'A')
union all
select 'view', e.name, null, 'missing'
  from unnest($2::text[]) as e (name)
 where not exists (select from ours join pg_class c on c.relnamespace = ours.schema where c.relname = e.name)
union all
select 'function', e.name, null, 'missing'
  from unnest($3::text[]) as e (name)
 where not exists (select from ours join pg_proc p on p.pronamespace = ours.schema where p.proname = e.name)
union all
select 'index', x.relname::text, c.relname::text, 'invalid'
  from ours join pg_class c on c.relnamespace = ours.schema join pg_index i on i.indrelid = c.oid join pg_class x on x.oid = i.indexrelid
 where c.relname like 'neurolink\_%' and not i.indisvalid
 order by 1, 2
