-- Stores a group of events in one statement. An event whose key is already there is left out, silently.
-- Parameters: arrays of one length, in the order in which keys are to be locked: $1 ids (taken before), $2 source_module,
--   $3 event_type, $4 payload (text), $5 severity or null, $6 occurred_at or null, $7 idempotency key or null,
--   $8 correlation_id, $9 branch_id, $10 actor_id, $11 entity_type, $12 entity_id, $13 traceparent (each or null).
-- Rows: id of each event that was stored.
insert into neurolink_events (id, source_module, event_type, payload, severity, occurred_at, producer_idempotency_key,
                              correlation_id, branch_id, actor_id, entity_type, entity_id, traceparent)
overriding system value
select n.id, n.source_module, n.event_type, n.payload::jsonb, coalesce(n.severity, 'info'),
       coalesce(n.occurred_at, now()), n.key, n.correlation_id, n.branch_id, n.actor_id, n.entity_type, n.entity_id,
       n.traceparent
  from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[],
              $9::text[], $10::text[], $11::text[], $12::text[], $13::text[]) with ordinality
       as n (id, source_module, event_type, payload, severity, occurred_at, key, correlation_id, branch_id, actor_id,
             entity_type, entity_id, traceparent, ord)
 order by n.ord
on conflict (source_module, producer_idempotency_key) where producer_idempotency_key is not null do nothing
returning id
