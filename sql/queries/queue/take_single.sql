-- Takes a singly claimed event job into the working transaction, if the claim still holds.
-- $1 job bigint, $2 attempt int, $3 the claiming worker uuid
-- As claim_events, at most one row; none = fenced.
with claimed as (
    delete from neurolink_jobs where id = $1 and attempt = $2 and claimed_by = $3
    returning id, ref_id, lane, run_at
)
select c.id as job_id, c.lane, c.run_at, c.ref_id,
       e.id as event_id, e.source_module, e.event_type, e.severity, e.occurred_at, e.received_at, e.payload::text as payload,
       e.correlation_id, e.branch_id, e.actor_id, e.entity_type, e.entity_id,
       (select value::bigint from neurolink_meta where key = 'rules_rev') as rules_rev,
       now() as now
  from claimed c
  left join neurolink_events e on e.id = c.ref_id
