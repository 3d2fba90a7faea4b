-- Claims one event job that is to be evaluated alone, under an attempt that is committed before the work begins: if
-- the work kills the process, the attempt is remembered.
-- $1 the claiming worker uuid, $2 lease in milliseconds bigint
-- At most one row: the job.
update neurolink_jobs
   set attempt = attempt + 1, claimed_by = $1, run_at = now() + $2::bigint * interval '1 millisecond'
 where ctid = any (array (
       select ctid from neurolink_jobs
        where kind = 'event' and channel = 'single' and lane = any ('{0,1,2}')
          and run_at <= now() and not exists (select from neurolink_pauses where kind = 'event')
        order by lane, run_at, id limit 1
          for update skip locked))
returning id as job_id, ref_id, attempt, max_attempts
