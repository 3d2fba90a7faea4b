-- A rule's new content; the trigger gives it its version.
-- $1 name, $2 source_module or null, $3 event_type_pattern, $4 conditions (JSON text) or null, $5 notification_template (JSON
-- text), $6 priority int, $7 enabled, $8 rule bigint
update neurolink_notification_rules
   set name = $1, source_module = $2, event_type_pattern = $3, conditions = $4::text::jsonb,
       notification_template = $5::text::jsonb, priority = $6, enabled = $7
 where id = $8
