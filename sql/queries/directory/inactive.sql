-- People who would be told if they were active: they hold one of the roles or are named. For previews; what a batch asks is find.sql.
-- $1 role text[], $2 user id text[], $3 limit bigint
-- One row a person, in order of id, each with how many there are.
select d.id::text as id, coalesce(d.display_name::text, '') as display_name, count(*) over () as every
  from neurolink_directory d
 where not coalesce(d.is_active::text::boolean, true) and (d.roles::text[] && $1::text[] or d.id::text = any ($2::text[]))
 order by d.id::text collate "C"
 limit $3
