-- Queues a replay, and audits it; one that waits already serves both who asked.
-- $1 event bigint
-- One row: the job, and whether it is new.
with waiting as (
    select id from neurolink_jobs
     where kind = 'event' and channel = 'replay' and ref_id = $1 and claimed_by is null
     limit 1
), made as (
    insert into neurolink_jobs (kind, channel, ref_id, lane)
    select 'event', 'replay', e.id, case e.severity when 'critical' then 0 else 1 end
      from neurolink_events e where e.id = $1 and not exists (select from waiting)
    returning id
)
select m.id, true as is_new,
       neurolink_audit('event.replayed', 'event', $1::bigint::text, null,
           (select jsonb_build_object('branch_id', e.branch_id, 'source_module', e.source_module, 'event_type', e.event_type, 'job_id', m.id)
              from neurolink_events e where e.id = $1))
  from made m
union all
select w.id, false, null from waiting w
