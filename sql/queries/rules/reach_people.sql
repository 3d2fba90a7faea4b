-- What there is of what rules name, by the directory view: roles that somebody active holds, groups that somebody active is in,
-- people. A view may have no groups: see directory/find.sql.
-- $1 role text[], $2 group text[], $3 user id text[]
-- One row a thing that is there: kind (role, group, active, inactive), name.
select 'role' as kind, r.name
  from unnest($1::text[]) as r (name)
 where exists (select from neurolink_directory d
                where d.roles::text[] && array[r.name] and coalesce(d.is_active::text::boolean, true))
union all
select 'group', g.name
  from unnest($2::text[]) as g (name)
 where exists (select from (select '{}'::text[] as groups) as absent
                cross join lateral (select v.is_active, groups as own_groups from neurolink_directory v) as d
                where d.own_groups::text[] && array[g.name] and coalesce(d.is_active::text::boolean, true))
union all
select case when coalesce(d.is_active::text::boolean, true) then 'active' else 'inactive' end, d.id::text
  from neurolink_directory d where d.id::text = any ($3::text[])
