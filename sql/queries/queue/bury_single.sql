-- Gives an event job up after its last attempt, if the claim still holds: kept in neurolink_dead_jobs with its error, and
-- the event gets an outcome that says so (unless it has one).
-- $1 job bigint, $2 attempt int, $3 worker uuid, $4 error text
with gone as (
    delete from neurolink_jobs where id = $1 and attempt = $2 and claimed_by = $3
    returning id, kind, ref_id, lane, attempt, max_attempts, created_at
), kept as (
    insert into neurolink_dead_jobs (id, kind, ref_id, lane, attempt, max_attempts, last_error, created_at)
    select id, kind, ref_id, lane, attempt, max_attempts, $4, created_at from gone
)
insert into neurolink_event_outcomes (event_id, error)
select ref_id, $4 from gone
on conflict (event_id) do nothing
