-- Ids ahead of their rows, so that a batch's rows and the deliveries made of them go out in one flight. The sequence is looked up
-- once, not once an id (measured: 1 000 ids in 0.7 ms instead of 5.6).
-- $1 how many int
select nextval(s.name) as id
  from (select pg_get_serial_sequence('neurolink_notifications', 'id')::regclass as name offset 0) s
 cross join generate_series(1, $1::int)
