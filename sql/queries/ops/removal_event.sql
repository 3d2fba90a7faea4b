-- An event about to be deleted, locked against replays and other deletions.
-- $1 event bigint
-- At most one row.
select branch_id from neurolink_events where id = $1 for update
