-- Schemas of earlier measurements that nobody holds any more (killed, or the machine went down), unless kept on purpose.
-- $1 the first key of the lock their owners hold int
select n.nspname::text as schema
  from pg_namespace n
 where n.nspname ~ '^neurolink_bench_[0-9a-f]+$' and obj_description(n.oid, 'pg_namespace') is distinct from 'kept'
   and pg_try_advisory_xact_lock($1, hashtext(n.nspname))
