-- Dead jobs return to the queue (sql/functions/steering.sql).
-- $1 id bigint[], $2 the caller's branches text[] (null = all)
-- One row a job that was there.
select neurolink_retry_jobs($1, $2) as id
