-- One event by the way in that an ERP's own transaction uses.
-- $1 source_module, $2 event_type, $3 payload (JSON text), $4 severity, $5 idempotency_key, $6 correlation_id, $7 branch_id,
-- $8 actor_id, $9 entity_type, $10 entity_id, $11 occurred_at timestamptz, $12 traceparent: from $4 on null = not given
-- One row: the event's id.
select neurolink_emit($1::text, $2::text, $3::text::jsonb, severity => $4::text, idempotency_key => $5::text,
                      correlation_id => $6::text, branch_id => $7::text, actor_id => $8::text, entity_type => $9::text,
                      entity_id => $10::text, occurred_at => $11::timestamptz, traceparent => $12::text) as id
