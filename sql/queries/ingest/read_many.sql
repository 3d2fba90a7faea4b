-- Events as the rules see them.
-- $1 event bigint[]
-- One row an event that is there, by id.
select id, source_module, event_type, severity, occurred_at, received_at, payload::text as payload, correlation_id, branch_id, actor_id,
       entity_type, entity_id
  from neurolink_events where id = any ($1) order by id
