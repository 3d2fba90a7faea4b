-- The revisions of connected people's inboxes: the sweep that bounds what a lost hint costs.
-- $1 user text[]
select user_id, rev, neurolink_epoch() as epoch from neurolink_inboxes where user_id = any ($1)
