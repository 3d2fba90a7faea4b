-- Ends the leases of a dead worker at once and records its open attempts as lost. Runs in a transaction that holds the
-- dead worker's advisory lock.
-- $1 the dead worker uuid, $2 its heartbeat as it was seen timestamptz: one that has beaten since (under another lock, while
--    its former session still held the first) lives
-- One row: whether it took jobs (null = it lives, or somebody else was quicker), how many jobs came free.
with gone as (
    delete from neurolink_workers where incarnation = $1 and heartbeat_at = $2 returning incarnation, works
), freed as (
    update neurolink_jobs j set claimed_by = null, run_at = now() from gone
     where j.claimed_by = gone.incarnation
    returning j.id, j.kind, j.ref_id, j.attempt
), lost as (
    insert into neurolink_delivery_attempts (delivery_id, attempt, worker, started_at, outcome, error)
    select ref_id, attempt, $1, now(), 'lost', 'its worker died before an outcome was recorded'
      from freed where kind = 'delivery'
    on conflict (delivery_id, attempt) do nothing
)
select (select works from gone) as worked, (select count(*) from freed) as jobs
