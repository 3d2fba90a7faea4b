-- What payloads carry: of the newest 2 000 events, the newest three of each type.
-- One row an event: event_type, payload.
select r.event_type, r.payload
  from (select e.event_type, e.payload, row_number() over (partition by e.event_type order by e.id desc) as n
          from (select id, event_type, payload from neurolink_events order by id desc limit 2000) e) r
 where r.n <= 3 and pg_column_size(r.payload) < 65536
