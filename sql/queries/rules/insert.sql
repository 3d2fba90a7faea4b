-- A new rule, as its version 1.
-- $1 name, $2 source_module or null, $3 event_type_pattern, $4 conditions (JSON text) or null, $5 notification_template (JSON
-- text), $6 priority int, $7 enabled
-- id bigint
insert into neurolink_notification_rules (name, source_module, event_type_pattern, conditions, notification_template, priority, enabled)
values ($1, $2, $3, $4::text::jsonb, $5::text::jsonb, $6, $7)
returning id
