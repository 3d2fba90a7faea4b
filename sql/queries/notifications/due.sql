-- Snoozed notifications whose time has come, the longest due first. By an index that holds the snoozed ones alone.
-- $1 limit bigint
-- One row a notification: user_id, id
select user_id, id from neurolink_notifications
 where snoozed_until is not null and snoozed_until <= now() and in_app and deleted_at is null
 order by snoozed_until limit $1
