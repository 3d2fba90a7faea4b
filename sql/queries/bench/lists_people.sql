-- People of many branches, for the measurement of lists: ids u1 to un, a hundred roles, as many groups, fifty branches, a few of all of them.
-- $1 how many bigint
insert into neurolink_users (id, display_name, email, roles, groups, branch_ids, manager_id, locale, timezone)
select 'u' || n, (array['Ali', 'Nadia', 'Dina', 'Omar', 'Zainab', 'Hassan', 'Sara', 'Mustafa'])[1 + n % 8] || ' ' || n, 'person' || n || '@tsh.example',
       array['role_' || n % 100], array['group_' || n % 100], case when n % 500 = 0 then '{*}' else array['B' || 1 + n % 50] end, 'u' || 1 + n / 10,
       case n % 2 when 0 then 'ar-IQ' else 'en' end, 'UTC'
  from generate_series(1, $1::bigint) as n
