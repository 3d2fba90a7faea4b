-- The company of the measurements: people u1 to un, two a branch, all accountants.
-- $1 how many int
insert into neurolink_users (id, display_name, roles, branch_ids, timezone)
select 'u' || n, 'Person ' || n, '{accountant}', array['B' || (n + 1) / 2], 'UTC'
  from generate_series(1, $1::int) as n
