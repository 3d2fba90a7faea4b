-- What stands under an id that emit.sql gave: another body means that the key was taken, and nothing was stored.
-- $1 id, $2 event_type, $3 payload (JSON text), $4 severity, $5 correlation_id, $6 branch_id, $7 actor_id, $8 entity_type,
-- $9 entity_id, $10 occurred_at timestamptz, $11 traceparent: from $4 on null = not given, and not compared
-- One row: the first field that differs, or null. None: somebody deletes the event at this moment.
select case when e.event_type <> $2::text then 'type'
            when e.payload <> $3::text::jsonb then 'payload'
            when e.severity <> $4::text then 'severity'
            when e.occurred_at <> $10::timestamptz then 'occurred-at'
            when $5::text is not null and e.correlation_id is distinct from $5 then 'correlation'
            when $6::text is not null and e.branch_id is distinct from $6 then 'branch'
            when $7::text is not null and e.actor_id is distinct from $7 then 'actor'
            when $8::text is not null and e.entity_type is distinct from $8 then 'entity-type'
            when $9::text is not null and e.entity_id is distinct from $9 then 'entity-id'
            when $11::text is not null and e.traceparent is distinct from $11 then 'traceparent'
       end as differs
  from neurolink_events e
 where e.id = $1
