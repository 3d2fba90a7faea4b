-- What there is of what rules name, by the directory view: roles that somebody active holds, groups that somebody active is in,
-- people. A view may have no groups: see directory/find.sql.
-- $1 role text[], $2 group text[], $3 user id text[], $4 JSON text: [{"role", "branches"}]
-- One row a thing that is there: kind (role, group, active, inactive, placed), name (of what is placed: which of $4, from 1).
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
union all
select 'placed', p.nth::text
  from jsonb_array_elements($4::text::jsonb) with ordinality as p (one, nth)
 -- Made once for each, not for each person.
 cross join lateral (
       select array(select jsonb_array_elements_text(p.one -> 'branches') union all select '*') as branches offset 0) b
 where exists (select from neurolink_directory d
                where d.roles::text[] && array[p.one ->> 'role'] and coalesce(d.is_active::text::boolean, true)
                  and d.branch_ids::text[] && b.branches)
