-- The modules that send an event type: the standard one, and those that were seen; at most a thousand.
-- $1 event_type text, $2 the standard one's source_module text (null = the type isn't standard)
-- One row a module, by name; none = nobody knows such a type.
select coalesce(s.source_module, t.source_module) collate "C" as source_module, t.first_seen_at, t.last_seen_at
  from (select $2::text as source_module where $2 is not null) s
  full join (select * from neurolink_event_types where event_type = $1 order by source_module limit 1000) t on t.source_module = s.source_module
 order by 1
