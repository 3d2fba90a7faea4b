-- Dead jobs by id, newest first, with the event of those that were to evaluate one.
-- $1 id bigint[]
-- One row a job that is there.
select d.id, d.kind, d.ref_id, d.lane, d.attempt, d.max_attempts, d.last_error, d.created_at, d.died_at,
       e.source_module, e.event_type, e.branch_id
  from neurolink_dead_jobs d
  left join neurolink_events e on d.kind = 'event' and e.id = d.ref_id
 where d.id = any ($1)
 order by d.id desc
