-- Deletes an event that nothing depends on any more, with its outcome and its dead job, and audits what went with it (not its
-- payload: who deletes an event may want that gone).
-- $1 event bigint, $2 what was taken along text (JSON)
-- One row: outcomes and dead jobs that went.
with outcome as (
    delete from neurolink_event_outcomes where event_id = $1 returning event_id
), dead as (
    delete from neurolink_dead_jobs where kind = 'event' and ref_id = $1 returning id
), emptied as (
    -- What was kept to be sent of notifications that their people had deleted themselves.
    update neurolink_delivery_log d set content = null
      from neurolink_notifications n
     where n.event_id = $1 and n.deleted_at is not null and d.id between n.id * 32 and n.id * 32 + 31
       and d.content is not null and d.status <> 'pending'
), ungathered as (
    -- What a digest told stays told by its notification; what it gathered of this event is gone.
    delete from neurolink_digest_items where event_id = $1
), unshadowed as (
    delete from neurolink_shadow_matches m using neurolink_notification_rules r where m.rule_id = r.id and m.event_id = $1
), gone as (
    delete from neurolink_events where id = $1 returning *
)
select (select count(*) from outcome) as outcomes, (select count(*) from dead) as dead_jobs,
       neurolink_audit('event.deleted', 'event', g.id::text,
           (to_jsonb(g) - 'payload') || jsonb_build_object('took_along', $2::text::jsonb || jsonb_build_object(
               'outcomes', (select count(*) from outcome),
               'jobs', ($2::text::jsonb ->> 'jobs')::bigint + (select count(*) from dead))), null)
  from gone g
