-- A page of events without their payloads, newest first, each with its outcome in short. No index serves these filters: a bounded
-- stretch below the cursor is walked by primary key, and the caller goes on below its end.
-- $1 only below this id bigint, $2 not below this id bigint, $3 events walked at most bigint, $4 limit bigint, $5 source_module text,
-- $6 event_type text, $7 its prefix with the dot text, $8 severity text, $9 branch text, $10 entity_type text, $11 entity_id text,
-- $12 received not before timestamptz, $13 received before timestamptz, $14 outcome text (waiting, matched, unmatched, warned, failed):
-- each or null; $15 the caller's branches text[] (null = all); $16 only among
-- these ids bigint[] (null = the walk)
-- One row an event.
select e.id, e.source_module, e.event_type, e.severity, e.occurred_at, e.received_at, e.correlation_id, e.branch_id, e.actor_id,
       e.entity_type, e.entity_id,
       o.event_id is not null as is_evaluated, o.evaluated_at, o.replayed_at, coalesce(o.rules_matched, 0) as rules_matched,
       coalesce(o.notifications, 0) as notifications, o.warnings is not null as is_warned, o.error
  from (select id, source_module, event_type, severity, occurred_at, received_at, correlation_id, branch_id, actor_id, entity_type,
               entity_id
          from neurolink_events
         where id < $1 and id >= $2 and ($16::bigint[] is null or id = any ($16))
         order by id desc limit $3) e
  left join lateral (select * from neurolink_event_outcomes where event_id = e.id offset 0) o on true
 where ($5::text is null or e.source_module = $5)
   and ($6::text is null or e.event_type = $6)
   and ($7::text is null or starts_with(e.event_type, $7))
   and ($8::text is null or e.severity = $8)
   and ($9::text is null or e.branch_id = $9)
   and ($10::text is null or e.entity_type = $10)
   and ($11::text is null or e.entity_id = $11)
   and ($12::timestamptz is null or e.received_at >= $12)
   and ($13::timestamptz is null or e.received_at < $13)
   and case $14::text
           when 'waiting' then o.event_id is null
           when 'failed' then o.error is not null
           when 'warned' then o.warnings is not null
           when 'matched' then o.event_id is not null and o.error is null and o.rules_matched > 0
           when 'unmatched' then o.event_id is not null and o.error is null and o.rules_matched = 0
           else true end
   and ($15::text[] is null or e.branch_id is null or e.branch_id = any ($15))
 order by e.id desc
 limit $4
