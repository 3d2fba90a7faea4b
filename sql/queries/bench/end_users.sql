-- Ends the sessions that hold a lock on a table of a schema, but for ours.
-- $1 schema text
select pg_terminate_backend(pid)
  from (select distinct l.pid
          from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
         where l.database = (select oid from pg_database where datname = current_database())
           and n.nspname = $1::text and l.pid <> pg_backend_pid()) as held
