-- Claims event jobs by deleting them; the caller's transaction also writes what comes of them, so a crash undoes both.
-- By ctid: joining on ids plans a hash join over all jobs once there are many.
-- $1 lane smallint[], $2 most per lane int[], $3 start run_at timestamptz[], $4 start id bigint[]: one entry a lane,
--    starting behind the lowest live position, so that dead index entries are not walked again
-- One row a job, with its event (null when the event was deleted), the rules' revision and the database's time.
with claimed as (
    delete from neurolink_jobs
     where ctid = any (array (
           select j.ctid
             from unnest($1::smallint[], $2::int[], $3::timestamptz[], $4::bigint[]) as l (lane, most, start_at, start_id)
            cross join lateral (
                  select ctid from neurolink_jobs
                   where kind = 'event' and channel = '' and lane = l.lane
                     and run_at <= now() and (run_at, id) >= (l.start_at, l.start_id)
                   order by run_at, id limit l.most
                     for update skip locked) j
            where not exists (select from neurolink_pauses where kind = 'event')))
    returning id, ref_id, lane, run_at
)
select c.id as job_id, c.lane, c.run_at, c.ref_id,
       e.id as event_id, e.source_module, e.event_type, e.severity, e.occurred_at, e.received_at, e.payload::text as payload,
       e.correlation_id, e.branch_id, e.actor_id, e.entity_type, e.entity_id,
       (select value::bigint from neurolink_meta where key = 'rules_rev') as rules_rev,
       now() as now
  from claimed c
  left join neurolink_events e on e.id = c.ref_id
 order by c.lane, c.run_at, c.id
