-- Enabled rules that are faulty in their present version.
-- Parameters: none
-- Rows: id, name, kind, place, detail
select r.id, r.name, f.kind, f.place, f.detail
  from neurolink_rule_faults f
  join neurolink_notification_rules r on r.id = f.rule_id and r.version = f.version and r.enabled
 order by r.priority desc, r.id
 limit 100
