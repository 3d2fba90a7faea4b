-- The next of an event's notifications that aren't deleted.
-- $1 event bigint, $2 behind this rule bigint, $3 behind this person text, $4 behind this step smallint, $5 at most bigint
-- One row a notification, in the order of its unique key.
select rule_id, user_id, step, id, in_app
  from neurolink_notifications
 where event_id = $1 and (rule_id, user_id, step) > ($2, $3, $4) and deleted_at is null
 order by rule_id, user_id, step
 limit $5
