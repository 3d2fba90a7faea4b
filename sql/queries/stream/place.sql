-- Purpose: what names this NeuroLink's channel at Redis.
-- Parameters: none
-- Rows: one: database, schema (of our tables)
select current_database()::text as database, n.nspname::text as schema
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.oid = 'neurolink_inboxes'::regclass
