-- Whether an event has notifications left that aren't deleted: an evaluation may have added some behind our back.
-- $1 event bigint
-- One row.
select exists (select from neurolink_notifications where event_id = $1 and rule_id is not null and deleted_at is null) as is_left
