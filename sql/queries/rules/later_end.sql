-- What came of events later than their evaluation (reminders, escalations, the rest of very many recipients).
-- $1 event bigint[], $2 new notifications int[], $3 suppressed text[] (JSON), $4 warnings text[] (JSON)
update neurolink_event_outcomes o
   set notifications = o.notifications + l.notifications,
       suppressed = case when l.suppressed is null then o.suppressed else coalesce(o.suppressed, '[]') || l.suppressed::jsonb end,
       warnings = case when l.warnings is null then o.warnings else coalesce(o.warnings, '[]') || l.warnings::jsonb end
  from unnest($1::bigint[], $2::int[], $3::text[], $4::text[]) as l (event_id, notifications, suppressed, warnings)
 where o.event_id = l.event_id
