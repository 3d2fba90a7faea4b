-- Ids ahead of their rows, so that a batch's rows and the deliveries made of them go out in one flight.
-- $1 how many int
select nextval(pg_get_serial_sequence('neurolink_notifications', 'id')) as id from generate_series(1, $1)
