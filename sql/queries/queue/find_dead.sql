-- The ids of a page of dead jobs by filter (sql/functions/find.sql), newest first.
-- $1 filter (JSON text), $2 below this id bigint or null, $3 the caller's branches text[] (null = all), $4 at most int
-- One row a job.
select id from neurolink_find_dead_jobs($1::text::jsonb, $2::bigint, $3::text[], $4::int) as id
