-- An alarm could not be acted on: tried again after a while, or given up (neurolink_dead_jobs).
-- $1 job bigint, $2 wait in milliseconds bigint, $3 why text, $4 whether it may be given up for that bool (what only wants a lock or time
-- isn't: its attempts grow no further than two below the most, so that its waits grow, and what breaks then still has two)
-- One row: is_dead; none = the job is somebody else's, or gone.
with job as (
    select id, $4::bool and attempt + 1 >= max_attempts as is_dead from neurolink_jobs where id = $1 for update skip locked
), dead as (
    delete from neurolink_jobs j using job where j.id = job.id and job.is_dead
    returning j.id, j.kind, j.ref_id, j.lane, j.attempt + 1 as attempt, j.max_attempts, j.created_at
), buried as (
    insert into neurolink_dead_jobs (id, kind, ref_id, lane, attempt, max_attempts, last_error, created_at)
    select id, kind, ref_id, lane, attempt, max_attempts, $3, created_at from dead
), again as (
    update neurolink_jobs j set attempt = case when $4 then attempt + 1 else greatest(attempt, least(attempt + 1, max_attempts - 2)) end, run_at = now() + $2::bigint * interval '1 millisecond', last_error = $3
      from job where j.id = job.id and not job.is_dead
)
select is_dead from job
