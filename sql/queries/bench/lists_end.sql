-- Ids go on behind what was loaded.
-- $1 events bigint, $2 notifications bigint
-- One row.
select setval(pg_get_serial_sequence('neurolink_events', 'id')::regclass, $1::bigint) as events,
       setval(pg_get_serial_sequence('neurolink_notifications', 'id')::regclass, $2::bigint) as notifications
