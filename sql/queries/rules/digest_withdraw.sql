-- Events are resolved: what of them still waits for a digest is withdrawn, in the order of the key.
-- $1 event bigint[]
with waiting as (
    select event_id, rule_id, user_id from neurolink_digest_items
     where event_id = any ($1) and notification_id is null and withdrawn is null
     order by event_id, rule_id, user_id for update
)
update neurolink_digest_items i set withdrawn = 'resolved'
  from waiting w where (i.event_id, i.rule_id, i.user_id) = (w.event_id, w.rule_id, w.user_id)
