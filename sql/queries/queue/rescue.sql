-- Ends the leases of a dead worker at once and records its open attempts as lost. Runs in a transaction that holds the
-- dead worker's advisory lock.
-- $1 the dead worker uuid
-- One row: how many jobs came free (null worker = somebody else was quicker).
with gone as (
    delete from neurolink_workers where incarnation = $1 returning incarnation
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
select (select count(*) from gone) as workers, (select count(*) from freed) as jobs
