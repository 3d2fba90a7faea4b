-- A page of rules, newest first, each with what is wrong with its present version, and whether that is held.
-- $1 below this id bigint, $2 enabled or null, $3 event type or null: rules that are about it (or whose pattern is just that),
-- $4 module or null: rules that are about it, or about any, $5 faulty or null, $6 limit bigint
-- One row a rule.
select r.id, r.version, r.name, r.source_module, r.event_type_pattern, r.conditions::text as conditions,
       r.notification_template::text as notification_template, r.priority, r.enabled, r.created_at, r.updated_at,
       f.kind as fault_kind, f.place as fault_place, f.detail as fault_detail, f.found_at as fault_found_at,
       h.held_at, h.reason as hold_reason, h.limit_per_minute as hold_limit, h.held_count, h.last_held_at
  from neurolink_notification_rules r
  left join neurolink_rule_faults f on f.rule_id = r.id and f.version = r.version
  left join neurolink_rule_holds h on h.rule_id = r.id and h.version = r.version
 where r.id < $1
   and ($2::boolean is null or r.enabled = $2)
   and ($3::text is null or r.event_type_pattern in ($3, '*')
        or (r.event_type_pattern like '%.*' and starts_with($3, left(r.event_type_pattern, -1))))
   and ($4::text is null or coalesce(r.source_module, $4) = $4)
   and ($5::boolean is null or (f.rule_id is not null) = $5)
 order by r.id desc
 limit $6
