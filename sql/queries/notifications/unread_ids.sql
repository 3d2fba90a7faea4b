-- The next chunk of what mark-all-read changes.
-- $1 user text, $2 only above this id bigint, $3 only unchanged since this revision bigint, $4 limit bigint
select id from neurolink_notifications
 where user_id = $1 and id > $2 and rev <= $3 and in_app and read_at is null and archived_at is null and deleted_at is null
 order by id limit $4
