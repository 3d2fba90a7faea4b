-- A page of event types: the standard ones, and those that were seen.
-- $1 standard event_type text[], $2 their source_module text[], $3 behind this type text, $4 and this module text (both null = from the
-- start), $5 limit bigint
-- One row a type and module, by name.
with every as (
    select coalesce(s.event_type, t.event_type) collate "C" as event_type, coalesce(s.source_module, t.source_module) collate "C" as source_module,
           t.first_seen_at, t.last_seen_at
      from unnest($1::text[], $2::text[]) as s (event_type, source_module)
      full join neurolink_event_types t on t.event_type = s.event_type and t.source_module = s.source_module
)
select event_type, source_module, first_seen_at, last_seen_at from every
 where $3::text is null or (event_type, source_module) > ($3, $4::text)
 order by event_type, source_module
 limit $5
