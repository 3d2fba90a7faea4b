-- An orderly stop: this process leaves the workers, gives back what it still holds, and wakes the others, who may have
-- rested because it was awake.
-- $1 incarnation uuid
with gone as (
    delete from neurolink_workers where incarnation = $1
), freed as (
    update neurolink_jobs set claimed_by = null, run_at = now() where claimed_by = $1
)
select pg_notify('neurolink_wake', '')
