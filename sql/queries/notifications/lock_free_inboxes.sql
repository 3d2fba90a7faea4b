-- Locks those of some inboxes that nobody holds, in the one order everybody locks them in: who wakes many people's notifications
-- waits for none of them while holding the others, and two nodes that wake share the work.
-- $1 user text[]
-- One row a locked inbox: its user_id
select user_id from neurolink_inboxes where user_id = any ($1) order by user_id collate "C" for update skip locked
