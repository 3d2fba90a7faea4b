-- The payload fields that were seen in events of a type; at most a few hundred.
-- $1 event_type text
-- One row a field, by path.
select path, kinds, first_seen_at, last_seen_at from neurolink_event_fields where event_type = $1 order by path collate "C" limit 1000
