-- What came of a replay: today's judgement in the place of the former, notifications added to what there were, and a job that had
-- been given up is so no more.
-- $1 event bigint, $2 rules matched int, $3 new notifications int, $4 suppressed text (JSON), $5 warnings text (JSON)
with alive as (
    delete from neurolink_dead_jobs where kind = 'event' and ref_id = $1
)
update neurolink_event_outcomes
   set rules_matched = $2, notifications = notifications + $3, suppressed = $4::text::jsonb, warnings = $5::text::jsonb, error = null,
       replayed_at = now()
 where event_id = $1
