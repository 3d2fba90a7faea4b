-- Purpose: which of the roles that sql/grants speaks of exist, so that one created later gets its rights.
-- Parameters: none
-- Rows: one: roles (comma-separated, empty when none)
select coalesce(string_agg(rolname::text, ',' order by rolname), '')::text as roles
  from pg_roles where rolname in ('neurolink_admin', 'neurolink_producer', 'neurolink_readonly')
