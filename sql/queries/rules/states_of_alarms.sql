-- What alarms ring for, as it is before it is locked.
-- $1 alarm bigint[]
-- One row an alarm that still means something: alarm, rule_id, key, state (JSON text)
select alarm, rule_id, key, state::text as state from neurolink_rule_states where alarm = any ($1)
