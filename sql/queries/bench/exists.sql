-- Whether a schema is there.
-- $1 its name text
-- One row, or none.
select nspname::text as schema from pg_namespace where nspname = $1::text
