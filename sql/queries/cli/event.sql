-- An event, as the rules see it.
-- $1 event bigint
-- One row, or none.
select id, source_module, event_type, severity, occurred_at, received_at, payload::text as payload, correlation_id, branch_id,
       actor_id, entity_type, entity_id
  from neurolink_events
 where id = $1
