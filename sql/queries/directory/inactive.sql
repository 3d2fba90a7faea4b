-- People who would be told if they were active: they hold one of the roles, are in one of the groups or are named. For previews; what a
-- batch asks is find.sql, which says how a view without groups is read.
-- $1 role text[], $2 user id text[], $3 group text[], $4 limit bigint
-- One row a person, in order of id, each with how many there are.
select d.id::text as id, coalesce(d.display_name::text, '') as display_name, count(*) over () as every
  from (select '{}'::text[] as groups) as absent
 cross join lateral (select v.*, groups as own_groups from neurolink_directory v) as d
 where not coalesce(d.is_active::text::boolean, true) and d.id is not null
   and (d.roles::text[] && $1::text[] or d.id::text = any ($2::text[]) or d.own_groups::text[] && $3::text[])
 order by d.id::text collate "C"
 limit $4
