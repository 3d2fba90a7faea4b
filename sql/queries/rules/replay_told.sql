-- Whom an event's evaluations have told so far, for a replay that adds only what is missing. Tombstones count: who deleted it was told;
-- and what a digest has told, or will.
-- $1 event bigint
-- One row a notification, or what would have been one.
select rule_id, user_id from neurolink_notifications where event_id = $1 and step = 0 and rule_id is not null
union
select rule_id, user_id from neurolink_digest_items where event_id = $1 and withdrawn is null
