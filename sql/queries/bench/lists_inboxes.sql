-- Everybody's inbox, with the counts that its rows give.
insert into neurolink_inboxes (user_id, rev, unread_count, unseen_count)
select user_id, max(rev), count(*) filter (where read_at is null and archived_at is null and snoozed_until is null and deleted_at is null),
       count(*) filter (where seen_at is null and archived_at is null and snoozed_until is null and deleted_at is null)
  from neurolink_notifications where in_app group by user_id
