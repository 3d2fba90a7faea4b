-- Roles and groups that there are, for "did you mean": of the first 5 000 people. A view may have no groups: see directory/find.sql.
-- One row: roles text[], groups text[].
with people as materialized (
    select d.roles::text[] as roles, d.own_groups::text[] as own_groups
      from (select '{}'::text[] as groups) as absent
     cross join lateral (select v.roles, groups as own_groups from neurolink_directory v) as d
     limit 5000
)
select array (select distinct r.name from people p, unnest(p.roles) as r (name) where r.name is not null limit 500) as roles,
       array (select distinct g.name from people p, unnest(p.own_groups) as g (name) where g.name is not null limit 500) as groups
