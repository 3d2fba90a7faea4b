-- Takes an event's jobs away. Waits for whoever evaluates it now: what comes of that is seen by the statements after this one.
-- (Jobs have no index by event: this looks at all waiting ones, which is an admin's seldom deed.)
-- $1 event bigint
delete from neurolink_jobs where kind = 'event' and ref_id = $1
