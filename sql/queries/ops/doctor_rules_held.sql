-- Enabled rules whose present version told too much, and is held.
-- Parameters: none
-- Rows: id, name, reason, held_count, held_seconds
select r.id, r.name, h.reason, h.held_count, extract(epoch from now() - h.held_at)::float8 as held_seconds
  from neurolink_rule_holds h
  join neurolink_notification_rules r on r.id = h.rule_id and r.version = h.version and r.enabled
 order by h.held_at
 limit 100
