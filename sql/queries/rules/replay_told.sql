-- Whom an event's evaluations have told so far, for a replay that adds only what is missing. Tombstones count: who deleted it was told.
-- $1 event bigint
-- One row a notification.
select rule_id, user_id from neurolink_notifications where event_id = $1 and step = 0 and rule_id is not null
