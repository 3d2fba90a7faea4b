-- What alarms ring for, as it is before it is locked.
-- $1 alarm bigint[]
-- One row an alarm that still means something: alarm, rule_id, key, state (JSON text), due_at, rule (its name, also of one that is gone; null for
-- what is no rule's)
select s.alarm, s.rule_id, s.key, s.state::text as state, s.due_at,
       coalesce(r.name, (select v.name from neurolink_rule_versions v where v.rule_id = s.rule_id order by v.version desc limit 1)) as rule
  from neurolink_rule_states s left join neurolink_notification_rules r on r.id = s.rule_id
 where s.alarm = any ($1)
