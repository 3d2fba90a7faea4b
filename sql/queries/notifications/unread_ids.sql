-- The next chunk of what mark-all-read changes: what is snoozed isn't of it. A bounded stretch is walked, in which there may be none.
-- $1 user text, $2 only above this id bigint, $3 only unchanged since this revision bigint, $4 limit bigint, $5 notifications walked
-- at most bigint
-- One row: the ids, how many were walked, and the last of those (null = none).
with walked as materialized (
    select id, rev, in_app, read_at, archived_at, snoozed_until, deleted_at from neurolink_notifications
     where user_id = $1 and id > $2
     order by id limit $5
)
select array (select id from walked
               where rev <= $3 and in_app and read_at is null and archived_at is null and snoozed_until is null
                 and deleted_at is null
               order by id limit $4) as ids,
       (select count(*) from walked) as walked, (select max(id) from walked) as last
