-- The ids of a page of deliveries by filter (sql/functions/find.sql).
-- $1 filter (JSON text), $2 below this id bigint or null, $3 the caller's branches text[] (null = all), $4 ids at most int,
-- $5 rows to look at, at most int
-- One row: ids newest first; below which id to go on (null = nothing more).
select ids, reached from neurolink_find_deliveries($1::text::jsonb, $2::bigint, $3::text[], $4::int, $5::int)
