-- Claims alarms by deleting them, as events are claimed: the caller's transaction also writes what comes of them.
-- $1 at most so many bigint
-- One row a job: job_id, kind, alarm, lane, attempt, max_attempts, the rules' revision and the database's time
with claimed as (
    delete from neurolink_jobs
     where ctid = any (array (
           select j.ctid
             from unnest('{reminder,digest,escalation,fanout}'::text[]) as k (kind)
            cross join unnest('{0,1,2}'::smallint[]) as l (lane)
            cross join lateral (
                  select ctid from neurolink_jobs
                   where kind = k.kind and channel = '' and lane = l.lane and run_at <= now()
                   order by run_at, id limit $1
                     for update skip locked) j
            where not exists (select from neurolink_pauses p where p.kind = k.kind)
            order by l.lane limit $1))
    returning id, kind, ref_id, lane, run_at, attempt, max_attempts
)
select c.id as job_id, c.kind, c.ref_id as alarm, c.lane, c.attempt, c.max_attempts,
       (select value::bigint from neurolink_meta where key = 'rules_rev') as rules_rev, now() as now
  from claimed c order by c.lane, c.run_at, c.id
