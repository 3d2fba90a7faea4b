-- Whether everybody may create objects in our schema: then anybody's function of the right name and arguments could be called by
-- our statements, with our rights. PostgreSQL 14 grants it on "public" by default.
-- Parameters: none
-- Rows: the schema's name, if it is so
select n.nspname::text as schema
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
 where c.oid = to_regclass('neurolink_jobs')
   and exists (select from aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
                where a.grantee = 0 and a.privilege_type = 'CREATE')
