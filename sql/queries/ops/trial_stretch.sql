-- A stretch of a backtest's events: those of the window, the branches, the module and the types that its rules could concern,
-- without what came in while its import was muted, which no rule is asked about.
-- $1 ids from bigint, $2 to below bigint, $3 events walked at most bigint, $4 received from timestamptz, $5 to below timestamptz,
-- $6 modules text[] (null = any), $7 types text[] (null = any), $8 beginnings of types text[], $9 branches text[] (null = all)
-- At least one row, each with how many events were walked and the last of them (null = none); without an id where none concerns.
with walked as (
    select count(*) as walked, max(id) as last
      from (select id from neurolink_events where id >= $1 and id < $2 order by id limit $3) stretch)
select w.walked, w.last, e.*
  from walked w
  left join lateral (
       select id, source_module, event_type, severity, occurred_at, received_at, payload::text as payload, correlation_id,
              branch_id, actor_id, entity_type, entity_id
         from neurolink_events
        where id >= $1 and id <= w.last and received_at >= $4 and received_at < $5
          and ($6::text[] is null or source_module = any ($6))
          and ($7::text[] is null or event_type = any ($7)
               or exists (select from unnest($8::text[]) as begins where starts_with(event_type, begins)))
          and ($9::text[] is null or branch_id is null or branch_id = any ($9))
          and not exists (select from neurolink_event_outcomes o
                           where o.event_id = neurolink_events.id
                             and o.suppressed = '[{"rule": "", "reason": "muted", "count": 0}]')
        order by id
       offset 0) e on true
