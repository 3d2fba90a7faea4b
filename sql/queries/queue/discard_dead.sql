-- Dead jobs go for good (sql/functions/steering.sql).
-- $1 id bigint[], $2 the caller's branches text[] (null = all)
-- One row a job that was there.
select neurolink_discard_jobs($1, $2) as id
