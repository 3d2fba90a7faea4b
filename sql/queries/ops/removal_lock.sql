-- Locks inboxes, in the one order everybody locks them in.
-- $1 user text[]
select user_id from neurolink_inboxes where user_id = any ($1) order by user_id collate "C" for update
