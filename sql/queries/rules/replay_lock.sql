-- Locks an event's outcome for a replay, so that of two replays the second sees what the first has made: in a statement of its own,
-- since one that waits still reads what was there before it waited.
-- $1 event bigint
-- One row; none when the event was never evaluated, or is deleted.
select event_id from neurolink_event_outcomes where event_id = $1 for update
