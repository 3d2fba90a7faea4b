-- A page of a rule's versions, newest first; also of a rule that is gone.
-- $1 rule bigint, $2 below this version int, $3 limit bigint
-- One row a version.
select v.rule_id as id, v.version, v.name, v.source_module, v.event_type_pattern, v.conditions::text as conditions,
       v.notification_template::text as notification_template, v.priority, v.enabled, v.changed_by, v.changed_at,
       f.kind as fault_kind, f.place as fault_place, f.detail as fault_detail, f.found_at as fault_found_at
  from neurolink_rule_versions v
  left join neurolink_rule_faults f on f.rule_id = v.rule_id and f.version = v.version
 where v.rule_id = $1 and v.version < $2
 order by v.version desc
 limit $3
