-- Claims one event job that is to be evaluated alone, under an attempt that is committed before the work begins: if
-- the work kills the process, the attempt is remembered. Of several lanes the most urgent, and what was never evaluated before
-- what is evaluated again (channel replay).
-- $1 the claiming worker uuid, $2 lease in milliseconds bigint
-- At most one row: the job.
update neurolink_jobs
   set attempt = attempt + 1, claimed_by = $1, run_at = now() + $2::bigint * interval '1 millisecond'
 where ctid = any (array (
       select j.place from unnest('{single,replay}'::text[]) with ordinality as c (channel, nth)
        cross join lateral (
              select ctid as place, lane from neurolink_jobs
               where kind = 'event' and channel = c.channel and lane = any ('{0,1,2}')
                 and run_at <= now() and not exists (select from neurolink_pauses where kind = 'event')
               order by lane, run_at, id limit 1
                 for update skip locked) j
        order by j.lane, c.nth limit 1))
returning id as job_id, ref_id, attempt, max_attempts, channel = 'replay' as is_replay
