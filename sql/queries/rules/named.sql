-- The rule of a name, with what is wrong with its present version, and whether that is held.
-- $1 name text
-- One row, or none.
select r.id, r.version, r.name, r.source_module, r.event_type_pattern, r.conditions::text as conditions,
       r.notification_template::text as notification_template, r.priority, r.enabled, r.created_at, r.updated_at,
       f.kind as fault_kind, f.place as fault_place, f.detail as fault_detail, f.found_at as fault_found_at,
       h.held_at, h.reason as hold_reason, h.limit_per_minute as hold_limit, h.held_count, h.last_held_at
  from neurolink_notification_rules r
  left join neurolink_rule_faults f on f.rule_id = r.id and f.version = r.version
  left join neurolink_rule_holds h on h.rule_id = r.id and h.version = r.version
 where r.name = $1
