-- Inserts rules whose name isn't there yet; one that is stays as somebody may have changed it.
-- $1 text: a JSON array of rules with the columns below
-- rows: none; the count of affected rows is how many were new
insert into neurolink_notification_rules (name, source_module, event_type_pattern, conditions, notification_template, priority)
select s.name, s.source_module, s.event_type_pattern, s.conditions, s.notification_template, s.priority
  from jsonb_to_recordset($1::text::jsonb)
       as s (name text, source_module text, event_type_pattern text, conditions jsonb, notification_template jsonb, priority integer)
    on conflict (name) do nothing
