-- Fields of payloads that were seen, at most 200 a type, and those of events that watches make, seen or not.
-- One row a field: event_type, path.
(select event_type, path from neurolink_event_fields limit 100000)
union all
(select w.event_type, p.path
   from neurolink_watches w
  cross join lateral (
        select unnest('{operation,changed,old,new}'::text[]) as path
         union all
        select s.side || '.' || a.attname
          from pg_catalog.pg_attribute a cross join unnest('{old,new}'::text[]) as s (side)
         where a.attrelid = w.relation and a.attnum > 0 and not a.attisdropped) p
  limit 100000)
