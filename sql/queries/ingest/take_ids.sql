-- Takes ids for events to come, so that an insert's results can be told apart without depending on its order.
-- Parameters: $1 how many. Rows: id.
select nextval(s.name) as id
  from (select pg_get_serial_sequence('neurolink_events', 'id')::regclass as name offset 0) s
 cross join generate_series(1, $1::bigint)
