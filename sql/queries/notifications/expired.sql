-- Notifications that have expired and are still where they were, the longest past first. By an index that holds the expiring ones alone.
-- $1 limit bigint
-- One row a notification: user_id, id, in_app
select user_id, id, in_app from neurolink_notifications
 where expires_at is not null and expires_at <= now() and archived_at is null and deleted_at is null
 order by expires_at limit $1
