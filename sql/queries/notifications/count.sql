-- An inbox's counts and revision, of one snapshot.
-- $1 user text
select rev, unread_count, unseen_count from neurolink_inboxes where user_id = $1
