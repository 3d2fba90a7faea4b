-- One event with its payload and all of its outcome. The payload is text on the way out, so that numbers keep their digits.
-- $1 event bigint
-- At most one row.
select e.id, e.source_module, e.event_type, e.severity, e.occurred_at, e.received_at, e.payload::text as payload,
       e.producer_idempotency_key, e.correlation_id, e.branch_id, e.actor_id, e.entity_type, e.entity_id, e.traceparent,
       o.event_id is not null as is_evaluated, o.evaluated_at, o.replayed_at, coalesce(o.rules_matched, 0) as rules_matched,
       coalesce(o.notifications, 0) as notifications, o.warnings is not null as is_warned, o.error,
       o.suppressed::text as suppressed, o.warnings::text as warnings
  from neurolink_events e
  left join neurolink_event_outcomes o on o.event_id = e.id
 where e.id = $1
