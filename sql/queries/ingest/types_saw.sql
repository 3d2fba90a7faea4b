-- Remembers when event types were last seen. In one order, so that two nodes never wait for each other in a circle; what another
-- node has just written stays as it is.
-- $1 event_type text[], $2 source_module text[], $3 first seen timestamptz[], $4 last seen timestamptz[]
insert into neurolink_event_types as t (event_type, source_module, first_seen_at, last_seen_at)
select event_type, source_module, first_seen, last_seen
  from unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[]) as s (event_type, source_module, first_seen, last_seen)
 order by event_type, source_module
on conflict (event_type, source_module) do update
   set last_seen_at = greatest(t.last_seen_at, excluded.last_seen_at),
       first_seen_at = least(t.first_seen_at, excluded.first_seen_at)
 where excluded.last_seen_at > t.last_seen_at + interval '30 seconds' or excluded.first_seen_at < t.first_seen_at
