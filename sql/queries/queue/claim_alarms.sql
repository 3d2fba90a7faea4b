-- Claims alarms by deleting them, as events are claimed: the caller's transaction also writes what comes of them.
-- $1 at most so many bigint, $2 lane smallint[], $3 kind text[]: what comes first
-- One row a job: job_id, kind, alarm, lane, attempt, max_attempts, created_at, the rules' revision and the database's time
with claimed as (
    delete from neurolink_jobs
     where ctid = any (array (
           select j.ctid
             -- In their order, without a sort: the limit ends the walk, so that nothing is locked that isn't taken.
             from unnest($2::smallint[], $3::text[]) as q (lane, kind)
            cross join lateral (
                  select ctid from neurolink_jobs
                   where kind = q.kind and channel = '' and lane = q.lane and run_at <= now()
                     and not exists (select from neurolink_pauses p where p.kind = q.kind)
                   order by run_at, id limit $1
                     for update skip locked) j
            limit $1))
    returning id, kind, ref_id, lane, run_at, attempt, max_attempts, created_at
)
select c.id as job_id, c.kind, c.ref_id as alarm, c.lane, c.attempt, c.max_attempts, c.created_at,
       (select value::bigint from neurolink_meta where key = 'rules_rev') as rules_rev, now() as now
  from claimed c order by c.lane, c.run_at, c.id
