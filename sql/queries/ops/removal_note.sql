-- Audits a part of a deletion that goes on: should it be cut off, this much is known.
-- $1 event bigint, $2 what was taken along so far text (JSON)
select neurolink_audit('event.deletion_begun', 'event', e.id::text,
           jsonb_build_object('branch_id', e.branch_id, 'source_module', e.source_module, 'event_type', e.event_type,
                              'took_along', $2::text::jsonb), null)
  from neurolink_events e where e.id = $1
