-- Looks up the events that hold the given keys, and compares them with what a request gives under those keys. Fields
-- that the request leaves out are not compared.
-- Parameters: arrays of one length: $1 source_module, $2 event_type, $3 payload (text), $4 severity, $5 occurred_at,
--   $6 idempotency key (never null), $7 correlation_id, $8 branch_id, $9 actor_id, $10 entity_type, $11 entity_id,
--   $12 traceparent.
-- Rows: ord (1 = first of the arrays), id, differs (the first field that differs, or null). No row: the key is not there.
select n.ord, e.id,
       case when e.event_type <> n.event_type then 'event_type'
            when e.payload <> n.payload::jsonb then 'payload'
            when e.severity <> n.severity then 'severity'
            when e.occurred_at <> n.occurred_at then 'occurred_at'
            when n.correlation_id is not null and e.correlation_id is distinct from n.correlation_id then 'correlation_id'
            when n.branch_id is not null and e.branch_id is distinct from n.branch_id then 'branch_id'
            when n.actor_id is not null and e.actor_id is distinct from n.actor_id then 'actor_id'
            when n.entity_type is not null and e.entity_type is distinct from n.entity_type then 'entity_type'
            when n.entity_id is not null and e.entity_id is distinct from n.entity_id then 'entity_id'
            when n.traceparent is not null and e.traceparent is distinct from n.traceparent then 'traceparent'
       end as differs
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::text[],
              $9::text[], $10::text[], $11::text[], $12::text[]) with ordinality
       as n (source_module, event_type, payload, severity, occurred_at, key, correlation_id, branch_id, actor_id,
             entity_type, entity_id, traceparent, ord)
  join neurolink_events e on e.source_module = n.source_module and e.producer_idempotency_key = n.key
