-- Locks events' outcomes, in order: before anything else is, as a replay does it.
-- $1 event bigint[]
select event_id from neurolink_event_outcomes where event_id = any ($1) order by event_id for update
