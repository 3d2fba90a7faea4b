-- What the role that NeuroLink connects as may not do, and must: read and write tables, call functions. Its owner may all.
-- Parameters: none
-- Rows: what (a table or function), lacking (privileges, comma-separated)
with ours as (
    select c.relnamespace as schema from pg_class c where c.oid = to_regclass('neurolink_jobs')
)
select t.what, t.lacking from (
select c.relname::text as what,
       (select string_agg(p, ', ') from unnest(array['select', 'insert', 'update', 'delete']) p
         where not has_table_privilege(c.oid, p)
           and not (p <> 'select' and c.relname in ('neurolink_schema_history', 'neurolink_meta'))
           and not (p in ('update', 'delete') and c.relname = 'neurolink_audit_log')) as lacking
  from ours join pg_class c on c.relnamespace = ours.schema
 where c.relkind = 'r' and c.relname like 'neurolink\_%'
union all
select c.relname::text, 'select'
  from ours join pg_class c on c.relnamespace = ours.schema
 where c.relkind in ('v', 'm') and c.relname like 'neurolink\_%' and not has_table_privilege(c.oid, 'select')
union all
select p.oid::regprocedure::text, 'execute'
  from ours join pg_proc p on p.pronamespace = ours.schema
 where p.proname like 'neurolink\_%' and p.prorettype <> 'trigger'::regtype and not has_function_privilege(p.oid, 'execute')) t
 where t.lacking is not null
 order by 1
